"""Webhooks: isolation (goal: p99 at most 1.2 x), throughput (goal: 0.4 of bare aiohttp), retries (goal: 50 ms late).

Isolation is measured twice: of an account from another one, whose four endpoints with 50 messages at once never answer
on one side and do on the other, and of healthy endpoints from sick ones. ``WEBHOOKS=hanging`` measures the first
alone, ``WEBHOOKS=beyond`` all but that.

Two receivers, and two services on databases of their own, are processes. One service has a hundred healthy endpoints;
of the other's hundred, one hangs, one drips, one answers 10 GB, and one redirects to the metadata of a cloud.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Final

import aiohttp
import asyncpg
import httpx
import orjson
import uvloop

from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.db.statements.bulk import insert_rows
from app.core.db.tables import Row
from app.core.ids import new_id
from app.events.envelope import envelope
from app.events.models import EventRow
from app.webhooks.outbox.fanout import fan_out
from bench import servers
from tests.support.desk import connected, now_of
from tests.support.memory import resident

_ENDPOINTS: Final = 100
_SICK: Final = ("/hang", "/drip", "/flood", "/redirect")
_WELL_TOO: Final = ("/a", "/b", "/c", "/d")
_WELL: Final = _ENDPOINTS - len(_SICK)
_ROUNDS: Final = 5
_TICKETS: Final = 20
_PAUSE: Final = 0.5
_SLICES: Final = 20
_OF_SLICE: Final = 20
_SHORT: Final = 0.05
_BULK: Final = 50
_VICTIMS: Final = 10
_FLAKY: Final = 3
_PATIENCE: Final = 120.0
_COMMITS: Final = """
SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at FROM events WHERE type = 'ticket.opened'
"""
_RETRIES: Final = """
SELECT w.url || d.event_id AS id, extract(epoch FROM (earlier_attempts->0->>'next_attempt_at')::timestamptz)::float8
       AS at FROM deliveries AS d JOIN webhook_endpoints AS w ON w.id = d.endpoint_id
