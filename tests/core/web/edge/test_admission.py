"""Who is let in, over HTTP: counted by key, account and address, and in turn."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

from app.core.auth import hash_key
from app.core.auth import make_key as new_key
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.limits.callers import Caller, CallerLimits
from app.core.limits.inflight import DONE, Size
from app.core.limits.rates import Rates
from app.core.problems import TooManyRequests
from app.core.settings import Settings
from app.core.state import State
from app.core.web.edge import admission
from app.core.web.edge.admission import Admission
from app.core.web.edge.middleware import RequestLayer
from app.inbound.examples import GENERIC, PAGERDUTY
from tests.support.actors import Headers, make_account, make_key, make_plan
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.refusals import reached
from tests.support.waiting import until

STATUSES: Final = "/v1/statuses"
NOBODY: Final = {"Authorization": "Bearer nonsense"}
JSON: Final = {"Content-Type": "application/json"}
REVOKE: Final = "UPDATE api_keys SET revoked_at = now()"


@pytest.fixture
def settings(database: str) -> Settings:
    """Few of everything."""
    return Settings(
        database_url=database,
        background=False,
        in_flight_per_account=2,
        in_flight_waiting=1,
        rate_per_key=3,
        rate_per_account=5,
        bytes_per_account=100,
        rate_per_support_key=8,
        rate_per_address=4,
        rate_per_network=10,
    )


@pytest.fixture
async def account(sessions: Sessions) -> str:
    return (await make_account(sessions, await store_plan(sessions, "wati-business-plus"))).account_id


async def _statuses(client: httpx.AsyncClient, headers: Headers, times: int, path: str = STATUSES) -> list[int]:
    return [(await client.get(path, headers=headers)).status_code for _ in range(times)]


async def test_a_key_is_told_what_is_left_of_its_rates(
    client: httpx.AsyncClient, sessions: Sessions, account: str
) -> None:
    answer = await client.get(STATUSES, headers=await make_key(sessions, account_id=account))
    assert answer.headers["ratelimit-policy"] == '"rate_per_key";q=3;w=60, "rate_per_account";q=5;w=60'
    assert re.fullmatch(r'"rate_per_key";r=2;t=(1\d|20)', answer.headers["ratelimit"])


async def test_a_key_has_its_rate_and_all_keys_of_an_account_have_one_together(
    client: httpx.AsyncClient, sessions: Sessions, account: str
) -> None:
    first, second = [await make_key(sessions, account_id=account) for _ in "ab"]
    assert await _statuses(client, first, 4) == [200, 200, 200, 429]
    refused = await client.get(STATUSES, headers=first)
    assert refused.json() == {
        "type": "/problems/too-many-requests",
        "title": "A limit is reached",
        "status": 429,
        "detail": "A key may make 3 requests in 60 seconds",
        "instance": STATUSES,
        "request_id": refused.headers["x-request-id"],
        "quota": "rate_per_key",
        "value": 3,
        "used": 3,
    }
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["ratelimit"].startswith('"rate_per_key";r=0;t=')
    assert await _statuses(client, second, 3) == [200, 200, 429]
    assert reached(await client.get(STATUSES, headers=second)) == ("rate_per_account", 5, 5)


async def test_an_account_sends_only_so_many_bytes_a_minute_and_waits_for_what_exceeded_them(
    client: httpx.AsyncClient, sessions: Sessions, account: str
) -> None:
    first, second = [await make_key(sessions, account_id=account) for _ in "ab"]
    content = b"[%s]" % (b" " * 300)
    assert (await client.post("/v1/tickets", content=content, headers=first | JSON)).status_code == 422
    refused = await client.post("/v1/tickets", content=b"[]", headers=second | JSON)
    assert reached(refused) == ("bytes_per_account", 100, 100)
    assert 60 <= int(refused.headers["retry-after"]) <= 122
    assert (await client.get(STATUSES, headers=second)).status_code == 200


async def test_support_has_more_and_each_of_its_keys_for_itself(
    client: httpx.AsyncClient, sessions: Sessions, admin: Headers
) -> None:
    agent = await make_key(sessions, "agent")
    assert await _statuses(client, admin, 9) == [200] * 8 + [429]
    assert await _statuses(client, agent, 1) == [200]


async def test_a_refused_request_is_not_counted(client: httpx.AsyncClient, sessions: Sessions, account: str) -> None:
    keys = [await make_key(sessions, account_id=account) for _ in "ab"]
    await _statuses(client, keys[0], 10)
    assert await _statuses(client, keys[1], 2) == [200, 200]


async def test_whoever_has_no_valid_key_is_counted_by_address_and_one_with_a_valid_key_is_not_locked_out(
    client: httpx.AsyncClient, sessions: Sessions, account: str
) -> None:
    known = await make_key(sessions, account_id=account)
    assert await _statuses(client, known, 1) == [200]
    guesses: list[Headers] = [
        {},
        NOBODY,
        {"Authorization": "Basic eDp5"},
        {"Authorization": f"Bearer {new_key('admin')}"},
    ]
    assert [await _statuses(client, guess, 1) for guess in guesses] == [[401]] * 4
    guessed = {"Authorization": f"Bearer {new_key('admin')}"}
    assert [await _statuses(client, guess, 1) for guess in (*guesses, guessed)] == [[429]] * 5
    refused = await client.get(STATUSES)
    assert reached(refused) == ("rate_per_address", 4, 4)
    assert await _statuses(client, known, 1) == [200]
    assert await _statuses(client, await make_key(sessions, account_id=account), 1) == [200]
    assert await _statuses(client, {}, 2, "/healthz") == [200, 200]
    assert await _statuses(client, {}, 1, "/readyz") == [200]


@pytest.mark.parametrize("who", ["stranger", "visitor"])
async def test_a_site_that_uses_another_of_its_networks_for_each_request_has_one_rate(
    state: State, settings: Settings, who: str
) -> None:
    limits = CallerLimits(settings.model_copy(update={"rate_per_visiting_address": 4}), Rates(state.engine))

    def asks(number: int, site: str = "2001:db8:1") -> str:
        try:
            limits.count(getattr(limits, who)(f"{site}:{number:x}::/64", f"{site}::/48"))
        except TooManyRequests as refusal:
            return str(refusal.members["quota"])
        return ""

    assert [asks(number) for number in range(10)] == [""] * 10
    assert {asks(number) for number in range(10, 500)} == {"rate_per_network"}
    assert len(limits.rates) == 11
    of_address = {"stranger": "rate_per_address", "visitor": "rate_per_visiting_address"}[who]
    assert [asks(0, site="2001:db8:2") for _ in range(5)] == [""] * 4 + [of_address]


async def test_a_revoked_key_is_refused_at_once_and_learns_nothing_of_its_account(
    client: httpx.AsyncClient, sessions: Sessions, account: str
) -> None:
    key = await make_key(sessions, account_id=account)
    assert await _statuses(client, key, 1) == [200]
    await fetch(sessions, REVOKE)
    answer = await client.get(STATUSES, headers=key)
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("ratelimit")]
    assert await _statuses(client, key, 1) == [401]


@pytest.mark.parametrize("reached", ["rate", "in_flight"])
async def test_a_revoked_key_that_asks_too_often_learns_nothing_of_its_account(
    client: httpx.AsyncClient, sessions: Sessions, state: State, account: str, reached: str
) -> None:
    key = await make_key(sessions, account_id=account)
    times = 4 if reached == "rate" else 1
    assert await _statuses(client, key, times) == [200, 200, 200, 429][:times]
    places = [state.limits.in_flight.enter(account, Size(2, 1)) for _ in range(3)] if reached == "in_flight" else []
    await fetch(sessions, REVOKE)
    answer = await client.get(STATUSES, headers=key)
    assert answer.status_code == 401
    assert answer.json().keys() == {"type", "title", "status", "detail", "instance", "request_id"}
    assert not [name for name in answer.headers if name.startswith("ratelimit")]
    again = await client.get(STATUSES, headers=key)
    assert (again.status_code, again.headers["ratelimit-policy"].split(";")[0]) == (401, '"rate_per_address"')
    for place in places:
        place.leave()


async def test_a_path_without_an_operation_tells_a_revoked_key_nothing_of_its_account(
    client: httpx.AsyncClient, sessions: Sessions, account: str
) -> None:
    key = await make_key(sessions, account_id=account)
    assert await _statuses(client, key, 1) == [200]
    await fetch(sessions, REVOKE)
    answer = await client.get("/v1/nothing", headers=key)
    assert answer.status_code == 404
    assert not [name for name in answer.headers if name.startswith("ratelimit")]


@asynccontextmanager
async def _endless_bodies(
    client: httpx.AsyncClient, state: State, sessions: Sessions, key: Headers
) -> AsyncIterator[None]:
    """As many requests as an account may have in progress, with a key that the process knows and that is revoked."""
    await state.keyring.principal(_secret(key))
    await fetch(sessions, "UPDATE api_keys SET revoked_at = now() WHERE secret_hash = $1", hash_key(_secret(key)))

    async def body() -> AsyncIterator[bytes]:
        yield b" "
        await asyncio.Event().wait()

    sending = [asyncio.create_task(client.post("/v1/tickets", content=body(), headers=key)) for _ in range(3)]
    await until(lambda: state.limits.in_flight.waiting == 3)
    try:
        yield
    finally:
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


def _secret(key: Headers) -> str:
    return key["Authorization"].removeprefix("Bearer ")


async def test_bodies_that_never_end_take_no_place_of_another_key(
    client: httpx.AsyncClient, sessions: Sessions, state: State, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_AT_ONCE", 60)
    revoked, valid = [await make_key(sessions, account_id=account) for _ in "ab"]
    async with _endless_bodies(client, state, sessions, revoked):
        assert await _statuses(client, valid, 1) == [200]
        assert (await client.post("/v1/tickets", content=b"{}", headers=valid | JSON)).status_code == 422


async def test_a_large_body_with_a_revoked_key_costs_the_account_nothing(
    client: httpx.AsyncClient, sessions: Sessions, state: State, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_SMALL", 50)
    key = await make_key(sessions, account_id=account)
    assert await _statuses(client, key, 1) == [200]
    await fetch(sessions, REVOKE)
    assert (await client.post("/v1/tickets", content=b" " * 60, headers=key | JSON)).status_code == 401
    assert state.limits.bytes_of(account) == 0


async def test_without_a_valid_key_no_body_is_looked_at(client: httpx.AsyncClient) -> None:
    for headers in ({}, NOBODY, {"Authorization": f"Bearer {new_key('admin')}"}):
        answer = await client.post("/v1/tickets", content=b"{", headers={**headers, "Content-Type": "text/plain"})
        assert answer.status_code == 401


@asynccontextmanager
async def _held(sessions: Sessions, ticket_id: str) -> AsyncIterator[None]:
    """Whoever writes to the ticket waits."""
    async with transaction(sessions) as session:
        await (await driver(session)).execute("SELECT FROM tickets WHERE id = $1 FOR UPDATE", ticket_id)
        yield


async def test_an_account_has_few_requests_in_progress_and_others_go_on(
    client: httpx.AsyncClient, sessions: Sessions, state: State, account: str
) -> None:
    (ticket,) = await open_at(sessions, account, await now_of(sessions))
    keys = [await make_key(sessions, account_id=account) for _ in "ab"]
    other = (await make_account(sessions, await make_plan(sessions, "other"))).account_id
    path = f"/v1/tickets/{ticket}/messages"
    async with _held(sessions, ticket):
        posts = [client.post(path, json={"body": "Hello"}, headers=key) for key in (*keys, keys[0])]
        begun = [asyncio.create_task(post) for post in posts]
        await until(lambda: (state.limits.in_flight.running, state.limits.in_flight.waiting) == (2, 1))
        refused = await client.post(path, json={"body": "One more"}, headers=keys[1])
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert reached(refused) == ("in_flight", 3, 3)
        assert await _statuses(client, await make_key(sessions, account_id=other), 1) == [200]
    assert [answer.status_code for answer in await asyncio.gather(*begun)] == [201, 201, 201]
    assert (state.limits.in_flight.running, state.limits.in_flight.waiting) == (0, 0)


def _are_open(state: State, number: int) -> bool:
    return len(state.streams) == number


async def test_a_request_that_waits_for_an_event_is_no_work(
    client: httpx.AsyncClient, sessions: Sessions, state: State, account: str
) -> None:
    keys = [await make_key(sessions, account_id=account) for _ in "abcd"]
    waiting = []
    for number, key in enumerate(keys, start=1):
        waiting.append(asyncio.create_task(client.get("/v1/events?after=latest&wait=30", headers=key)))
        await until(partial(_are_open, state, number))
    assert state.limits.in_flight.running == 0
    assert await _statuses(client, keys[0], 1) == [200]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


class Bare:
    """An application of which a test says what it does, behind the layers; ``seen`` are the bodies that reached it."""

    def __init__(self, state: State, settings: Settings) -> None:
        limits = CallerLimits(settings, Rates(state.engine))
        self.app = FastAPI()
        self.app.state.heliodesk = replace(state, limits=limits)
        self.limits, self.seen = limits, list[bytes]()
        self.go = asyncio.Event()
        self.status = 202
        self.layers = RequestLayer(Admission(self._answer), 1024)
        self.after_first_part = asyncio.Event()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append((await receive())["body"])
        await self.go.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        if scope["path"] == "/stream":
            scope[DONE]()
            await self.after_first_part.wait()
        if scope["path"] == "/long":
            await send({"type": "http.response.body", "body": b"", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def call(
        self, path: str = "/v1/x", *, body: Any = None, told: Any = None, key: str | None = None
    ) -> list[Any]:
        """What is sent back. ``body`` has the messages, ``told`` takes the answer's."""
        sent: list[Any] = []

        async def receive() -> Any:
            return await body() if body else {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)
            if told:
                await told(message)

        headers = [(b"transfer-encoding", b"chunked")] if body else []
        headers += [(b"authorization", f"Bearer {key}".encode())] if key else []
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        await self.layers(scope | {"app": self.app, "client": ("203.0.113.9", 1)}, receive, send)
        return sent


