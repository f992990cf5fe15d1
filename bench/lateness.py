"""How late a miss is noticed, and how late it is durable, beside 100,000 open deadlines. Goal: p50 5 ms, p99 25 ms.

Durable is the commit timestamp that PostgreSQL itself keeps of the transaction that recorded ``deadline.missed``.
"""

import asyncio
import random
import time
from statistics import quantiles
from typing import Any, Final

import asyncpg
import httpx

from bench import servers

_OPEN: Final = 100_000
_MISSES: Final = 300
_RATE: Final = 20.0
_SECONDS: Final = 2
_FILL: Final = """
INSERT INTO tickets
SELECT copy.* FROM tickets AS t, generate_series(1, $1::int) AS n,
jsonb_populate_record(t, jsonb_build_object(
    'id', 'tkt_' || lpad(n::text, 26, '0'), 'number', n::text, 'wake_at', now() + interval '30 days')) AS copy
WHERE t.id = $2
"""
_FILL_DEADLINES: Final = """
INSERT INTO deadlines
SELECT copy.* FROM deadlines AS d, generate_series(1, $1::int) AS n,
jsonb_populate_record(d, jsonb_build_object(
    'id', 'ddl_' || lpad(n::text, 26, '0'), 'ticket_id', 'tkt_' || lpad(n::text, 26, '0'),
    'due_at', now() + interval '30 days')) AS copy
WHERE d.ticket_id = $2 AND d.metric = 'first_response'
"""
_LAGS: Final = """
SELECT extract(epoch FROM (e.data ->> 'noticed_at')::timestamptz - e.timestamp)::float8 * 1000 AS noticed,
       extract(epoch FROM pg_xact_commit_timestamp(e.xmin) - e.timestamp)::float8 * 1000 AS durable
FROM events AS e WHERE e.type = 'deadline.missed'
"""


def main() -> None:
    """Print the lateness of a few hundred misses spread over time, and what a tick costs."""
    with servers.database(track_commit_timestamp="on") as url, servers.service(url) as port:
        asyncio.run(_measure(url, port))


async def _measure(url: str, port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=servers.HEADERS, trust_env=False) as api:
        account = await _account(api)
        first = await _open(api, account, "P4")
        connection = await asyncpg.connect(url)
        for fill in (_FILL, _FILL_DEADLINES):
            await connection.execute(fill, _OPEN, first)
        for table in ("tickets", "deadlines"):
            await connection.execute(f"VACUUM ANALYZE {table}")
        for _ in range(_MISSES):
            await _open(api, account, "P1")
            await asyncio.sleep(random.expovariate(_RATE))
        await asyncio.sleep(_SECONDS + 1)
        lags = await connection.fetch(_LAGS)
        assert len(lags) == _MISSES, len(lags)
        _print("noticed", [row["noticed"] for row in lags])
        _print("durable", [row["durable"] for row in lags])
        await _tick(connection)
        await connection.close()


async def _account(api: httpx.AsyncClient) -> str:
    """An account on a plan whose P1 is to be answered within two seconds."""
    plan: dict[str, Any] = (await api.get("/v1/plans/wati-pro")).raise_for_status().json()["document"]
    plan |= {"key": "bench", "on_miss": {}, "requires": {}}
    plan["targets"] = {"P1": {"first_response": f"PT{_SECONDS}S"}, "P4": {"first_response": "PT8000H"}}
    (await api.post("/v1/plans", json=plan)).raise_for_status()
    body = {"name": "Bench", "plan": "bench", "time_zone": "UTC"}
    account_id: str = (await api.post("/v1/accounts", json=body)).raise_for_status().json()["id"]
    return account_id


async def _open(api: httpx.AsyncClient, account: str, priority: str) -> str:
    requester = {"name": "Ana", "email": "ana@example.com"}
    body = {"account_id": account, "title": "t", "description": "d", "requester": requester, "priority": priority}
    ticket_id: str = (await api.post("/v1/tickets", json=body)).raise_for_status().json()["id"]
    return ticket_id


async def _tick(connection: "asyncpg.Connection[Any]") -> None:
    """What a look costs when nothing is due: the probe of the sweep, at the driver, beside ``SELECT 1``."""
    probe = "SELECT wake_at FROM tickets WHERE wake_at IS NOT NULL AND NOT sandbox ORDER BY wake_at LIMIT 1"
    for name, query in (("SELECT 1", "SELECT 1"), ("a look with nothing due", probe)):
        spent = []
        for _ in range(300):
            started = time.perf_counter()
            await connection.fetchval(query)
            spent.append((time.perf_counter() - started) * 1000)
        _print(name, spent)


def _print(name: str, values: list[float]) -> None:
    cuts = quantiles(values, n=100)
    print(f"{name:24} p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms   max {max(values):6.2f} ms   of {len(values)}")
