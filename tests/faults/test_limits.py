"""One caller asks for too much: the others go on, and it is told so. Bounded in connections and in time."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import orjson
import pytest

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from tests.support.actors import Headers, make_account, make_key
from tests.support.attack import GUESS, Attack, attack, request
from tests.support.desk import TICKET, fetch, now_of, open_at, store_plan
from tests.support.service import Service, serving

pytestmark = pytest.mark.faults

SECONDS: Final = float(os.environ.get("HELIODESK_ATTACK_SECONDS", "5"))
PAUSE: Final = 0.05
ALLOWED: Final = 0.25
MANY_AT_ONCE: Final = httpx.Limits(max_connections=300)
ROOM: Final = 2**23
FEW: Final = {
    "HELIODESK_LOG_LEVEL": "WARNING",
    "HELIODESK_STREAMS": "300",
    "HELIODESK_UNCHECKED_HOOK_BYTES": str(ROOM),
}
MANY: Final = """
INSERT INTO tickets SELECT copy.* FROM tickets AS t, generate_series(1, 20000) AS n,
    jsonb_populate_record(t, jsonb_build_object('id', 'tkt_' || n, 'number', n, 'wake_at', NULL)) AS copy
"""


@dataclass(frozen=True, slots=True)
class Victim:
    """Somebody else, who opens a ticket now and then."""

    client: httpx.AsyncClient
    key: Headers

    async def latencies(self, seconds: float) -> list[float]:
        """How long each opening takes, in order of length."""
        took, end = [], monotonic() + seconds
        while monotonic() < end:
            began = monotonic()
            answer = await self.client.post("/v1/tickets", json=TICKET, headers=self.key)
            took.append(monotonic() - began)
            assert answer.status_code == 201, answer.text
            await asyncio.sleep(PAUSE)
        return sorted(took)


def p99(latencies: list[float]) -> float:
    return latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)]


@dataclass(frozen=True, slots=True)
class Stage:
    """A service with an attacker's account, full of tickets, and a victim's."""

    service: Service
    attacker: str
    key: Headers
    victim: Victim
    quiet: list[float]

    async def suffers(self, sent: bytes, connections: int, what: str) -> Attack:
        """The attack, under which the victim's p99 has to hold; on a busy machine it has a second chance."""
        allowed = max(ALLOWED, 10 * p99(self.quiet))
        for _ in range(2):
            with attack(self.service.port, sent, connections=connections, seconds=SECONDS) as attacking:
                await asyncio.sleep(0.5)
                during = await self.victim.latencies(SECONDS - 1)
                await asyncio.to_thread(attacking.end)
            if p99(during) <= allowed:
                break
        told = f"{what}, {connections} connections: p99 {p99(self.quiet) * 1000:.0f} -> {p99(during) * 1000:.0f} ms"
        sys.stdout.write(f"{told}; the attacker got {dict(attacking.statuses)}\n")
        assert p99(during) <= allowed, told
        return attacking


@contextmanager
def _served(folder: Path, database: str, admin_key: str) -> Iterator[Service]:
    with serving(folder, database, admin_key, **FEW) as service:
        yield service


@pytest.fixture
async def stage(shared: Sessions, own_database: str, folder: Path, admin_key: str) -> AsyncIterator[Stage]:
    plan = await store_plan(shared, "wati-business-plus")
    ours, theirs = [(await make_account(shared, plan, name=name)).account_id for name in ("Attacker", "Victim")]
    await open_at(shared, ours, await now_of(shared))
    await fetch(shared, MANY)
    await fetch(shared, "ANALYZE tickets")
    with _served(folder, own_database, admin_key) as service:
        async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=60, limits=MANY_AT_ONCE) as client:
            victim = Victim(client, await make_key(shared, account_id=theirs))
            await victim.latencies(0.5)
            quiet = await victim.latencies(SECONDS / 2)
            yield Stage(service, ours, await make_key(shared, account_id=ours), victim, quiet)


@pytest.mark.parametrize("connections", [64, 300])
async def test_one_account_with_many_connections_slows_nobody_else_down(stage: Stage, connections: int) -> None:
    search = request("GET", "/v1/tickets?q=zzzz", stage.key)
    attacking = await stage.suffers(search, connections, "search")
    assert attacking.statuses.keys() <= {200, 429}
    if connections > 100:
        assert attacking.statuses[429]


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


async def test_guessing_keys_is_slow_and_whoever_has_a_key_goes_on(stage: Stage) -> None:
    """Each guess is a key of its own whose checksum is right."""
    guess = request("GET", "/v1/tickets", {"Authorization": f"Bearer {GUESS.decode()}"})
    attacking = await stage.suffers(guess, 16, "guessed keys")
    assert attacking.statuses.keys() <= {401, 429}
    assert attacking.statuses.total() <= 50 * (SECONDS + 2)


async def test_one_key_opens_only_so_many_tickets_a_minute(stage: Stage, shared: Sessions) -> None:
    headers = {**stage.key, "Content-Type": "application/json"}
    attacking = await stage.suffers(request("POST", "/v1/tickets", headers, orjson.dumps(TICKET)), 32, "tickets")
    assert attacking.statuses.keys() <= {201, 429}
    query = "SELECT count(*) FROM tickets WHERE account_id = $1 AND id LIKE 'tkt_0%'"  # not those that filled it
    [opened] = await fetch(shared, query, stage.attacker)
    assert attacking.statuses[201] <= opened["count"] <= 600 + 20 * (SECONDS + 4) + 40


async def test_one_open_hook_fills_no_disk_and_holds_up_nobody(stage: Stage, shared: Sessions) -> None:
    owner = await make_key(shared, account_id=stage.attacker, role="owner")
    made = {"name": "Open", "signature": {"scheme": "none"}}
    hook = (await stage.victim.client.post("/v1/hooks", json=made, headers=owner)).json()
    payload = orjson.dumps({"key": "a", "status": "firing", "text": "x" * 1_000_000})
    attacking = await stage.suffers(request("POST", hook["url"], {}, payload), 16, "payloads of 1 MB")
    assert attacking.statuses.keys() <= {202, 503}
    assert attacking.statuses[503]
    [kept] = await fetch(shared, "SELECT sum(size) AS bytes FROM receipts")
    assert kept["bytes"] <= ROOM + 16 * 2**20
    shown = (await stage.victim.client.get(f"/v1/hooks/{hook['id']}", headers=owner)).json()
    assert shown["refused_at"]


async def test_one_account_does_not_take_all_streams(stage: Stage, shared: Sessions) -> None:
    keys = [await make_key(shared, account_id=stage.attacker) for _ in range(6)]
    async with AsyncExitStack() as stack:

        async def status(key: Headers) -> int:
            stream = stage.victim.client.stream("GET", "/v1/events/stream?after=latest", headers=key)
            return (await stack.enter_async_context(stream)).status_code

        opened = Counter([await status(keys[number // 40]) for number in range(240)])
        assert opened == {200: 200, 429: 40}
        assert await status(stage.victim.key) == 200
