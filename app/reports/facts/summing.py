"""The sums of facts and moments, which wide questions are answered from.

Whoever writes facts writes by what the sums change, which costs little; from time to time these moves are summed up,
many at once. A question reads the sums and the moves that are left, so it is always answered by all that is counted.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.reports.cells import KEY, MOMENT, summed

HASHES: Final = "SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'"
"""Groups are hashed: PostgreSQL takes sums for far fewer than they are, and would sort them all."""
MOST_MOVES: Final = 10_000
"""So many are summed up."""
NO_OBJECTIVE: Final = -1
"""The objective of what a plan aims for nothing with."""
PART: Final = "CASE f.cycle WHEN 0 THEN 'incident' WHEN 1 THEN 'first' ELSE 'later' END"
BY_SENDER: Final = "coalesce(f.outcome = 'cancelled' AND f.reason = 'resolved_by_sender', false)"
_MOVED: Final = tuple(name for name in KEY if name != "cell")
"""Columns of a move."""
OBJECTIVES: Final = """
SELECT p.key AS plan_key, p.version AS plan_version, o.key AS metric, o.value::float8 AS objective
FROM plan_versions AS p CROSS JOIN LATERAL jsonb_each_text(p.document -> 'objectives') AS o
"""
"""What each version of a plan aims for."""
_ALIKE: Final = """
f.account_id, f.sandbox, f.priority, f.plan_key, f.plan_version, coalesce(f.product, '') AS product, f.tier, f.channel,
coalesce(f.engineer_id, '') AS engineer_id
"""
_QUARTER: Final = "date_bin('15 minutes', {}, '2000-01-01T00:00:00Z'::timestamptz)"
FACT_MOVES: Final = f"""
SELECT {_ALIKE}, {_QUARTER.format("f.started_at")} AS at, f.metric, {PART} AS part, f.outcome,
       CASE WHEN {BY_SENDER} THEN f.reason ELSE '' END AS reason,
       f.outcome = 'missed' AND f.settled_at IS NULL AS owed, coalesce(o.objective, {NO_OBJECTIVE}) AS objective,
       f.number, f.number * f.misses AS misses
FROM f LEFT JOIN objectives AS o
    ON o.plan_key = f.plan_key AND o.plan_version = f.plan_version AND o.metric = f.metric
"""  # noqa: S608  our own names
"""By what facts ``f``, each ``number`` times, change the sums; ``objectives`` are those of their plans."""
MOMENT_MOVES: Final = f"""
SELECT {_ALIKE}, {_QUARTER.format("f.at")} AS at, f.kind AS metric, '{MOMENT}' AS part,
       coalesce(f.outcome, '') AS outcome, coalesce(f.reason, '') AS reason, false AS owed,
       {NO_OBJECTIVE}::float8 AS objective, f.number, 0 AS misses
FROM f
"""  # noqa: S608  our own names
_COLUMNS: Final = ", ".join((*KEY, "number", "misses"))
_ADD: Final = f"""
INSERT INTO report_sums AS s ({_COLUMNS}) {{}}
ON CONFLICT ({", ".join(KEY)}) DO UPDATE SET number = s.number + EXCLUDED.number, misses = s.misses + EXCLUDED.misses
"""
_SUM_UP: Final = f"""
WITH taken AS MATERIALIZED (DELETE FROM report_sum_moves RETURNING *) {_ADD.format(summed("TABLE taken"))}
"""  # noqa: S608  our own names

COUNTED: Final = f"""
objectives AS MATERIALIZED ({OBJECTIVES}),
counted AS MATERIALIZED (
    WITH f AS (SELECT *, 1 AS number FROM report_facts WHERE started_at >= $1 AND started_at < $2)
    {FACT_MOVES}
    UNION ALL
    SELECT * FROM (WITH f AS (SELECT *, 1 AS number FROM report_moments WHERE at >= $1 AND at < $2) {MOMENT_MOVES}) AS m
)
"""  # noqa: S608  our own names
"""By what all facts and moments between ``$1`` and ``$2`` would change sums that were empty, as ``counted``."""
_SUM_ANEW: Final = f"WITH {COUNTED} INSERT INTO report_sums ({_COLUMNS}) {summed('TABLE counted')}"
_AT: Final = {"report_facts": "started_at", "report_moments": "at", "report_sums": "at", "report_sum_moves": "at"}
_MONTHS: Final = " UNION ".join(
    f"SELECT date_trunc('month', {at}, 'UTC') AS month FROM {name}"  # noqa: S608  our own names
    for name, at in _AT.items()
)


def moved(table: str, moves: str, put: str) -> str:
    """The statement that ``put``s the rows of ``$1``, and writes by what the sums change.

    All of its parts see the rows as they were before. What has not changed is added and taken away, and drops out.
    """
    names = ", ".join(_MOVED)
    return f"""
    WITH new AS MATERIALIZED (SELECT * FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)),
    put AS ({put}),
    f AS MATERIALIZED (
        SELECT *, 1 AS number FROM new
        UNION ALL
        SELECT old.*, -1 FROM {table} AS old JOIN new ON new.account_id = old.account_id AND new.id = old.id
    ),
    objectives AS MATERIALIZED (
        {OBJECTIVES} WHERE (p.key, p.version) IN (SELECT f.plan_key, f.plan_version FROM f)
    )
    INSERT INTO report_sum_moves ({names}, number, misses)
    SELECT {names}, sum(number)::int, sum(misses)::int FROM ({moves}) AS m
    GROUP BY {names} HAVING sum(number) <> 0 OR sum(misses) <> 0
    """  # noqa: S608  our own names


async def sum_up(session: AsyncSession, least: int = MOST_MOVES) -> None:
    """Move the sums by what waits, if there are so many moves. The transaction holds the mark."""
    connection = await driver(session)
    if await connection.fetchval("SELECT count(*) FROM report_sum_moves") >= least:
        await connection.execute(_SUM_UP)


async def sum_anew(session: AsyncSession) -> None:
    """Write all sums anew, month by month, each fact read once. The transaction holds the mark."""
    connection = await driver(session)
    for table in ("report_sums", "report_sum_moves"):
        await connection.execute(f"DELETE FROM {table}")  # noqa: S608  our own names
    await connection.execute(HASHES)
    for begin, end in await months(session):
        await connection.execute(_SUM_ANEW, begin, end)


async def months(session: AsyncSession) -> list[tuple[datetime, datetime]]:
    """The months of UTC in which there are facts, moments or sums: no sum is of two months."""
    begins = [row["month"] for row in await (await driver(session)).fetch(f"{_MONTHS} ORDER BY month")]
    return [(begin, (begin + timedelta(days=32)).replace(day=1)) for begin in begins]
