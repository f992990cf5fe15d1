"""The rows that a report counts: sums where these tell what is asked, and facts or moments for the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.reports.asked import Asked
from app.reports.cells import Unit
from app.reports.covering import Cover, Range, beginnings, cover
from app.reports.facts.summing import BY_SENDER, NO_OBJECTIVE, OBJECTIVES, PART
from app.reports.read.grouping import Groups, Values
from app.reports.read.selecting import engineer_of, narrowed, of_cycles, of_parts

_COLUMNS_OF: Final = {
    "plan": "plan_key",
    "account": "account_id",
    "engineer": "engineer_id",
    "region": "engineer_id",
}
_ALWAYS: Final = frozenset({"metric", "cycle"})
"""Dimensions that every sum tells."""
_TOLD: Final = """
f.account_id, f.sandbox, f.priority, f.plan_key, f.plan_version, f.tier, f.channel, f.outcome, f.number, f.misses"""
_SUMS: Final = f"""
SELECT f.at, f.metric, f.part, {_TOLD}, nullif(f.product, '') AS product, nullif(f.engineer_id, '') AS engineer_id,
       f.reason, f.owed, f.objective FROM {{table}} AS f WHERE {{period}}"""  # noqa: S608  our own names
_FACTS: Final = f"""
SELECT f.started_at AS at, f.metric, {PART} AS part, f.cycle, {_TOLD.replace("f.number", "1 AS number")}, f.product,
       f.engineer_id, CASE WHEN {BY_SENDER} THEN f.reason ELSE '' END AS reason,
       f.outcome = 'missed' AND f.settled_at IS NULL AS owed, coalesce(
           ({{objectives}}::jsonb ->> (f.plan_key || ' ' || f.plan_version || ' ' || f.metric))::float8, {NO_OBJECTIVE}
       ) AS objective
FROM report_facts AS f WHERE {{period}}"""  # noqa: S608  our own names
_MOMENTS: Final = f"""
SELECT f.at, f.kind AS metric, 'moment' AS part, f.account_id, f.sandbox, f.priority, f.plan_key, f.plan_version,
       f.tier, f.channel, coalesce(f.outcome, '') AS outcome, 1 AS number, 0 AS misses, f.product, f.engineer_id,
       coalesce(f.reason, '') AS reason, false AS owed, {NO_OBJECTIVE}::float8 AS objective
