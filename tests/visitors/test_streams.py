"""What a visitor's stream tells: of the visitor's own tickets, for as long as their token is valid."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core.clock import monotonic, wall_now
from app.core.db.engine import Sessions
from app.core.state import State
from app.visitors.key_sets import FRESH
from tests.support.actors import Headers, make_key
from tests.support.desk import fetch
from tests.support.identities import ORIGIN, claims, jwk, pair, token
from tests.support.tickets import TICKET
from tests.support.waiting import PATIENCE, until
from tests.visitors.conftest import TEXTS, Page


async def token_of(page: Page, headers: Headers) -> str:
    return str((await page.post("/v1/events/stream-token", headers, 201))["token"])


async def streamed(page: Page, token: str, **more: Any) -> httpx.Response:
    params: dict[str, Any] = {"token": token, "seconds": 0} | more
    return await page.client.get("/v1/events/stream", params=params, headers={"Origin": ORIGIN})


def tickets_in(answer: httpx.Response, page: Page, *ids: str) -> set[str]:
    assert answer.status_code == 200, answer.text
    assert page
    return {each for each in ids if each in answer.text}


async def test_a_stream_tells_a_visitor_of_their_own_tickets(page: Page) -> None:
    one, two, editor = page.person("one@example.com"), page.person("two@example.com"), page.person("editor@example.com")
    theirs = (await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"]
    of_one = (await page.post("/v1/tickets", one, 201, **TEXTS))["id"]
    of_two = (await page.post("/v1/tickets", two, 201, **TEXTS))["id"]
    guest = await page.open(page.guest)
    every = (theirs, of_one, of_two, guest["id"])
    follower = page.guest | {"Heliodesk-Identity": guest["access"]["token"]}
    for headers, seen in ((one, {of_one}), (two, {of_two}), (editor, set(every)), (follower, {guest["id"]})):
        answer = await streamed(page, await token_of(page, headers))
        assert tickets_in(answer, page, *every) == seen
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        by_header = await page.client.get("/v1/events/stream?seconds=0", headers=headers)
        assert tickets_in(by_header, page, *every) == seen
        listed = (await page.get("/v1/events", headers))["items"]
        assert {event["ticket_id"] for event in listed} == seen
        assert {event["audience"] for event in listed} == {"public"}
    named = await streamed(page, await token_of(page, one), ticket_id=of_two)
    assert tickets_in(named, page, *every) == set()


async def test_guests_have_no_stream(page: Page) -> None:
    await page.post("/v1/events/stream-token", page.guest, 403)
    await page.get("/v1/events", page.guest, 403)


async def test_a_token_opens_one_stream_for_pages_that_the_key_lists(page: Page, sessions: Sessions) -> None:
    one = page.person("one@example.com")
    token = await token_of(page, one)
    evil = {"Origin": "https://evil.example"}
    answer = await page.client.get("/v1/events/stream", params={"token": token, "seconds": 0}, headers=evil)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    token = await token_of(page, one)
    assert (await streamed(page, token)).status_code == 200
    assert (await streamed(page, token)).status_code == 401
    token = await token_of(page, one)
    await fetch(sessions, "UPDATE api_keys SET revoked_at = now() WHERE kind = 'widget' RETURNING 1")
    assert (await streamed(page, token)).status_code == 401


@pytest.mark.parametrize("email", ["editor@example.com", "one@example.com"])
async def test_a_token_sees_what_its_visitor_sees_when_it_is_used(page: Page, sessions: Sessions, email: str) -> None:
    headers = page.person(email)
    await page.post("/v1/tickets", headers, 201, **TEXTS)
    token = await token_of(page, headers)
    await fetch(sessions, "DELETE FROM people WHERE email = $1 RETURNING 1", email)
    assert (await streamed(page, token)).status_code == (401 if email.startswith("editor") else 200)


async def test_a_stream_ends_with_its_visitors_token(page: Page) -> None:
    began = monotonic()
    await token_of(page, page.person("two@example.com"))
    slow = timedelta(seconds=20 * (monotonic() - began))  # it has to be opened before its token's end
    soon = int((wall_now() + timedelta(seconds=2) + slow).timestamp())
    headers = page.person("one@example.com", exp=soon)
    token, began = await token_of(page, headers), monotonic()
    async with asyncio.timeout(PATIENCE):
        answer = await page.client.get("/v1/events/stream", params={"token": token, "seconds": 600})
    assert answer.status_code == 200
    assert monotonic() - began < PATIENCE


@pytest.mark.parametrize("kid", ["k1", "k2"], ids=["another secret under its id", "another id"])
async def test_a_stream_ends_when_the_key_that_signed_for_it_is_replaced(page: Page, kid: str) -> None:
    """Whoever has got hold of the host product's secret listens no longer than it is in use."""
    one = page.person("one@example.com")
    token = await token_of(page, one)
    streams = page.client._transport.app.state.heliodesk.streams  # type: ignore[attr-defined]
    after = (await page.get("/v1/events?after=latest", one))["next_cursor"]
    waiting = asyncio.create_task(page.get(f"/v1/events?wait=60&after={after}", one))
    await until(lambda: len(streams) == 1)
    [key] = [each for each in (await page.get("/v1/keys", page.owner))["items"] if each["kind"] == "widget"]
    path, kept = f"/v1/keys/{key['id']}", [*key["jwt_keys"], {"kid": "new", "alg": "HS256", "key": "n" * 40}]
    await page.call("PATCH", path, page.owner, json={"jwt_keys": kept})
    assert (await streamed(page, await token_of(page, one))).status_code == 200
    replaced = [{"kid": kid, "alg": "HS256", "key": "r" * 40}]
    await page.call("PATCH", path, page.owner, json={"jwt_keys": replaced})
    async with asyncio.timeout(PATIENCE):
        assert (await waiting)["items"] == []
    assert (await streamed(page, token)).status_code == 401


