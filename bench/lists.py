"""Lists of tickets among a million, beside a bare statement that reads 51 of them by an index. Goal: p50 under 10 ms.

``HELIODESK_BENCH_TICKETS`` is another number of tickets. Filling ends after ten minutes, with what there is then.
"""

import asyncio
import os
import time
from statistics import quantiles
from typing import Any, Final

import asyncpg
import httpx

from bench import servers

_TICKETS: Final = int(os.environ.get("HELIODESK_BENCH_TICKETS", "1000000"))
_BATCH: Final = 20_000
_FILL_SECONDS: Final = 600
_REQUESTS: Final = 50
_SECONDS: Final = 5.0
# Every fifth ticket is the large account's. "kraken" is in a thousand of a million titles, "printer" in half of them,
# "scanner" in the other half: the older one.
_TICKET: Final = """
INSERT INTO tickets SELECT copy.* FROM tickets AS t, generate_series($2::int, $3::int) AS n,
    jsonb_populate_record(t, jsonb_build_object('id', 'tkt_' || lpad(n::text, 26, '0'), 'number', n::text,
        'account_id', CASE WHEN n % 5 = 0 THEN t.account_id ELSE $4::text END,
        'title', CASE WHEN n % 1000 = 7 THEN 'kraken ' ELSE '' END
                 || CASE WHEN n < $5::int / 2 THEN 'printer' ELSE 'scanner' END || ' fails ' || md5(n::text),
        'status', CASE WHEN n % 10 = 1 THEN 'open' ELSE 'closed' END, 'tier', CASE WHEN n % 100 = 3 THEN 2 ELSE 1 END,
        'missed', n % 1000 = 1, 'wake_at', NULL,
        'opened_at', t.opened_at - n * interval '1 minute',
        'updated_at', t.opened_at - hashint4(n) % 1000000 * interval '1 minute',
        'support_due_at',
        CASE WHEN n % 10 = 1 THEN t.opened_at + hashint4(n) % 100000 * interval '1 minute' END)) AS copy
WHERE t.id = $1
"""
_TITLES: Final = """
INSERT INTO ticket_titles (account_id, ticket_id, number, folded, opened_at, sandbox)
SELECT account_id, id, number, title, opened_at, sandbox FROM tickets ON CONFLICT DO NOTHING
"""
_BARE: Final = "SELECT * FROM tickets WHERE sandbox = false ORDER BY opened_at DESC, id DESC LIMIT 51"
_KINDS: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "tier=9": {"tier": 9},
    "tier=2": {"tier": 2},
    "missed": {"missed": True},
    "open": {"status": "open"},
    "priority=P9": {"priority": "P9"},
    "q, 1,000 matches": {"q": "kraken"},
    "q, no match": {"q": "unicorn"},
    "q, half of all": {"q": "printer"},
    "q, the older half": {"q": "scanner"},
}


def main() -> None:
    """Print p50 and p99 of each kind of list in each order, for support and for one large account."""
    with servers.database() as url, servers.service(url, HELIODESK_BACKGROUND="false") as port:
        accounts = [servers.make_account(port, "wati-business-plus") for _ in range(2)]
        asyncio.run(_measure(url, port, *accounts))


async def _measure(url: str, port: int, large: str, other: str) -> None:
    connection = await asyncpg.connect(url)
    base = f"http://127.0.0.1:{port}/v1/tickets"
    async with httpx.AsyncClient(headers=servers.HEADERS, trust_env=False, timeout=60) as api:
        await fill(connection, await _open(api, base, large), other)
        bare = await _bare(connection)
        await connection.close()
        for sort in ("created", "updated", "due"):
            for scope, account in (("support", {}), ("account", {"account_id": large})):
                for name, asked in _KINDS.items():
                    spent = await _repeat(api, base, {**asked, **account, "sort": sort})
                    _print(f"{scope} {name}, by {sort}", spent, bare)


async def _open(api: httpx.AsyncClient, base: str, account: str) -> str:
    body = {"account_id": account, "title": "t", "description": "d" * 300, "priority": "P4"}
    answer = await api.post(base, json=body | {"requester": {"name": "Ana", "email": "ana@example.com"}})
    answer.raise_for_status()
    ticket_id: str = answer.json()["id"]
    return ticket_id


async def fill(connection: "asyncpg.Connection[Any]", ticket: str, other: str) -> None:
    """Copies of a ticket, of its account and of another one."""
    end, made = time.monotonic() + _FILL_SECONDS, 0
    while made < _TICKETS and time.monotonic() < end:
        upto = min(made + _BATCH, _TICKETS)
        await connection.execute(_TICKET, ticket, made + 1, upto, other, _TICKETS)
        made = upto
        print(f"\r{made:,} of {_TICKETS:,} tickets", end="", flush=True)
    print("\nTitles and statistics ...", flush=True)
    await connection.execute(_TITLES)
    await connection.execute("VACUUM ANALYZE tickets, ticket_titles")


async def _bare(connection: "asyncpg.Connection[Any]") -> list[float]:
    spent = []
    for _ in range(_REQUESTS):
        started = time.perf_counter()
        await connection.fetch(_BARE)
        spent.append((time.perf_counter() - started) * 1000)
    _print("bare statement, 51 rows", spent, spent)
    return spent


async def _repeat(api: httpx.AsyncClient, url: str, asked: dict[str, Any]) -> list[float]:
    spent: list[float] = []
    end = time.monotonic() + _SECONDS
    while len(spent) < 2 or (len(spent) < _REQUESTS and time.monotonic() < end):
        started = time.perf_counter()
        (await api.get(url, params=asked)).raise_for_status()
        spent.append((time.perf_counter() - started) * 1000)
    return spent


def _print(name: str, spent: list[float], bare: list[float]) -> None:
    cuts, floor = quantiles(spent, n=100), quantiles(bare, n=100)
    print(f"{name:44} p50 {cuts[49]:7.1f} ms   p99 {cuts[98]:7.1f} ms   {cuts[49] / floor[49]:6.1f} x bare", flush=True)