@pytest.fixture
def bare(state: State, settings: Settings) -> Bare:
    return Bare(state, settings.model_copy(update={"in_flight_per_account": 1, "rate_per_address": 0}))


async def test_a_slow_sender_holds_up_nobody_who_is_in_turn(bare: Bare) -> None:
    bare.go.set()
    parts: asyncio.Queue[Any] = asyncio.Queue()
    slow = asyncio.create_task(bare.call(body=parts.get))
    await parts.put({"type": "http.request", "body": b"a", "more_body": True})
    await until(lambda: bare.limits.in_flight.waiting == 1)
    assert (await bare.call())[0]["status"] == 202
    await parts.put({"type": "http.request", "body": b"b"})
    assert (await slow)[0]["status"] == 202
    assert bare.seen == [b"", b"a"]


async def test_the_key_of_a_body_that_does_not_come_at_once_is_checked(
    bare: Bare, sessions: Sessions, state: State, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_AT_ONCE", 0.05)
    secret = _secret(await make_key(sessions, account_id=account))
    await state.keyring.principal(secret)
    await fetch(sessions, REVOKE)
    async with asyncio.timeout(30):
        head, _ = await bare.call(body=asyncio.Queue[Any]().get, key=secret)
    assert head["status"] == 401
    assert not [name for name, _ in head["headers"] if name.startswith(b"ratelimit")]
    assert (bare.seen, bare.limits.in_flight.waiting) == ([], 0)


async def test_who_leaves_before_the_end_of_its_body_leaves_nothing(
    bare: Bare, sessions: Sessions, state: State, account: str
) -> None:
    """Not even in the memory of keys: this one may be revoked, and is looked up before it counts for its account."""
    secret = _secret(await make_key(sessions, account_id=account))
    await state.keyring.principal(secret)

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    assert await bare.call(body=gone, key=secret) == []
    assert bare.limits.in_flight.waiting == 0
    assert state.keyring.known(secret) is None


@pytest.mark.parametrize("path", ["/v1/x", "/long"])
async def test_a_slow_reader_holds_up_nobody(bare: Bare, path: str) -> None:
    bare.go.set()
    stuck = asyncio.Event()

    async def never(message: Any) -> None:
        if message["type"] == "http.response.body":
            await stuck.wait()

    reading = asyncio.create_task(bare.call(path, told=never))
    await until(lambda: bare.seen and bare.limits.in_flight.running == 0)
    assert (await bare.call())[0]["status"] == 202
    stuck.set()
    await reading
    assert (bare.limits.in_flight.running, bare.limits.in_flight.waiting) == (0, 0)


async def test_an_answer_that_stays_open_is_no_work(bare: Bare) -> None:
    bare.go.set()
    stream = asyncio.create_task(bare.call("/stream"))
    await until(lambda: bare.seen and bare.limits.in_flight.running == 0)
    assert (await bare.call())[0]["status"] == 202
    bare.after_first_part.set()
    await stream


@pytest.mark.parametrize(("status", "is_held"), [(202, False), (401, True), (429, True), (503, True)])
async def test_a_refusal_of_the_application_is_paced_too_and_holds_no_place(
    bare: Bare, monkeypatch: pytest.MonkeyPatch, *, status: int, is_held: bool
) -> None:
    bare.go.set()
    bare.status, held = status, []

    def hold(limits: CallerLimits, caller: Caller) -> float:
        held.append((caller.lane, limits.in_flight.running))
        return 0

    monkeypatch.setattr(CallerLimits, "hold", hold)
    assert (await bare.call())[0]["status"] == status
    assert held == ([("address:203.0.113.9", 0)] if is_held else [])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/tickets", 429),
        ("/v1/ingest/hook_1", 503),
        ("/v1/ingest/hook_1/alertmanager", 503),
        ("/v1/ingest/hook_1/v2/enqueue", 429),
    ],
)
async def test_senders_that_give_up_at_a_429_get_a_503(bare: Bare, path: str, status: int) -> None:
    calls = [asyncio.create_task(bare.call(path)) for _ in range(2)]
    await until(lambda: (bare.limits.in_flight.running, bare.limits.in_flight.waiting) == (1, 1))
    (head, body) = await bare.call(path)
    assert head["status"] == status
    assert (b"retry-after", b"1") in head["headers"]
    assert b'"quota":"in_flight"' in body["body"]
    bare.go.set()
    await asyncio.gather(*calls)