WHERE earlier_attempts IS NOT NULL AND state = 'delivered'
"""


@dataclass
class Arrivals:
    """What the receiver got: path, ``webhook-id``, and the wall clock when it came."""

    client: httpx.AsyncClient
    seen: list[tuple[str, str, float]] = field(default_factory=list)

    async def until(self, prefix: str, number: int) -> list[tuple[str, str, float]]:
        """So many arrivals at paths that begin like this, and forget all."""
        end = time.monotonic() + _PATIENCE
        while len(found := [one for one in self.seen if one[0].startswith(prefix)]) < number:
            assert time.monotonic() < end, f"{len(found)} of {number} came"
            await asyncio.sleep(0.1)
            self.seen += map(tuple, (await self.client.get("/arrivals")).json())
        self.seen = []
        return found


@dataclass(frozen=True, slots=True)
class Side:
    """One service with its database, and an account to open tickets for."""

    name: str
    url: str
    api: httpx.AsyncClient
    sessions: Sessions
    account_id: str

    async def subscribe(self, target: str, events: str, **fields: Any) -> None:
        (await self.api.post("/v1/webhooks", json={"url": target, "events": [events]} | fields)).raise_for_status()

    async def unsubscribe_all(self) -> None:
        while items := (await self.api.get("/v1/webhooks")).json()["items"]:
            for endpoint in items:
                (await self.api.delete(f"/v1/webhooks/{endpoint['id']}")).raise_for_status()

    async def another_account(self) -> str:
        body = {"name": "Another", "plan": "wati-pro", "time_zone": "UTC"}
        made: str = (await self.api.post("/v1/accounts", json=body)).raise_for_status().json()["id"]
        return made

    async def open_tickets(self, number: int, account_id: str = "", pause: float = _PAUSE) -> None:
        requester = {"name": "Ana", "email": "ana@example.com"}
        body = {"title": "t", "description": "d", "requester": requester, "account_id": account_id or self.account_id}
        for _ in range(number):
            (await self.api.post("/v1/tickets", json=body)).raise_for_status()
            await asyncio.sleep(pause)

    async def record(self, number: int, kind: str) -> list[Row]:
        """So many events in one transaction, fanned out as the service itself does."""
        at = await now_of(self.sessions)
        facts: dict[str, Any] = {
            "ticket_id": None,
            "ticket": None,
            "sequence": None,
            "type": kind,
            "timestamp": at,
            "actor": {"kind": "service"},
        }
        facts |= {"audience": "public", "sandbox": False, "data": {"title": "Nothing works", "body": "x" * 700}}
        rows: list[Row] = [{"account_id": self.account_id, "id": new_id("evt"), **facts} for _ in range(number)]
        async with transaction(self.sessions) as session:
            await insert_rows(session, EventRow, rows)
            await fan_out(session, rows)
        return rows

    async def instants(self, query: str) -> dict[str, float]:
        connection = await asyncpg.connect(self.url)
        rows = await connection.fetch(query)
        await connection.close()
        return {row["id"]: row["at"] for row in rows}


def main() -> None:
    """Print how late healthy endpoints hear of events with and without sick ones, throughput, lateness of retries."""
    with ExitStack() as stack:
        databases = [stack.enter_context(servers.database(track_commit_timestamp="on")) for _ in range(2)]
        ports = [stack.enter_context(servers.service(url, HELIODESK_MAX_ENDPOINTS="1000")) for url in databases]
        receivers = [stack.enter_context(servers.bare(databases[0], "bench.receiver:app")) for _ in range(2)]
        uvloop.run(_measure(databases, ports, *(f"http://127.0.0.1:{port}" for port in receivers)))


async def _measure(databases: Sequence[str], ports: Sequence[int], receiver: str, sick: str) -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=receiver, trust_env=False))
        names = ("all healthy", "four sick")
        sides = [await stack.enter_async_context(_side(*facts)) for facts in zip(names, databases, ports, strict=True)]
        arrivals = Arrivals(http)
        only = os.environ.get("WEBHOOKS")
        if only != "beyond":
            await _hanging(sides, arrivals, receiver, sick)
        if only == "hanging":
            return
        for side, last in zip(sides, (_WELL_TOO, _SICK), strict=True):
            for target in (*(receiver + path for path in _healthy()), *(sick + path for path in last)):
                await side.subscribe(target, "ticket.opened")
            for number in range(_ENDPOINTS):
                await side.subscribe(f"{receiver}/flaky/{number}", "call.failed")
                await side.subscribe(f"{receiver}/ok/{number}", "call.ready")
        await _isolation(sides, arrivals)
        await _throughput(sides[0], arrivals, receiver)
        await _retries(sides[0], arrivals, receiver)


async def _hanging(sides: Sequence[Side], arrivals: Arrivals, receiver: str, sick: str) -> None:
    """Another account opens tickets on both sides; its four endpoints answer on one of them, and hang on the other.

    The sides take turns in short slices, so that both get the same of whatever else the machine does. What they differ
    by without any attack is told by the slices of the quiet side, every other one beside the rest.
    """
    quiet, attacked = sides
    others = {side.name: await side.another_account() for side in sides}
    for side, target in ((quiet, f"{receiver}/other"), (attacked, f"{sick}/hang")):
        for number in range(_VICTIMS):
            await side.subscribe(f"{receiver}/victim/{number}", "ticket.opened", account_id=side.account_id)
        for number in range(4):
            await side.subscribe(f"{target}/{number}", "*", account_id=others[side.name], concurrency=50)
    slices: dict[str, list[list[float]]] = {side.name: [] for side in sides}
    for number in range(_SLICES + 1):
        for side in sides if number % 2 else reversed(sides):
            await asyncio.gather(*(side.open_tickets(2, others[side.name], pause=0) for _ in range(8)))
            lags = await _lags(side, arrivals, "/victim/", _VICTIMS, tickets=_OF_SLICE, pause=_SHORT)
            if number:  # the first one warms up
                slices[side.name].append(lags)
    calm, beside = (_cuts(slices[side.name]) for side in sides)
    noise = _cuts(slices[quiet.name][::2])[98] / _cuts(slices[quiet.name][1::2])[98]
    for what, cuts in (("that answer", calm), ("that hang", beside)):
        print(
            f"commit to delivery beside another account's endpoints {what}: p50 {cuts[49]:5.1f}, p99 {cuts[98]:5.1f} ms"
        )
    ratio = beside[98] / calm[98]
    print(f"commit to delivery beside hanging endpoints: ratio of p99 {ratio:.2f} (goal 1.2; without: {noise:.2f})")
    for side in sides:
        await side.unsubscribe_all()


def _cuts(slices: Sequence[Sequence[float]]) -> list[float]:
    return quantiles((lag for each in slices for lag in each), n=100)


def _healthy() -> list[str]:
    return [f"/ok/{number}" for number in range(_WELL)]


@asynccontextmanager
async def _side(name: str, url: str, port: int) -> AsyncIterator[Side]:
    account_id = servers.make_account(port, "wati-pro")
    address = f"http://127.0.0.1:{port}"
    async with (
        httpx.AsyncClient(base_url=address, headers=servers.HEADERS, trust_env=False, timeout=30) as api,
        connected(url) as sessions,
    ):
        yield Side(name, url, api, sessions, account_id)


async def _isolation(sides: Sequence[Side], arrivals: Arrivals) -> None:
    """In turn, so that both sides get the same of whatever else the machine does; the first round warms up."""
    healthy, sick = sides
    ratios, memory = [], []
    for number in range(_ROUNDS + 1):
        order = sides if number % 2 else list(reversed(sides))
        cuts = {side.name: quantiles(await _lags(side, arrivals), n=100) for side in order}
        memory.append(await resident(sick.api))
        if number:
            told = "   ".join(f"{name}: p50 {cut[49]:5.1f}, p99 {cut[98]:5.1f} ms" for name, cut in cuts.items())
            print(f"commit to delivery to {_WELL} healthy endpoints, {told}")
            ratios.append(cuts[sick.name][98] / cuts[healthy.name][98])
    print(
        f"commit to delivery: median ratio of p99, four sick of {_ENDPOINTS} to none: {median(ratios):.2f} (goal 1.2)"
    )
    print("memory beside sick endpoints, MiB by round:", *(f"{each:.1f}" for each in memory))


async def _lags(
    side: Side,
    arrivals: Arrivals,
    prefix: str = "/ok/",
    endpoints: int = _WELL,
    tickets: int = _TICKETS,
    pause: float = _PAUSE,
) -> list[float]:
    """How long after its commit each healthy endpoint heard of a ticket, in milliseconds."""
    coming = asyncio.create_task(arrivals.until(prefix, tickets * endpoints))
    await side.open_tickets(tickets, pause=pause)
    arrived = await coming
    commits = await side.instants(_COMMITS)
    return [(at - commits[event]) * 1000 for _, event, at in arrived]


async def _throughput(side: Side, arrivals: Arrivals, receiver: str) -> None:
    ratios = []
    for _ in range(_ROUNDS):
        rows = await side.record(_BULK, "call.ready")
        times = sorted(at for _, _, at in await arrivals.until("/ok/", _BULK * _ENDPOINTS))
        ours = len(times) / (times[-1] - times[0])
        bare = await _bare(f"{receiver}/ok/1", orjson.dumps(envelope(rows[0], internal=True)), _BULK * _ENDPOINTS)
        await arrivals.until("/ok/", _BULK * _ENDPOINTS)
        ratios.append(ours / bare)
        print(
            f"deliveries to healthy endpoints: bare aiohttp {bare:6.0f}/s   heliodesk {ours:6.0f}/s   {ratios[-1]:.2f}"
        )
    print(f"deliveries to healthy endpoints: median ratio {median(ratios):.2f} (goal 0.4)")


async def _bare(url: str, body: bytes, number: int) -> float:
    """What aiohttp alone does in a second, a hundred at a time."""
    left = iter(range(number))
    headers = {"content-type": "application/json", "webhook-id": "evt_bare"}

    async def one(http: aiohttp.ClientSession) -> None:
        for _ in left:
            async with http.post(url, data=body, headers=headers) as answer:
                await answer.read()

    async with aiohttp.ClientSession() as http:
        started = time.monotonic()
        await asyncio.gather(*(one(http) for _ in range(100)))
        return number / (time.monotonic() - started)


async def _retries(side: Side, arrivals: Arrivals, receiver: str) -> None:
    """Failed messages are tried again between four and six seconds later; in the second run beside a backlog."""
    for what, backlog in (("idle", 0), ("beside a backlog", 4)):
        told = {row["id"] for row in await side.record(_FLAKY, "call.failed")}
        await asyncio.sleep(3.8)
        for _ in range(backlog):
            await side.record(_BULK // 2, "call.ready")
            await asyncio.sleep(0.5)
        arrived = await arrivals.until("/flaky", 2 * len(told) * _ENDPOINTS)
        await asyncio.sleep(1 + 2 * backlog)  # all is recorded
        due = await side.instants(_RETRIES)
        second = {receiver + path + event: at for path, event, at in arrived}  # the later one stays
        lags = [(at - due[key]) * 1000 for key, at in second.items()]
        cuts = quantiles(lags, n=100)
        print(f"retries, {what:17} late p50 {cuts[49]:5.1f} ms   p99 {cuts[98]:5.1f} ms   of {len(lags)} (goal 50 ms)")
