"""The sums of facts and moments, which wide questions are answered from.

Whoever writes facts writes by what the sums change, which costs little; from time to time these moves are summed up,
many at once. A question reads the sums and the moves that are left, so it is always answered by all that is counted.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.reports.cells import CELLS, KEY, MOMENT, summed, summed_of

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
WITH taken AS MATERIALIZED (DELETE FROM report_moves RETURNING *) {_ADD.format(summed("TABLE taken"))}
"""  # noqa: S608  our own names


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
    INSERT INTO report_moves ({names}, number, misses)
    SELECT {names}, sum(number)::int, sum(misses)::int FROM ({moves}) AS m
    GROUP BY {names} HAVING sum(number) <> 0 OR sum(misses) <> 0
    """  # noqa: S608  our own names


async def sum_up(session: AsyncSession, least: int = MOST_MOVES) -> None:
    """Move the sums by what waits, if there are so many moves. The transaction holds the mark."""
    connection = await driver(session)
    if await connection.fetchval("SELECT count(*) FROM report_moves") >= least:
        await connection.execute(_SUM_UP)


async def sum_anew(session: AsyncSession) -> None:
    """Write all sums anew. The transaction holds the mark."""
    connection = await driver(session)
    for table in ("report_sums", "report_moves"):
        await connection.execute(f"DELETE FROM {table}")  # noqa: S608  our own names
    for _number, _waiting, statement in counted_anew():
        await connection.execute(_ADD.format(statement))


def counted_anew() -> Iterator[tuple[int, str, str]]:
    """Each cell's number, with statements of what its moves that wait come to, and of what all facts and moments do."""
    for cell in CELLS:
        for moments, moves in ((False, _all("report_facts", FACT_MOVES)), (True, _all("report_moments", MOMENT_MOVES))):
            waiting, anew = (summed_of(each, cell, moments=moments) for each in ("TABLE report_moves", moves))
            yield cell.number_of(moments=moments), waiting, anew


def _all(table: str, moves: str) -> str:
    """All moves that there would be from nothing."""
    rows = f"f AS (SELECT *, 1 AS number FROM {table})"  # noqa: S608  our own names
    return f"WITH objectives AS MATERIALIZED ({OBJECTIVES}), {rows} {moves}"
