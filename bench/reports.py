"""Reports over a year of a million tickets, and over ten million facts. Goals: 300 ms, and 2 s.

The facts and moments are generated as the background pass would write them. Beside the reports a plain aggregate over
the same facts is run on the same machine. ``HELIODESK_BENCH_FACTS`` is another number of facts; half are of a year.
"""

import asyncio
import os
import time
from statistics import median
from typing import Any, Final

import asyncpg
import httpx

from app.core.db.engine import make_engine
from app.core.db.session import allow, make_sessions, transaction
from app.core.signals import WakeUps
from app.reports.facts.summing import sum_anew
from bench import servers

FACTS: Final = int(os.environ.get("HELIODESK_BENCH_FACTS", "10000000"))
_TIMES: Final = 5
_GOAL: Final = 300.0
_GOAL_OF_ALL: Final = 2000.0
_HOUR: Final = 3600.0
_YEAR: Final = {"since": "2025-11-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
_TWO_YEARS: Final = {"since": "2024-11-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
_OF_TICKET: Final = """
SELECT n, 'acc_01k9w3b5t8e2r9h6x4m7q1' || lpad((n % 1000)::text, 4, '0') AS account_id,
       'tkt_01k9w3b6bz6p1m7h' || n AS id,
       'P' || (hashint8(n) & 3) + 1 AS priority,
       (ARRAY['google-premium', 'itil-native', 'wati-business-plus', 'zmanda-standard'])[n % 1000 % 4 + 1] AS plan_key,
       'product-' || (hashint8(n + 1) & 15) AS product, (ARRAY['web', 'email', 'phone', 'api'])[n % 4 + 1] AS channel,
       n % 3 + 1 AS tier, 'eng_01k9w3b5t8e2r9h6x4m7q1' || lpad((hashint8(n + 2) & 63)::text, 4, '0') AS engineer_id,
       '2024-11-01T00:00:00Z'::timestamptz + n * (interval '730 days' / ($1::bigint / 5)) AS at
FROM generate_series(1, $1::bigint / 5) AS n
"""
# Five facts of each ticket; a year has half of them. How late something was says nothing about when that was noticed.
_FILL: Final = (
    f"""
    INSERT INTO report_facts
    SELECT account_id, 'ddl_01k9w3b6bz6p1m7h' || n * 5 + m, id, false,
           (ARRAY['first_response', 'resolution', 'update', 'next_response', 'tier_escalation'])[m + 1],
           CASE WHEN m = 2 THEN 0 WHEN (n * 5 + m) % 7 = 0 THEN 2 ELSE 1 END, priority, plan_key, 1, product, channel,
           tier, engineer_id, CASE (n + m) % 10 WHEN 8 THEN 'met_late' WHEN 9 THEN 'missed' ELSE 'met' END, NULL,
           ((n + m) % 10 > 7)::int, at, at + interval '1 hour',
           at + interval '1 hour' + ((n + m) % 10 > 7)::int * n % 9000 * interval '1 second',
           CASE WHEN (n + m) % 10 > 7 THEN hashint8(n * 5 + m) & 1048575 END
    FROM ({_OF_TICKET}) AS t CROSS JOIN generate_series(0, 4) AS m
    """,
    f"""
    INSERT INTO report_moments
    SELECT account_id, 'evt_01k9w3b6bz6p1m7h' || n * 3 + m, id, false,
           (ARRAY['opened', 'resolved', 'escalation'])[m + 1], CASE m WHEN 2 THEN 'no_update' END,
           CASE m WHEN 1 THEN 'first_contact' WHEN 2 THEN 'accepted' END, priority, plan_key, 1, product, channel, tier,
           engineer_id, at + m * interval '3 hours'
    FROM ({_OF_TICKET}) AS t CROSS JOIN generate_series(0, 2) AS m WHERE m < 2 OR n % 5 = 0
    """,
)
_OF_ONE: Final = "UPDATE {} SET account_id = $1 WHERE account_id LIKE '%0007'"
_PLAIN: Final = """
SELECT metric, outcome, count(*) FROM report_facts WHERE started_at >= $1 AND started_at < $2 AND NOT sandbox
GROUP BY metric, outcome
"""
_WARSAW: Final = {"time_zone": "Europe/Warsaw"}
_KATHMANDU: Final = {"time_zone": "Asia/Kathmandu"}
# A fifth of all generated facts are late: those of 128 days are as many as of a year of which 93 % are kept in time.
_KEPT: Final = {"since": "2026-06-26T00:00:00Z"}
_ASKED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "by metric": ("attainment", {}),
    "by metric, priority, plan": ("attainment", {"group_by": ["metric", "priority", "plan"]}),
    "by account": ("attainment", {"group_by": ["account"]}),
    "by account and metric": ("attainment", {"group_by": ["account", "metric"]}),
    "by engineer and metric": ("attainment", {"group_by": ["engineer", "metric"]}),
    "by region and metric": ("attainment", {"group_by": ["region", "metric"]}),
    "by product and metric": ("attainment", {"group_by": ["product", "metric"]}),
    "by channel and metric": ("attainment", {"group_by": ["channel", "metric"]}),
    "by product, tier, priority": ("attainment", {"group_by": ["product", "tier", "priority"]}),
    "by engineer and product": ("attainment", {"group_by": ["engineer", "product"]}),
    "by engineer, tier, channel": ("attainment", {"group_by": ["engineer", "tier", "channel"]}),
    "by plan, product, channel": ("attainment", {"group_by": ["plan", "product", "channel"]}),
    "by plan and engineer": ("attainment", {"group_by": ["plan", "engineer"]}),
    "by month in Warsaw": ("attainment", {"bucket": "month"} | _WARSAW),
    "by week in Kathmandu": ("attainment", {"bucket": "week"} | _KATHMANDU),
    "by day in Warsaw": ("attainment", {"bucket": "day"} | _WARSAW),
    "by day in Kathmandu": ("attainment", {"bucket": "day"} | _KATHMANDU),
    "by day, priority in Warsaw": ("attainment", {"bucket": "day", "group_by": ["priority"]} | _WARSAW),
    "by day, priority in Kathmandu": ("attainment", {"bucket": "day", "group_by": ["priority"]} | _KATHMANDU),
    "of one account": ("attainment", {"account_id": "{account}", "group_by": ["metric", "product"]}),
    "volume": ("volume", {}),
    "volume by account": ("volume", {"group_by": ["account"]}),
    "volume by engineer": ("volume", {"group_by": ["engineer"]}),
    "volume by day in Kathmandu": ("volume", {"bucket": "day"} | _KATHMANDU),
    "by month in Warsaw, engineer": ("attainment", {"bucket": "month", "group_by": ["engineer"]} | _WARSAW),
    "by month in Warsaw, product": ("attainment", {"bucket": "month", "group_by": ["product"]} | _WARSAW),
    "by week in Kathmandu, channel": ("attainment", {"bucket": "week", "group_by": ["channel"]} | _KATHMANDU),
    "volume by day, priority, Kath.": ("volume", {"bucket": "day", "group_by": ["priority"]} | _KATHMANDU),
    "lateness of 350,000": ("lateness", _KEPT),
    "of 350,000 by account": ("lateness", {"group_by": ["account"]} | _KEPT),
    "lateness": ("lateness", {}),
    "lateness by account": ("lateness", {"group_by": ["account"]}),
}
_VERY_LATE: Final = frozenset({*list(_ASKED)[-2:]})
"""Of a year in which a fifth of all promises was late; the goal is that of ten million facts."""


def main() -> bool:
    """Print the median of each report over one year and over two; whether they reach the goals."""
    with servers.database() as url, servers.service(url, HELIODESK_BACKGROUND="false") as port:
        account = servers.make_account(port, "wati-business-plus")
        asyncio.run(fill(url, account))
        return asyncio.run(measure(url, port, account))


async def fill(url: str, account: str) -> None:
    """Generate facts, moments and their sums."""
    connection = await asyncpg.connect(url)
    for statement in _FILL:
        await connection.execute(statement, FACTS, timeout=_HOUR)
    for table in ("report_facts", "report_moments"):
        await connection.execute(_OF_ONE.format(table), account, timeout=_HOUR)
    engine = make_engine(url, pool_size=1)
    async with transaction(make_sessions(engine, WakeUps())) as session:
        await allow(session, _HOUR)
        await sum_anew(session)
    await engine.dispose()
    await connection.execute("VACUUM ANALYZE", timeout=_HOUR)
    await connection.close()


async def measure(url: str, port: int, account: str) -> bool:
    """Ask each question a few times."""
    connection = await asyncpg.connect(url)
    met = True
    for period, goal in ((_YEAR, _GOAL), (_TWO_YEARS, _GOAL_OF_ALL)):
        print(f"{period['since']} to {period['until']}: goal {goal:.0f} ms")
        begin, end = await connection.fetchrow("SELECT $1::text::timestamptz, $2::text::timestamptz", *period.values())
        print(f"  {'a plain aggregate':30} {await _times(connection.fetch, _PLAIN, begin, end):9.1f} ms")
        async with httpx.AsyncClient(headers=servers.HEADERS, trust_env=False, timeout=90) as api:
            for name, (report, asked) in _ASKED.items():
                params = period | {key: account if value == "{account}" else value for key, value in asked.items()}
                spent = await _times(_ask, api, f"http://127.0.0.1:{port}/v1/reports/{report}", params)
                own = _GOAL_OF_ALL if name in _VERY_LATE else goal
                met = met and spent < own
                print(f"  {name:30} {spent:9.1f} ms{'' if spent < own else '  too long'}")
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