async def test_a_sender_without_a_key_is_counted_by_its_hook_once_that_knows_it(
    client: httpx.AsyncClient, sessions: Sessions, state: State, account: str
) -> None:
    owner = await make_key(sessions, account_id=account, role="owner")
    made = (
        await client.post("/v1/hooks", json={"name": "Open", "signature": {"scheme": "none"}}, headers=owner)
    ).json()
    origin = f"{made['id']} 127.0.0.1".encode()
    answers = [await client.post(made["url"], json=GENERIC) for _ in range(9)]
    assert {answer.status_code for answer in answers} == {202}
    assert state.limits.senders.get(origin) == account
    await fetch(sessions, "DELETE FROM hooks")
    assert (await client.post(made["url"], json=GENERIC)).status_code == 401
    assert state.limits.senders.get(origin) is None


async def test_a_hook_key_in_the_body_of_pagerdutys_shape_is_known_too(
    client: httpx.AsyncClient, sessions: Sessions, state: State, account: str
) -> None:
    owner = await make_key(sessions, account_id=account, role="owner")
    made = (await client.post("/v1/hooks", json={"name": "PD", "format": "pagerduty"}, headers=owner)).json()
    event = PAGERDUTY | {"routing_key": made["secret"]}
    assert (await client.post(made["url"], json=event)).status_code == 202
    assert state.limits.senders.get(f"{made['id']} 127.0.0.1".encode()) == account
