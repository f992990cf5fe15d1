"""The rows that a report counts: sums where these tell what is asked, and facts or moments for the rest."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.reports.asked import Asked
from app.reports.cells import Unit
from app.reports.covering import Cover, Part, beginnings, cover
from app.reports.facts.summing import BY_SENDER, NO_OBJECTIVE, OBJECTIVES, PART
from app.reports.read.grouping import Groups, Values
from app.reports.read.selecting import engineer_of, narrowed, of_cycles, of_parts

T = TypeVar("T")
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
_COUNTED: Final = ("metric", "part", "outcome", "reason", "owed", "objective")
"""Columns by which figures are told apart."""
_NOBODY: Final = (0, 0)
"""The bucket, and the sign, where a part has fewer targets than another."""
_WHOLE: Final = 0.5
"""The share of a time of which so much is wanted that all of it is read in one go."""
_PLANNED: Final = "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL work_mem = '32MB'"


@dataclass(frozen=True)
class _Statement:
    values: Values
    columns: str
    """what is read of each row, beside how many rows it stands for"""
    engineer: str
    narrowing: Sequence[str]

    def of(self, view: str, at: str, parts: Sequence[Part], *conditions: str, unit: Unit | None = None) -> str:
        """The rows of a view in some parts by its column ``at``, which has the beginnings of units where these are."""
        since, until = parts[0].begin, parts[-1].end
        wanted = sum((part.end - part.begin for part in parts), start=until - until)
        if wanted >= _WHOLE * (until - since):
            period = f"{at} >= {self.values.add(since)} AND {at} < {self.values.add(until)}"
            period += f" AND {self._within(parts, at)}" if wanted < until - since else ""
        elif unit:
            # Only by instants that it knows does the planner estimate how many rows these are.
            period = f"{at} = ANY ({self.values.add(beginnings(parts, unit))}::timestamptz[])"
        else:
            return self._one_by_one(view, at, parts, *conditions)
        return self._of_buckets(parts, view.format(period=period), *conditions)

    def inside(self, view: str, parts: Sequence[Part], *conditions: str, sign: int = 1) -> str:
        """The rows of a small view in some parts, or these taken away."""
        view = view.format(period=self._within(parts, "f.at"))
        return self._of_buckets(parts, view, *conditions, sign=sign)

    def _of_buckets(self, parts: Sequence[Part], view: str, *conditions: str, sign: int = 1) -> str:
        """The rows of a view that is all in these parts."""
        begins = [part.begin for part in parts]
        number = f"width_bucket(f.at, {self.values.add(begins)}::timestamptz[])" if len(parts) > 1 else "1"
        if sign == 1 and all(part.targets == ((place, 1),) for place, part in enumerate(parts, 1)):
            return self._select(view, f"{number} AS bucket", *conditions)
        return self._to_each(parts, self._select(view, f"{number} AS place", *conditions), sign)

    def _one_by_one(self, view: str, at: str, parts: Sequence[Part], *conditions: str) -> str:
        """The sums of the rows of each part by itself. OFFSET 0: a join of all would read the whole period."""
        own = self._select(view.format(period=f"{at} >= r.begin AND {at} < r.until"), "r.place", *conditions)
        begins, ends = self.values.add([part.begin for part in parts]), self.values.add([part.end for part in parts])
        rows = f"""SELECT {self.columns}, f.place, sum(f.number)::int AS number, sum(f.misses)::int AS misses
        FROM unnest({begins}::timestamptz[], {ends}::timestamptz[]) WITH ORDINALITY AS r (begin, until, place)
        CROSS JOIN LATERAL ({own} OFFSET 0) AS f GROUP BY {self.columns}, f.place"""  # noqa: S608  our own names
        return self._to_each(parts, rows, 1)

    def _to_each(self, parts: Sequence[Part], rows: str, sign: int) -> str:
        """Rows with the place of their part, for each bucket that counts them.

        The targets of a place are read by their number: of a join the planner may take the rows for far fewer than they
        are, and compare each with each. OFFSET 0: the place of a row is computed once.
        """
        most = max(len(part.targets) for part in parts)
        targets = [each for part in parts for each in (*part.targets, *[_NOBODY] * (most - len(part.targets)))]
        buckets, signs = (self.values.add(list(each)) for each in zip(*targets, strict=True))
        target, sign_of = f"(f.place - 1) * {most} + t.number", f"({signs}::int[])"
        return f"""SELECT {self.columns}, ({buckets}::int[])[{target}] AS bucket,
        f.number * {sign} * {sign_of}[{target}] AS number, f.misses * {sign} * {sign_of}[{target}] AS misses
        FROM ({rows} OFFSET 0) AS f CROSS JOIN generate_series(1, {most}) AS t (number)
        WHERE {sign_of}[{target}] <> 0"""  # noqa: S608  our own names

    def _select(self, view: str, place: str, *conditions: str) -> str:
        """The rows of a view that meet all conditions."""
        wanted = " AND ".join((*self.narrowing, *conditions)) or "true"
        selected = f"{self.columns}, {place}, f.number, f.misses"
        return f"SELECT {selected} FROM ({view}) AS f {self.engineer} WHERE {wanted}"  # noqa: S608  our own names

    def _within(self, parts: Sequence[Part], at: str) -> str:
        """Whether an instant is in one of these parts."""
        instants = [at for part in parts for at in (part.begin, part.end)]
        return f"width_bucket({at}, {self.values.add(instants)}::timestamptz[]) % 2 = 1"


async def facts(session: AsyncSession, asked: Asked, groups: Groups, values: Values) -> str:
    """The statement of the facts, or of what sums tell of them."""
    covered = await _beside(asked, lambda: _cover(asked, groups))
    objectives = await _objectives(session) if covered.facts else ""
    return await _beside(asked, lambda: _of_facts(asked, groups, values, covered, objectives))


def _of_facts(asked: Asked, groups: Groups, values: Values, covered: Cover, objectives: str) -> str:
    statement = _statement(asked, values)
    rows: list[str] = []
    if covered.cells:
        rows += _of_sums(statement, covered, groups, "f.part <> 'moment'", *of_parts(asked, values), moments=False)
    if covered.facts:
        view = _FACTS.replace("{objectives}", values.add(objectives))
        rows.append(statement.of(view, "f.started_at", covered.facts, *of_cycles(asked, values)))
    return " UNION ALL ".join(rows)


async def moments(asked: Asked, groups: Groups, values: Values) -> str:
    """The statement of the moments, or of what sums tell of them."""
    return await _beside(asked, lambda: _of_moments(asked, groups, values))


async def _beside(asked: Asked, work: Callable[[], T]) -> T:
    """What comes of some work, done beside the event loop where there may be many buckets: 10,000 days take 500 ms."""
    return await asyncio.to_thread(work) if asked.grouping.bucket else work()


def _of_moments(asked: Asked, groups: Groups, values: Values) -> str:
    covered, statement = _cover(asked, groups), _statement(asked, values)
    rows: list[str] = []
    if covered.cells:
        rows += _of_sums(statement, covered, groups, "f.part = 'moment'", moments=True)
    if covered.facts:
        rows.append(statement.of(_MOMENTS, "f.at", covered.facts))
    return " UNION ALL ".join(rows)


def _of_sums(statement: _Statement, covered: Cover, groups: Groups, *conditions: str, moments: bool) -> Iterator[str]:
    """The rows of the cells, and the moves that wait, but for those of the facts that are counted one by one."""
    for cell, parts in covered.cells:
        number = statement.values.add(cell.number_of(moments=moments))
        view = f"{_SUMS.replace('{table}', 'report_sums')} AND f.cell = {number}::smallint"
        yield statement.of(view, "f.at", parts, *conditions, unit=cell.unit)
    moves = _SUMS.replace("{table}", "report_sum_moves")
    buckets = [Part(begin, end, ((number, 1),)) for number, (begin, end) in enumerate(groups.periods, 1)]
    yield statement.inside(moves, buckets, *conditions)
    if covered.facts:
        yield statement.inside(moves, covered.facts, *conditions, sign=-1)


def _statement(asked: Asked, values: Values) -> _Statement:
    named = [*_COUNTED, *sorted(_columns(asked.dimensions) - _ALWAYS)]
    return _Statement(values, ", ".join(f"f.{name}" for name in named), engineer_of(asked), narrowed(asked, values))


def _cover(asked: Asked, groups: Groups) -> Cover:
    named = {*asked.dimensions, *(name for name, _ in asked.filters()), *(asked.narrowing.without or ())}
    named |= {"account"} if asked.account_id is not None else set()
    return cover(groups.periods, _columns(named) - _ALWAYS)


def _columns(dimensions: Iterable[str]) -> set[str]:
    return {_COLUMNS_OF.get(name, name) for name in dimensions}


async def fetch(session: AsyncSession, statement: str, values: Values) -> list[Row]:
    """The rows that a statement finds, planned for its own period: a plan for any period reads far too much."""
    connection = await driver(session)
    await connection.execute(_PLANNED)
    return list(await connection.fetch(statement, *values.all))


async def _objectives(session: AsyncSession) -> str:
    """The objectives of all plans, for a parameter: a join with each fact would take longer."""
    found: Sequence[Row] = await (await driver(session)).fetch(OBJECTIVES)
    known = {f"{row['plan_key']} {row['plan_version']} {row['metric']}": row["objective"] for row in found}
    return orjson.dumps(known).decode()
