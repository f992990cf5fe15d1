"""Every page, by the table of routes, in a real browser: it keeps to its policy, and what is put in does not run."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page
from starlette.routing import Route

from app.core.clock import database_now
from app.core.db.session import transaction
from app.core.state import State
from app.notices.links import Whose, create_links
from app.notices.outbox.mailings import mail_secret
from app.notices.tokens import person_token
from app.reports.monthly.months import Month
from app.reports.monthly.tokens import Opened, report_token
from tests.contract.world import World
from tests.support.browsing import Browsers, served

BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
HTML: Final = "text/html"
UNTRIED: Final = {"/r/{token}/pdf": "takes seconds to print: tests/reports/monthly", "/v1/events/stream": "has no end"}
NEEDS_MORE: Final = dict.fromkeys(
    ("/v1/priorities", "/v1/articles/search", "/v1/public/articles/search", "/v1/search"), 422
)
"""What asks for a parameter."""
_LOOSE: Final = ("'unsafe-inline'",)
PUBLIC: Final = re.compile(r"/(docs|redoc|help|widget|programmes|problems|openapi\.json|plan\.schema\.json)\b")
"""What is the same for everybody, and may be kept."""
WATCH: Final = """
window.violations = []
document.addEventListener("securitypolicyviolation", e => violations.push(`${e.violatedDirective} ${e.blockedURI}`))
"""
SMALL: Final = {"openapi": "3.1.0", "info": {"title": "A", "version": "1"}, "paths": {"/a": {"get": {"responses": {}}}}}
"""A document that browsers show at once."""
INTRUDE: Final = """() => {
    const script = document.createElement("script")
    try {
        script.textContent = "window.ran = 'a script'"
    } catch (refused) {}  // by trusted types
    const image = document.createElement("img")
    try {
        image.setAttribute("onerror", "window.ran = 'an attribute'")
    } catch (refused) {}
    document.body.append(script, image)
    image.dispatchEvent(new Event("error"))
    return window.ran
}"""


@dataclass(frozen=True)
class Place:
    """What a route answers to a GET of somebody who has a browser, at an address at which there is something."""

    route: str
    address: str
    answer: httpx.Response

    @property
    def policy(self) -> dict[str, list[str]]:
        directives = [part.split() for part in self.answer.headers["content-security-policy"].split(";")]
        return {name: sources for name, *sources in directives}


async def addresses(world: World) -> dict[str, str]:
    """An address at which there is something, by the path of each route that is read."""
    account, ticket, admin = world.ids["account_id"], world.ids["ticket_id"], world.keys["admin"]
    [alert] = (await world.client.get("/v1/alerts", params={"ticket_id": ticket}, headers=admin)).json()["items"]
    async with transaction(world.sessions) as session:
        [answering] = await create_links(session, [Whose(account, alert["id"], alert["engineer_id"])])
        secret = await mail_secret(session)
        ends = await database_now(session) + timedelta(days=1)
    download = await world.client.get(f"/v1/tickets/{ticket}/files/{world.ids['file_id']}", headers=admin)
    own = {
        "/a/{token}": f"/a/{answering}",
        "/m/{token}": f"/m/{person_token(secret, ticket, 'ana@solar-roofs.example')}",
        "/r/{token}": f"/r/{report_token(secret, Opened(account, Month.named(world.ids['month']), ends))}",
        "/f/{token}": httpx.URL(download.json()["download"]["url"]).raw_path.decode(),
        "/help/articles/{name}": f"/help/articles/{world.ids['article_id']}",
        "/widget/texts/{tag}": "/widget/texts/en",
    }
    return {path: own.get(path) or _filled(path, world.ids) for path in _read(world.app) if path not in UNTRIED}


def _read(app: FastAPI) -> list[str]:
    return [each.path_format for each in app.routes if isinstance(each, Route) and "GET" in (each.methods or ())]


def _filled(path: str, ids: dict[str, str]) -> str:
    if path.startswith("/docs/assets/"):
        return path.format(name="redoc.standalone.js")
    return path.format_map(ids | ({"token_id": ids["region_token_id"]} if "/regions/" in path else {}))


@pytest.fixture(scope="module")
async def places(world: World) -> list[Place]:
    headers = world.keys["admin"] | BROWSER
    found = (await addresses(world)).items()
    return [Place(route, where, await world.client.get(where, headers=headers)) for route, where in found]


@pytest.fixture(scope="module")
async def pages(places: list[Place]) -> list[Place]:
    return [each for each in places if each.answer.headers.get("content-type", "").startswith(HTML)]


def test_each_route_was_found_and_those_that_may_answer_with_a_page_have_done_it(
    world: World, places: list[Place], pages: list[Place]
) -> None:
    assert {each.route: each.answer.status_code for each in places if each.answer.is_error} == NEEDS_MORE
    told = {path for path, item in world.app.openapi()["paths"].items() if _tells_of_a_page(item.get("get", {}))}
    unlisted = {"/", "/docs", "/redoc", "/help", "/help/articles/{name}", "/m/{token}", "/a/{token}", "/r/{token}"}
    assert {each.route for each in pages} == unlisted | told


def _tells_of_a_page(operation: dict[str, Any]) -> bool:
    return HTML in operation.get("responses", {}).get("200", {}).get("content", {})


async def test_each_route_is_guarded_and_takes_head(world: World, places: list[Place]) -> None:
    for place in places:
        headers = place.answer.headers
        assert headers.get_list("x-content-type-options") == ["nosniff"], place.route
        assert headers.get_list("referrer-policy") == ["no-referrer"], place.route
        [caching] = headers.get_list("cache-control")
        if not PUBLIC.match(place.address):
            assert re.search(r"no-store|^private, no-cache$", caching), place.route
        head = await world.client.head(place.address, headers=world.keys["admin"] | BROWSER)
        assert (head.status_code, head.content) == (place.answer.status_code, b""), place.route
        assert {"content-type", "content-security-policy"} & headers.keys() <= head.headers.keys(), place.route


async def test_a_page_holds_nothing_that_its_policy_does_not_name(world: World, pages: list[Place]) -> None:
    refused = [
        Place(path, path, await world.client.request(method, path, headers=BROWSER))
        for method, path in (("GET", "/nothing"), ("PUT", "/help"), ("GET", "/programmes/%00"), ("GET", "/a/x"))
    ]
    refused += [Place(where, where, await world.client.get(where, headers=BROWSER)) for where in ("/m/x", "/r/x")]
    for place in (*pages, *refused):
        html, policy = place.answer.text, place.policy
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"], place.route
        for kind, text in re.findall(r"<(script|style)\b[^>]*>(.*?)</\1>", html, re.DOTALL):
            if not text.strip():
                continue
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert {f"'sha256-{digest}'", *_LOOSE} & set(policy[f"{kind}-src"]), place.route
        assert "'unsafe-inline'" not in policy.get("script-src", []), place.route
        assert not re.search(r"<[a-z][^>]*\s(on[a-z]+|style)=", html), place.route
        if 'href="data:,"' in html:
            assert "data:" in policy.get("img-src", []), place.route


async def test_no_page_breaks_its_policy_in_a_browser_and_nothing_that_is_put_into_it_runs(
    world: World, pages: list[Place], browsers: Browsers
) -> None:
    state: State = world.app.state.heliodesk
    async with served(world.app, state) as address, browsers.page() as page:
        await page.set_extra_http_headers(world.keys["admin"])
        await page.add_init_script(WATCH)
        await page.route("**/openapi.json", lambda route: route.fulfill(json=SMALL))
        for where in (*(each.address for each in pages), "/nothing", "/m/x", "/a/x", "/r/x"):
            assert await _seen(page, address + where) == [], where


async def _seen(page: Page, url: str) -> list[str]:
    """What the page does against its policy, and what runs of what is put into it."""
    await page.goto(url)
    if await page.locator("script").count():
        await page.wait_for_load_state("networkidle")
    seen: list[str] = await page.evaluate("window.violations")
    ran = await page.evaluate(INTRUDE)
    return [*seen, *([ran] if ran else [])]