async def test_a_stream_ends_when_a_published_key_is_withdrawn(
    page: Page, state: State, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = pair("ES256")
    published = [jwk(public, "ES256", kid="k1")]
    host = httpx.MockTransport(lambda _: httpx.Response(200, json={"keys": published}))
    sets = state.visitors._key_sets  # type: ignore[attr-defined]  # of Visiting
    async with httpx.AsyncClient(transport=host) as client:
        monkeypatch.setattr(sets, "_http", client)
        where = {"allowed_origins": [ORIGIN], "jwks_url": "https://login.example/jwks.json"}
        key = await make_key(sessions, "widget", account_id=page.account, **where)
        shown = token(claims(wall_now()), alg="ES256", key=private)
        headers = key | {"Origin": ORIGIN, "Heliodesk-Identity": shown}
        after = (await page.get("/v1/events?after=latest", headers))["next_cursor"]
        waiting = asyncio.create_task(page.get(f"/v1/events?wait=60&after={after}", headers))
        await until(lambda: len(state.streams) == 1)
        assert (await streamed(page, await token_of(page, headers))).status_code == 200
        published.clear()
        [known] = sets._sets.values()
        known.read_at = known.tried_at = -FRESH  # an hour ago
        async with asyncio.timeout(PATIENCE):
            assert (await waiting)["items"] == []
        assert (await page.get("/v1/events", headers, 401))["reason"] == "unknown_key"


async def test_a_stream_ends_when_its_person_leaves_the_account(page: Page) -> None:
    """Who has left sees only their own tickets, so an open stream of all the account's has to end."""
    waits, editor = "/v1/events?wait=60", page.person("editor@example.com")
    streams = page.client._transport.app.state.heliodesk.streams  # type: ignore[attr-defined]
    after = (await page.get("/v1/events?after=latest", editor))["next_cursor"]
    waiting = asyncio.create_task(page.get(f"{waits}&after={after}", editor))
    await until(lambda: len(streams) == 1)
    people = f"/v1/accounts/{page.account}/people"
    [left] = [each for each in (await page.get(people, page.admin))["items"] if each["email"] == "editor@example.com"]
    await page.call("DELETE", f"{people}/{left['id']}", page.admin, 204)
    async with asyncio.timeout(PATIENCE):
        assert (await waiting)["items"] == []


@pytest.mark.parametrize("kind", ["widget", "ticket"])
async def test_a_stream_ends_when_a_key_that_it_needs_is_revoked(page: Page, sessions: Sessions, kind: str) -> None:
    opened = await page.open(page.guest)
    headers = page.guest | {"Heliodesk-Identity": opened["access"]["token"]}
    after = (await page.get("/v1/events?after=latest", headers))["next_cursor"]
    waiting = asyncio.create_task(page.client.get(f"/v1/events?wait=60&after={after}", headers=headers))
    streams = page.client._transport.app.state.heliodesk.streams  # type: ignore[attr-defined]
    await until(lambda: len(streams) == 1)
    await fetch(sessions, "UPDATE api_keys SET revoked_at = now() WHERE kind = $1 RETURNING 1", kind)
    async with asyncio.timeout(PATIENCE):
        assert (await waiting).json()["items"] == []


async def test_a_visitor_has_so_many_streams_and_takes_none_from_others(page: Page) -> None:
    one, two = page.person("one@example.com"), page.person("two@example.com")
    streams = page.client._transport.app.state.heliodesk.streams  # type: ignore[attr-defined]
    waits = "/v1/events?wait=30"
    after = (await page.get("/v1/events?after=latest", one))["next_cursor"]
    open_ones = [asyncio.create_task(page.client.get(f"{waits}&after={after}", headers=one)) for _ in range(10)]
    try:
        await until(lambda: len(streams) == len(open_ones))
        refused = await page.get(f"{waits}&after={after}", one, 429)
        assert (refused["quota"], refused["value"]) == ("streams_per_visitor", 10)
        assert (await page.get(f"/v1/events?wait=1&after={after}", two))["items"] == []
    finally:
        for each in open_ones:
            each.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)
