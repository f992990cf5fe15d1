"""Reports over a year of a million tickets, and over ten million facts. Goals: 300 ms, and 2 s.

The facts are generated as the background pass would write them. Beside each report a plain aggregate over the same
facts is run on the same machine. ``HELIODESK_BENCH_FACTS`` is another number of facts, of which a year has half.
"""

import asyncio
import os
import time
from statistics import median
from typing import Any, Final

import asyncpg
import httpx

from app.reports.facts.storing import SUMMED, SUMS
from bench import servers

FACTS: Final = int(os.environ.get("HELIODESK_BENCH_FACTS", "10000000"))
_TIMES: Final = 5
_YEAR: Final = {"since": "2025-11-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
_TWO_YEARS: Final = {"since": "2024-11-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
# Five facts of each ticket; a year has half of them.
_FILL: Final = """
INSERT INTO report_facts
SELECT 'acc_' || n % 1000, 'ddl_' || n, 'tkt_' || n / 5, false,
       (ARRAY['first_response', 'resolution', 'update', 'next_response', 'tier_escalation'])[n % 5 + 1],
       CASE WHEN n % 5 = 2 THEN 0 WHEN n % 7 = 0 THEN 2 ELSE 1 END, 'P' || (hashint8(n / 5) & 3) + 1,
       'plan-' || n % 7, 1, 'product-' || (hashint8(n) & 15), (ARRAY['web', 'email', 'phone', 'api'])[n / 5 % 4 + 1],
       n / 5 % 3 + 1, 'eng_' || (hashint8(n / 5) & 63),
       CASE WHEN n % 10 < 8 THEN 'met' WHEN n % 10 = 8 THEN 'met_late' ELSE 'missed' END, NULL, (n % 10 > 7)::int,
       at, at + interval '1 hour', at + interval '1 hour' + (n % 10 > 7)::int * interval '20 minutes',
       CASE WHEN n % 10 > 7 THEN n % 9000 END
FROM generate_series(1, $1::bigint) AS n
CROSS JOIN LATERAL (
    SELECT '2024-11-01T00:00:00Z'::timestamptz + n * (interval '730 days' / $1::bigint) AS at
) AS a
"""
_OF_ONE: Final = "UPDATE report_facts SET account_id = $1 WHERE account_id = 'acc_7'"
_PLAIN: Final = """
SELECT metric, outcome, count(*) FROM report_facts WHERE started_at >= $1 AND started_at < $2 AND NOT sandbox
GROUP BY metric, outcome
"""
_ASKED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "by metric": ("attainment", {}),
    "by metric, priority, plan": ("attainment", {"group_by": ["metric", "priority", "plan"]}),
    "by month in Warsaw": ("attainment", {"bucket": "month", "time_zone": "Europe/Warsaw"}),
    "by day in Kolkata": ("attainment", {"bucket": "day", "time_zone": "Asia/Kolkata"}),
    "by account": ("attainment", {"group_by": ["account", "metric"]}),
    "by engineer": ("attainment", {"group_by": ["engineer", "metric"]}),
    "of one account": ("attainment", {"account_id": "{account}", "group_by": ["metric", "product"]}),
    "lateness": ("lateness", {}),
}
_HELD_TO_GOALS: Final = frozenset({"by metric", "by metric, priority, plan", "by month in Warsaw"})


def main() -> bool:
    """Print the median of each report over one year and over two; whether those of wide dimensions reach the goals."""
    with servers.database() as url, servers.service(url, HELIODESK_BACKGROUND="false") as port:
        account = servers.make_account(port, "wati-business-plus")
        return asyncio.run(_measure(url, port, account))


async def _measure(url: str, port: int, account: str) -> bool:
    connection = await asyncpg.connect(url)
    await connection.execute(_FILL, FACTS, timeout=1800)
    await connection.execute(_OF_ONE, account, timeout=1800)
    await connection.execute(f"INSERT INTO report_days {SUMMED.format(SUMS)}", timeout=1800)
    await connection.execute("VACUUM ANALYZE", timeout=1800)
    met = True
    for period, goal in ((_YEAR, 300.0), (_TWO_YEARS, 2000.0)):
        print(f"{period['since']} to {period['until']}: goal {goal:.0f} ms")
        begin, end = await connection.fetchrow("SELECT $1::text::timestamptz, $2::text::timestamptz", *period.values())
        print(f"  {'a plain aggregate':28} {await _times(connection.fetch, _PLAIN, begin, end):9.1f} ms")
        async with httpx.AsyncClient(headers=servers.HEADERS, trust_env=False, timeout=60) as api:
            for name, (report, asked) in _ASKED.items():
                params = period | {key: account if value == "{account}" else value for key, value in asked.items()}
                spent = await _times(_ask, api, f"http://127.0.0.1:{port}/v1/reports/{report}", params)
                met = met and (name not in _HELD_TO_GOALS or spent < goal)
                print(f"  {name:28} {spent:9.1f} ms")
    await connection.close()
    return met


async def _ask(api: httpx.AsyncClient, url: str, params: dict[str, Any]) -> None:
    (await api.get(url, params=params)).raise_for_status()


async def _times(run: Any, *arguments: Any) -> float:
    spent = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        await run(*arguments)
        spent.append((time.perf_counter() - started) * 1000)
    return median(spent)
