"""One caller asks for too much: the others go on, and it is told so. Bounded in connections and in time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import orjson
import pytest

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from tests.support.actors import Headers, make_account, make_key
from tests.support.attack import Plot, attack, request
from tests.support.desk import fetch, store_plan
from tests.support.service import Service, serving
from tests.support.tickets import TICKET

pytestmark = pytest.mark.faults

SECONDS: Final = 1.5
TICKETS: Final = 30
TRIES: Final = 5
MANY_AT_ONCE: Final = httpx.Limits(max_connections=300)
FEW: Final = {
    "HELIODESK_LOG_LEVEL": "WARNING",
    "HELIODESK_STREAMS": "300",
    "HELIODESK_TICKETS_PER_MINUTE": str(TICKETS),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A service with an attacker's account and somebody else's key."""

    service: Service
    client: httpx.AsyncClient
    attacker: str
    key: Headers
    other: Headers


@pytest.fixture
async def stage(shared: Sessions, own_database: str, folder: Path, admin_key: str) -> AsyncIterator[Stage]:
    plan = await store_plan(shared, "wati-business-plus")
    ours, theirs = [(await make_account(shared, plan, name=name)).account_id for name in ("Attacker", "Other")]
    keys = [await make_key(shared, account_id=account_id) for account_id in (ours, theirs)]
    with serving(folder, own_database, admin_key, **FEW) as service:
        async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=60, limits=MANY_AT_ONCE) as client:
            yield Stage(service, client, ours, *keys)


@pytest.mark.parametrize(("trusted", "told_apart"), [("127.0.0.0/8, ::1/128", True), ("203.0.113.0/24", False)])
async def test_only_a_trusted_proxy_says_where_a_request_comes_from(
    own_database: str, folder: Path, admin_key: str, *, trusted: str, told_apart: bool
) -> None:
    settings = {"HELIODESK_TRUSTED_PROXIES": trusted, "HELIODESK_RATE_PER_ADDRESS": "1"}
    with serving(folder, own_database, admin_key, **settings) as service:
        async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=30) as client:

            async def status(hops: str) -> int:
                return (await client.get("/v1/statuses", headers={"X-Forwarded-For": hops})).status_code

            assert await status("198.51.100.1, 203.0.113.7, 127.0.0.9") == 401
            assert await status("198.51.100.2, 203.0.113.7:4711, 127.0.0.9") == 429
            assert await status("203.0.113.8") == (401 if told_apart else 429)
            assert await status("2001:db8::1") == (401 if told_apart else 429)
            assert await status("[2001:db8::2]:4711") == 429


async def test_one_key_opens_only_so_many_tickets_a_minute(stage: Stage, shared: Sessions) -> None:
    sent = request("POST", "/v1/tickets", stage.key | {"Content-Type": "application/json"}, orjson.dumps(TICKET))
    began, statuses = monotonic(), Counter[int]()
    for _ in range(TRIES):  # a busy machine opens so few tickets at once
        with attack(stage.service.port, Plot((sent,), 32), seconds=SECONDS) as attacking:
            await asyncio.to_thread(attacking.end)
        statuses += attacking.statuses
        if statuses[429]:
            break
    most = TICKETS * (1 + (monotonic() - began) / 60)
    assert statuses.keys() == {201, 429}
    [opened] = await fetch(shared, "SELECT count(*) FROM tickets WHERE account_id = $1", stage.attacker)
    assert statuses[201] <= opened["count"] <= most + 4
    assert (await stage.client.post("/v1/tickets", json=TICKET, headers=stage.other)).status_code == 201


async def test_one_account_does_not_take_all_streams(stage: Stage, shared: Sessions) -> None:
    keys = [await make_key(shared, account_id=stage.attacker) for _ in range(6)]
    async with AsyncExitStack() as stack:

        async def status(key: Headers) -> int:
            stream = stage.client.stream("GET", "/v1/events/stream?after=latest", headers=key)
            return (await stack.enter_async_context(stream)).status_code

        opened = Counter([await status(keys[number // 40]) for number in range(240)])
        assert opened == {200: 200, 429: 40}
        assert await status(stage.other) == 200
