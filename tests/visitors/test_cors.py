"""What browsers let pages of other origins do and read."""

import httpx
import pytest
from pydantic import AnyHttpUrl

from app.core.state import State
from app.core.web.cors import MAX_AGE
from tests.support.identities import ORIGIN
from tests.visitors.conftest import TEXTS, Page

EVIL = "https://evil.example"


def cors(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


async def preflight(client: httpx.AsyncClient, path: str, method: str = "POST", origin: str = ORIGIN) -> httpx.Response:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    return await client.options(path, headers={"Origin": origin} | asked)


@pytest.mark.parametrize("origin", [ORIGIN, EVIL, "http://localhost:5173"])
async def test_a_preflight_says_of_any_page_that_it_may_ask_and_is_kept(client: httpx.AsyncClient, origin: str) -> None:
    answer = await preflight(client, "/v1/tickets", origin=origin)
    assert (answer.status_code, answer.content) == (204, b"")
    assert cors(answer)["access-control-allow-origin"] == origin
    assert cors(answer)["access-control-max-age"] == str(MAX_AGE)
    assert set(cors(answer)["access-control-allow-methods"].split(", ")) == {"GET", "POST"}
    for header in ("authorization", "heliodesk-identity", "idempotency-key", "if-match", "last-event-id"):
        assert header in cors(answer)["access-control-allow-headers"].lower().split(", ")
    assert "access-control-allow-credentials" not in answer.headers
    assert [part.strip().lower() for part in answer.headers["vary"].split(",")] == [
        "origin",
        "access-control-request-method",
        "access-control-request-headers",
    ]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v1/tickets", "PUT"),
        ("/v1/tickets/tkt_01k9z3v5q8e9rbn3wz4m6t7y2b", "PATCH"),
        ("/v1/tickets/tkt_01k9z3v5q8e9rbn3wz4m6t7y2b/assign", "POST"),
        ("/v1/keys", "POST"),
        ("/v1/accounts", "GET"),
        ("/v1/webhooks", "GET"),
        ("/healthz", "GET"),
    ],
)
async def test_no_page_may_ask_for_what_is_not_for_visitors(client: httpx.AsyncClient, path: str, method: str) -> None:
    answer = await preflight(client, path, method)
    assert (answer.status_code, cors(answer)) == (405, {})


@pytest.mark.parametrize("origin", ["null", "", "file://", "chrome-extension://abc"])
async def test_what_is_no_page_gets_no_answer_to_its_preflight(client: httpx.AsyncClient, origin: str) -> None:
    assert cors(await preflight(client, "/v1/tickets", origin=origin)) == {}


@pytest.mark.parametrize("origin", [ORIGIN, "https://eu.shop.example"])
async def test_a_page_that_the_key_lists_reads_the_answer(page: Page, origin: str) -> None:
    headers = page.guest | {"Origin": origin}
    answer = await page.client.post("/v1/tickets", headers=headers, json=TEXTS | {"requester": {"name": "Ana"}})
    assert answer.status_code == 422
    for each in (answer, await page.client.get("/v1/statuses", headers=headers)):
        assert cors(each)["access-control-allow-origin"] == origin
        assert "Origin" in each.headers["vary"]
        for header in ("etag", "retry-after", "ratelimit", "idempotency-replayed", "link", "x-request-id"):
            assert header in cors(each)["access-control-expose-headers"].lower().split(", ")


@pytest.mark.parametrize("origin", [EVIL, "null", "http://app.example.com", f"{ORIGIN}.evil.example"])
async def test_any_other_page_is_refused_and_reads_nothing(page: Page, origin: str) -> None:
    answer = await page.client.get("/v1/statuses", headers=page.guest | {"Origin": origin})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert cors(answer) == {}
    assert "Origin" in answer.headers["vary"]


async def test_without_an_origin_it_is_our_own_page_or_no_browser(page: Page) -> None:
    answer = await page.client.get("/v1/statuses", headers=page.key)
    assert (answer.status_code, cors(answer)) == (200, {})


async def test_our_own_pages_need_not_be_listed(page: Page, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state.settings, "public_url", AnyHttpUrl("https://help.example"))
    answer = await page.client.get("/v1/statuses", headers=page.guest | {"Origin": "https://help.example"})
    assert answer.status_code == 200
    answer = await page.client.get("/v1/statuses", headers=page.guest | {"Origin": "https://help.example:8443"})
    assert answer.status_code == 403


async def test_that_a_key_is_revoked_can_be_read(page: Page) -> None:
    listed = await page.get("/v1/keys", page.owner)
    [key_id] = [key["id"] for key in listed["items"] if key["kind"] == "widget"]
    assert (await page.client.get("/v1/statuses", headers=page.guest)).status_code == 200
    assert (await page.client.delete(f"/v1/keys/{key_id}", headers=page.owner)).status_code == 204
    for _ in range(2):
        answer = await page.client.get("/v1/statuses", headers=page.guest)
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")
        assert cors(answer)["access-control-allow-origin"] == ORIGIN


async def test_no_page_reads_what_other_keys_are_told(page: Page) -> None:
    for headers in (page.owner, page.admin):
        answer = await page.client.get("/v1/statuses", headers=headers | {"Origin": ORIGIN})
        assert (answer.status_code, cors(answer)) == (200, {})
