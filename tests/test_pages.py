"""Pages in a browser that reaches nothing but the service: real Chromium, under their own policies."""

import json
from collections.abc import AsyncIterator
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from playwright.async_api import Page
from pydantic import SecretStr

from app.core.settings import Settings
from app.core.state import State
from app.core.web.page import problem_page, wants_page
from app.plans.document.parsing.documents import json_schema
from tests.support.browsing import Browsers, served
from tests.support.service import ROOT

RENDERED = 120_000
"""Milliseconds for a reference of all operations, which keeps a core busy for seconds."""


@pytest.fixture
async def base(app: FastAPI, state: State) -> AsyncIterator[str]:
    async with served(app, state) as url:
        yield url


@pytest.fixture
async def browser_page(browsers: Browsers) -> AsyncIterator[Page]:
    async with browsers.page() as page:
        yield page


async def test_the_reference_and_the_other_pages_show_without_any_other_server(base: str, browser_page: Page) -> None:
    complaints: list[str] = []
    asked: set[str] = set()
    browser_page.on("console", lambda message: complaints.append(message.text))
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    browser_page.on("request", lambda request: asked.add(request.url))
    await browser_page.goto(f"{base}/")
    assert await browser_page.title() == "Heliodesk"
    await browser_page.get_by_text("Ready", exact=True).wait_for()
    await browser_page.get_by_role("link", name="docs").click()
    await browser_page.get_by_text("/v1/tickets", exact=True).first.wait_for(timeout=RENDERED)
    await browser_page.goto(f"{base}/redoc")
    await browser_page.get_by_role("heading", name="Heliodesk").first.wait_for(timeout=RENDERED)
    await browser_page.goto(f"{base}/problems/not-found")
    await browser_page.get_by_role("heading", name="There is no such resource").wait_for()
    assert {url for url in asked if not url.startswith((base, "data:", "blob:"))} <= {REDOCS_LOGO}
    assert [text for text in complaints if REDOCS_LOGO not in text] == []


async def test_a_programme_shows_and_prints_with_its_own_style_sheet(
    base: str, plans: None, browser_page: Page
) -> None:
    del plans
    complaints: list[str] = []
    browser_page.on("console", lambda message: complaints.append(message.text))
    await browser_page.goto(f"{base}/programmes/itil-native?lang=es")
    await browser_page.get_by_role("heading", name="Centro de servicios ITIL").wait_for()
    await browser_page.get_by_role("link", name="Français").click()
    await browser_page.get_by_role("heading", name="Centre de services ITIL").wait_for()
    assert await browser_page.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse") == "collapse"
    wide = "document.documentElement.scrollWidth > innerWidth"
    await browser_page.set_viewport_size({"width": 360, "height": 700})
    assert not await browser_page.evaluate(wide)
    await browser_page.emulate_media(media="print")
    assert not await browser_page.get_by_role("navigation").is_visible()
    assert (await browser_page.pdf()).startswith(b"%PDF")
    assert complaints == []


REDOCS_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
"""ReDoc's own advertisement, which the page's policy keeps out."""


async def test_what_the_reference_loads_is_kept_for_its_version(client: httpx.AsyncClient) -> None:
    text = (await client.get("/docs")).text
    script = next(part.split('"')[0] for part in text.split('src="')[1:])
    answer = await client.get(f"/{script}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert answer.headers["content-type"].startswith("text/javascript")
    for other in ("other.js", "..%2f__init__.py", ".."):
        assert (await client.get(f"/{script.rpartition('/')[0]}/{other}")).status_code == 404


async def test_the_schema_of_plans_is_served_beside_the_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/plan.schema.json")
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json() == json.loads((ROOT / "openapi" / "plan.schema.json").read_bytes())
    Draft202012Validator.check_schema(answer.json())


async def test_the_schema_of_plans_is_made_once(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for it shows no key, and it takes as long to make as many requests together."""
    made = Mock(side_effect=json_schema)
    monkeypatch.setattr("app.openapi.json_schema", made)
    first, *others = [(await client.get("/plan.schema.json")).content for _ in range(3)]
    assert (made.call_count <= 1, others) == (True, [first, first])


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/*", True),
        ("application/json;q=0.5, text/html", True),
        ("", False),
        ("*/*", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("application/problem+json", False),
    ],
)
async def test_a_browser_gets_a_page_and_a_program_json(client: httpx.AsyncClient, accept: str, *, page: bool) -> None:
    assert wants_page(accept) == page
    answer = await client.get("/problems/not-found", headers={"Accept": accept})
    assert answer.headers["vary"] == "Accept, Accept-Language"
    assert answer.headers["content-type"].startswith("text/html" if page else "application/json")
    assert "There is no such resource" in answer.text


async def test_the_start_page_tells_what_is_missing_only_to_who_may_see(
    client: httpx.AsyncClient, state: State, settings: Settings, app: FastAPI
) -> None:
    del state, settings
    assert "No SMTP server is configured" in (await client.get("/")).text
    held = app.state.heliodesk
    held.settings.metrics_key = SecretStr("a-key-that-nobody-guesses")
    try:
        answer = await client.get("/")
    finally:
        held.settings.metrics_key = SecretStr("")
    assert "No SMTP server is configured" not in answer.text
    assert "Ready" in answer.text


_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "pl"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/problems/nope", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/docs/assets/1/other.js", 404),
        ("POST", "/docs", 405),
        ("GET", "/docs?a=%00", 422),
        ("GET", f"/a/{'x' * 101}", 422),
    ],
    ids=["problem type", "nowhere", "asset", "method", "nul", "link"],
)
async def test_a_browser_is_told_what_is_wrong_on_a_page(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path, headers=_BROWSER)
    assert (answer.status_code, answer.headers["content-language"]) == (status, "pl")
    assert answer.headers["content-type"].startswith("text/html")
    assert '<html lang="pl">' in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert {"Accept", "Accept-Language"} <= {name.strip() for name in answer.headers["vary"].split(",")}
    plain = await client.request(method, path)
    assert plain.headers["content-type"] == "application/problem+json"
    assert plain.json()["status"] == status


async def test_an_error_page_shows_what_was_sent_and_runs_none_of_it(client: httpx.AsyncClient) -> None:
    path = {"pointer": "/<script>alert(1)</script>", "detail": "<b>"}
    html = problem_page({"title": "<i>", "type": "/problems/a", "status": 422, "errors": [path]}, "en")
    assert "<script>" not in html
    assert "/&lt;script&gt;alert(1)&lt;/script&gt;: &lt;b&gt;" in html
    answer = await client.get("/nowhere", headers=_BROWSER)
    assert "script-src" not in answer.headers["content-security-policy"]


async def test_the_api_answers_problems_as_json_whatever_is_accepted(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/tickets", headers=_BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
