"""A problem of 10,000 tickets is resolved with all of them, while others open tickets and search for what they wrote.

Prints how long the linking, the resolving request and the telling take, what opening a ticket takes meanwhile, and how
soon a ticket is found after its opening, on a desk at rest and beside the telling. Goal: every request ends within a
tenth of its statement timeout. ``HELIODESK_BENCH_LINKED`` is another number of tickets.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from statistics import quantiles
from typing import Any, Final

import asyncpg
import httpx

from app.core.settings import Settings
from bench import servers

_LINKED: Final = int(os.environ.get("HELIODESK_BENCH_LINKED", "10000"))
_AT_ONCE: Final = 200
_ALLOWED: Final[float] = Settings.model_fields["statement_timeout"].default / 10
_SEARCHES: Final = 40
_PATIENCE: Final = 900.0
_WHO: Final = {"name": "Ana", "email": "ana@example.com"}
_OPENERS: Final = 8


def main() -> bool:
    """Print the times; whether every request was answered in time, and all tickets are resolved."""
    with servers.database() as url, servers.service(url) as port:
        return asyncio.run(_measure(url, port))


async def _measure(url: str, port: int) -> bool:
    account = servers.make_account(port, "itil-native")
    base = f"http://127.0.0.1:{port}/v1"
    async with httpx.AsyncClient(headers=servers.HEADERS, trust_env=False, timeout=60) as api:
        desk = _Desk(api, base, account)
        await _found(desk, "at rest")
        started = time.perf_counter()
        await asyncio.gather(*(_open_some(desk) for _ in range(_OPENERS)))
        print(f"{_LINKED:,} tickets: opened after {time.perf_counter() - started:.1f} s", flush=True)
        connection = await asyncpg.connect(url)
        ids = [row["id"] for row in await connection.fetch("SELECT id FROM tickets ORDER BY id LIMIT $1", _LINKED)]
        problem = await _link(desk, ids)
        await _told(desk, problem, "linked")
        started = time.perf_counter()
        await desk.post(f"/problems/{problem}/state", {"state": "known_error", "workaround": "Restart the agent."})
        print(f"known error: answered after {time.perf_counter() - started:.2f} s", flush=True)
        await _told(desk, problem, "told of the workaround")
        started = time.perf_counter()
        body = {"state": "resolved", "resolution": "Version 4.2 mends it.", "resolve_tickets": True}
        await desk.post(f"/problems/{problem}/state", body)
        print(f"resolved: answered after {time.perf_counter() - started:.2f} s", flush=True)
        await _told(desk, problem, "told and resolved")
        counted = "SELECT count(*) FROM tickets WHERE id = ANY ($1::text[]) AND status = 'resolved'"
        resolved = await connection.fetchval(counted, ids)
        await connection.close()
    print(f"{resolved:,} of {_LINKED:,} resolved; the slowest request took {max(desk.spent):.2f} s", flush=True)
    return bool(resolved == _LINKED and max(desk.spent) < _ALLOWED)


class _Desk:
    """Support's client, which notes what each request takes."""

    def __init__(self, api: httpx.AsyncClient, base: str, account: str) -> None:
        self.api, self.base, self.account = api, base, account
        self.spent: list[float] = []

    async def post(self, path: str, body: Any) -> Any:
        started = time.perf_counter()
        answer = await self.api.post(f"{self.base}{path}", json=body)
        self.spent.append(time.perf_counter() - started)
        return answer.raise_for_status().json()

    async def get(self, path: str, **asked: str) -> Any:
        started = time.perf_counter()
        answer = await self.api.get(f"{self.base}{path}", params=asked)
        self.spent.append(time.perf_counter() - started)
        return answer.raise_for_status().json()

    async def open(self, title: str) -> None:
        body = {"account_id": self.account, "title": title, "description": "d", "requester": _WHO, "priority": "normal"}
        await self.post("/tickets", body)


async def _open_some(desk: _Desk) -> None:
    for number in range(-(-_LINKED // _OPENERS)):
        await desk.open(f"The backup of server {number} fails")


async def _link(desk: _Desk, ids: Sequence[str]) -> str:
    started = time.perf_counter()
    engineer = await desk.post("/engineers", {"name": "Jan Nowak", "email": "jan@example.com"})
    opening = {"title": "Backups fail", "owner_id": engineer["id"], "tickets": ids[:_AT_ONCE]}
    problem: str = (await desk.post("/problems", opening))["id"]
    for place in range(_AT_ONCE, len(ids), _AT_ONCE):
        await desk.post(f"/problems/{problem}/tickets", {"tickets": ids[place : place + _AT_ONCE]})
    print(f"{len(ids):,} tickets: linked after {time.perf_counter() - started:.1f} s", flush=True)
    return problem


async def _told(desk: _Desk, problem: str, what: str) -> None:
    """Wait until all tickets are told, while others open tickets and search for them."""
    started, before = time.perf_counter(), len(desk.spent)
    others = asyncio.create_task(_found(desk, f"beside: {what}"))
    while (left := (await desk.get(f"/problems/{problem}"))["untold"]) > 0:
        assert time.perf_counter() - started < _PATIENCE, f"{left} are untold"
        await asyncio.sleep(0.5)
    seconds = time.perf_counter() - started
    await others
    slowest = max(desk.spent[before:])
    print(f"{what}: {seconds:.1f} s, {_LINKED / seconds:.0f} tickets/s; slowest request {slowest:.2f} s", flush=True)


async def _found(desk: _Desk, when: str) -> None:
    """How soon tickets are found after they were opened."""
    lags = []
    for number in range(_SEARCHES):
        word = f"lagword{when.replace(' ', '').replace(':', '')}{number}"
        await desk.open(f"Where is {word}")
        started = time.perf_counter()
        while not (await desk.get("/search", q=word, type="ticket"))["items"]:
            assert time.perf_counter() - started < _PATIENCE, f"{word} is not found"
            await asyncio.sleep(0.02)
        lags.append(time.perf_counter() - started)
    cuts = quantiles(lags, n=100)
    print(f"found after its opening, {when}: p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s", flush=True)
