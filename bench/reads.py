"""The reads that are asked for most, each beside a bare FastAPI + asyncpg handler that sends the same JSON.

Goals, as shares of what the bare handler manages: a ticket, its timeline and a page of events 0.4, then 0.6; lists of
50 among a million tickets 0.7. ``HELIODESK_BENCH_TICKETS`` is another number of tickets.
"""

import asyncio
from collections.abc import Iterator
from statistics import median
from typing import Any, Final

import asyncpg
import httpx

from bench import load, servers
from bench.lists import fill

_ROUNDS: Final = 3
_SECONDS: Final = 2.0
_CONNECTIONS: Final = 16
_OPENED: Final = 60
"""Tickets with all that the service gives a P1: what the lists show first."""
_POSITION: Final = "SELECT min(position) FROM events"


def main() -> None:
    """Print the rates, their ratio and the latencies of each read, in interleaved rounds of one run."""
    with servers.database() as url, servers.service(url, HELIODESK_BACKGROUND="false") as ours:
        ticket, first = asyncio.run(_prepare(url, ours))
        with servers.bare(url, "bench.bare_reads:app") as bare:
            for name, path, bare_path, goal in _reads(ticket, first):
                _compare(name, (ours, path), (bare, bare_path), goal)


def _reads(ticket: str, first: int) -> Iterator[tuple[str, str, str, float]]:
    yield "events page", f"/v1/events?after=at-{first}", f"/v1/events?after={first}", 0.4
    same = {"ticket": (f"/v1/tickets/{ticket}", 0.4), "timeline": (f"/v1/tickets/{ticket}/timeline", 0.4)}
    same |= {
        f"list of 50 by {sort}": (f"/v1/tickets?sort={sort}&limit=50", 0.7) for sort in ("created", "due", "updated")
    }
    for name, (path, goal) in same.items():
        yield name, path, path, goal


async def _prepare(url: str, port: int) -> tuple[str, int]:
    """A million tickets, and then some that have deadlines, events and a call; one of them, and the first event."""
    accounts = [servers.make_account(port, "google-premium") for _ in range(2)]
    connection = await asyncpg.connect(url)
    async with httpx.AsyncClient(headers=servers.HEADERS, trust_env=False, timeout=60) as api:
        base = f"http://127.0.0.1:{port}/v1/tickets"
        pattern = await _open(api, base, accounts[0], priority="P4")
        await fill(connection, pattern, accounts[1])
        for _ in range(_OPENED):
            ticket = await _open(api, base, accounts[1])
            for body in ("We are on it.", "A certificate had expired."):
                (await api.post(f"{base}/{ticket}/messages", json={"body": body})).raise_for_status()
    await connection.execute("VACUUM ANALYZE")
    first = await connection.fetchval(_POSITION)
    await connection.close()
    return ticket, first


async def _open(api: httpx.AsyncClient, base: str, account: str, priority: str = "P1") -> str:
    body: dict[str, Any] = {
        "account_id": account,
        "title": "No backup has succeeded since Thursday",
        "description": "Every job ends with 'catalogue locked'. Restores fail too. " * 5,
        "requester": {"name": "Ana Ruiz", "email": "ana@example.com"},
        "priority": priority,
        "business_impact": "No sales in 40 shops",
        "priority_reason": "Production is down",
        "call_link": "https://meet.google.com/abc-defg-hij",
    }
    answer = await api.post(base, json=body)
    ticket_id: str = answer.raise_for_status().json()["id"]
    return ticket_id


def _compare(name: str, ours: tuple[int, str], bare: tuple[int, str], goal: float) -> None:
    ratios = []
    for _ in range(_ROUNDS):
        floor, real = (
            asyncio.run(_run(port, load.request_bytes("GET", path, servers.HEADERS))) for port, path in (bare, ours)
        )
        ratios.append(real.rate / floor.rate)
        print(
            f"{name:20} bare {floor.rate:6.0f}/s   heliodesk {real.rate:6.0f}/s"
            f" (p50 {real.percentile(50):.1f} ms, p99 {real.percentile(99):.1f} ms)   ratio {ratios[-1]:.2f}"
        )
    print(f"{name:20} median ratio {median(ratios):.2f} (goal {goal})", flush=True)


async def _run(port: int, request: bytes) -> load.Result:
    return await load.run(port, request, connections=_CONNECTIONS, seconds=_SECONDS, status=200)