FROM report_moments AS f WHERE {{period}}"""  # noqa: S608  our own names
_OWN: Final = """f.at, f.metric, f.part, f.outcome, f.reason, f.owed, f.objective, f.account_id, f.priority, f.plan_key,
f.plan_version, f.product, f.tier, f.channel, f.engineer_id, f.number, f.misses"""
_WHOLE: Final = 0.5
"""The share of a time of which so much is wanted that all of it is read in one go."""
_PLANNED: Final = "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL work_mem = '32MB'"


@dataclass(frozen=True)
class _Statement:
    values: Values
    engineer: str
    narrowing: Sequence[str]

    def of(self, view: str, at: str, ranges: Sequence[Range], *conditions: str, unit: Unit | None = None) -> str:
        """The rows of a view in some ranges by its column ``at``, which has the beginnings of units where these are."""
        values = self.values
        since, until = ranges[0][0], ranges[-1][1]
        wanted = sum((end - begin for begin, end in ranges), start=until - until)
        if wanted < _WHOLE * (until - since) and unit:
            # Only by instants that it knows does the planner estimate how many rows these are.
            period = f"{at} = ANY ({values.add(beginnings(ranges, unit))}::timestamptz[])"
            return self.select(view.format(period=period), *conditions)
        if wanted < _WHOLE * (until - since):
            own = self.select(view.format(period=f"{at} >= r.begin AND {at} < r.until"), *conditions)
            begins, ends = (values.add(list(each)) for each in zip(*ranges, strict=True))
            # OFFSET 0: a join of all ranges would read the whole period.
            return f"""SELECT f.* FROM unnest({begins}::timestamptz[], {ends}::timestamptz[]) AS r (begin, until)
            CROSS JOIN LATERAL ({own} OFFSET 0) AS f"""  # noqa: S608  our own names
        period = f"{at} >= {values.add(since)} AND {at} < {values.add(until)}"
        if len(ranges) > 1:
            period += f" AND {within(ranges, values, at)}"
        return self.select(view.format(period=period), *conditions)

    def select(self, view: str, *conditions: str) -> str:
        """The rows of a view that meet all conditions."""
        wanted = " AND ".join((*self.narrowing, *conditions)) or "true"
        return f"SELECT {_OWN} FROM ({view}) AS f {self.engineer} WHERE {wanted}"  # noqa: S608  our own names


def within(ranges: Sequence[Range], values: Values, at: str) -> str:
    """Whether an instant is in one of several ranges that do not meet."""
    instants: list[datetime] = list(chain.from_iterable(ranges))
    return f"width_bucket({at}, {values.add(instants)}::timestamptz[]) % 2 = 1"


async def facts(session: AsyncSession, asked: Asked, groups: Groups, values: Values) -> str:
    """The statement of the facts, or of what sums tell of them."""
    covered, statement = _cover(asked, groups), _statement(asked, values)
    rows: list[str] = []
    if covered.cells:
        rows += _of_sums(statement, covered, "f.part <> 'moment'", *of_parts(asked, values), moments=False)
    if covered.facts:
        view = _FACTS.replace("{objectives}", await _objectives(session, values))
        rows.append(statement.of(view, "f.started_at", covered.facts, *of_cycles(asked, values)))
    return " UNION ALL ".join(rows)


def moments(asked: Asked, groups: Groups, values: Values) -> str:
    """The statement of the moments, or of what sums tell of them."""
    covered, statement = _cover(asked, groups), _statement(asked, values)
    rows: list[str] = []
    if covered.cells:
        rows += _of_sums(statement, covered, "f.part = 'moment'", moments=True)
    if covered.facts:
        rows.append(statement.of(_MOMENTS, "f.at", covered.facts))
    return " UNION ALL ".join(rows)


def _of_sums(statement: _Statement, covered: Cover, *conditions: str, moments: bool) -> Iterator[str]:
    """The rows of the cells, and the moves that wait."""
    for cell, ranges in covered.cells:
        number = statement.values.add(cell.number_of(moments=moments))
        view = f"{_SUMS.replace('{table}', 'report_sums')} AND f.cell = {number}::smallint"
        yield statement.of(view, "f.at", ranges, *conditions, unit=cell.unit)
    period = within(covered.summed, statement.values, "f.at")
    yield statement.select(_SUMS.replace("{table}", "report_sum_moves").format(period=period), *conditions)


def _statement(asked: Asked, values: Values) -> _Statement:
    return _Statement(values, engineer_of(asked), narrowed(asked, values))


def _cover(asked: Asked, groups: Groups) -> Cover:
    named = {*asked.dimensions, *(name for name, _ in asked.filters()), *(asked.narrowing.without or ())} - _ALWAYS
    named |= {"account"} if asked.account_id is not None else set()
    return cover(groups.periods, {_COLUMNS_OF.get(name, name) for name in named})


async def fetch(session: AsyncSession, statement: str, values: Values) -> list[Row]:
    """The rows that a statement finds, planned for its own period: a plan for any period reads far too much."""
    connection = await driver(session)
    await connection.execute(_PLANNED)
    return list(await connection.fetch(statement, *values.all))


async def _objectives(session: AsyncSession, values: Values) -> str:
    """The objectives of all plans, as a parameter: a join with each fact would take longer."""
    found: Sequence[Row] = await (await driver(session)).fetch(OBJECTIVES)
    known = {f"{row['plan_key']} {row['plan_version']} {row['metric']}": row["objective"] for row in found}
    return values.add(orjson.dumps(known).decode())
