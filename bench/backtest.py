"""A changed plan tried on 10,000 worked tickets, beside reading the same tickets and doing nothing with them.

Goal: 1,000 tickets a second on two cores. ``HELIODESK_BENCH_TICKETS`` is another number of tickets.
"""

import asyncio
import os
import time
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import orjson

from app.backtests.reading import Known, Scope, batches
from bench import cpu, servers
from bench.replay import fill
from tests.support.desk import connected

_TICKETS: Final = int(os.environ.get("HELIODESK_BENCH_TICKETS", "10000"))
_ROUNDS: Final = 3
_GOAL: Final = 1_000
_SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2100, 1, 1, tzinfo=UTC)
_ORDER: Final[dict[str, Any]] = {
    "plan": "wati-business-plus",
    "change": {"targets": {"P4": {"first_response": "PT1S"}}},
    "since": _SINCE.isoformat(),
}


def main() -> bool:
    """Print both rates, and the longest step between two lines; whether the goal is met."""
    with servers.database() as url, servers.service(url, HELIODESK_BACKGROUND="false") as port:
        asyncio.run(fill(url, port, _TICKETS))
        reading = asyncio.run(_read(url))
        print(f"{'read':10} {reading:6,.0f} tickets/s")
        before = asyncio.run(_spent(url))
        rate = max(asyncio.run(_tried(port)) for _round in range(_ROUNDS))
        each = (asyncio.run(_spent(url)) - before) / _ROUNDS / _TICKETS
        print(f"{'backtest':10} {rate:6,.0f} tickets/s   {rate / reading:.2f} of reading alone; goal {_GOAL:,}")
        print(f"{each * 1000:.2f} ms of CPU for each ticket: {2 / each:,.0f} tickets/s on two idle cores")
        return rate >= _GOAL


async def _spent(url: str) -> float:
    """Seconds of CPU that the service, its workers and PostgreSQL have taken by now."""
    return cpu.of_services() + await cpu.of_postgres(url)


async def _read(url: str) -> float:
    """Tickets a second that are read, by one process and connection."""
    async with connected(url, 1) as sessions:
        started, tickets = time.perf_counter(), 0
        async for records, _ in batches(sessions, Scope(_SINCE, _UNTIL), 1, Known()):
            tickets += len(records)
        assert tickets == _TICKETS
        return tickets / (time.perf_counter() - started)


async def _tried(port: int) -> float:
    """Tickets a second that the service tries."""
    headers = servers.HEADERS | {"Accept": "application/x-ndjson"}
    started = last = time.perf_counter()
    longest = 0.0
    result: dict[str, Any] = {}
    told: dict[str, Any] = {}
    base = f"http://127.0.0.1:{port}"
    async with (
        httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=600) as api,
        api.stream("POST", "/v1/plans/backtest", json=_ORDER) as answer,
    ):
        async for line in answer.aiter_lines():
            told = orjson.loads(line)
            result = told.get("result", result)
            if "progress" in told:
                now = time.perf_counter()
                longest, last = max(longest, now - last), now
    seconds = time.perf_counter() - started
    assert result.get("looked_at") == _TICKETS, result or told
    assert not result["left_out"], result["left_out"]
    print(f"{_TICKETS:,} tickets in {seconds:.1f} s, {result['missed']:,} missed, longest step {longest:.2f} s")
    return _TICKETS / seconds
