"""How late was what was late, and how late that was noticed.

Percentiles of a few promises are exact. Of very many they are counted by steps of lateness, which parallel processes do
without sorting a value of each: what is told is the longest of its step.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import log1p
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.reports.asked import Asked
from app.reports.facts.summing import PART
from app.reports.read import source
from app.reports.read.attainment import head
from app.reports.read.grouping import MOST, Groups, Values, groups_of, order, too_many
from app.reports.read.linking import link
from app.reports.read.selecting import ENGINEER, engineer_of, of_facts

EXACT: Final = 50_000
"""Late promises of which percentiles are exact."""
_MARGIN: Final = 0.005
"""By how much of the shortest value of a step its longest one is greater, at most."""
_LATE: Final = ("met_late", "missed")
_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_WANTED: Final = "f.outcome IN ('met_late', 'missed') AND f.due_at IS NOT NULL"
# What is still owed is late by now: by the sandbox's clock where the account may have one of its own. PostgreSQL reads
# other accounts' rows by parallel processes only where no row asks for its account.
_NOW: Final = "statement_timestamp()"
_OWN_NOW: Final = f"(SELECT a.sandbox_now FROM accounts AS a WHERE a.account_id = f.account_id), {_NOW}"  # noqa: S608
_FACTS: Final = f"""
SELECT f.account_id, f.metric, {PART} AS part, f.priority, f.plan_key, f.plan_version, f.product, f.channel, f.tier,
       f.engineer_id, f.started_at AS at, coalesce(f.settled_at, {{now}}) - f.due_at AS late, f.noticed_us AS noticed
FROM report_facts AS f
"""  # noqa: S608  our own names
_PARTS: Final = 8
"""Parts of a period that are counted side by side, as far as there are processes."""
_SHARED_OUT: Final = "SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_index_scan_size = 715827882"
"""The parts are shared out, as a whole each: PostgreSQL takes the steps for nearly as many as the promises are."""
_SHARED: Final = ", ".join(map(str, _SHARES.values()))
_SECONDS: Final = {"late": "date_part('epoch', f.late)", "noticed": "f.noticed / 1e6::float8"}
"""What is measured of a promise, in seconds."""
# Each promise is asked for its steps, so these are as short as they can be, and a column is measured in its own unit.
_STEP: Final = f"(ln({{0}}) * {1 / log1p(_MARGIN)}::float8)::int"
_STEPS: Final = {
    "late": _STEP.format(f"greatest({_SECONDS['late']}, 1e-6)"),
    "noticed": _STEP.format("f.noticed + 1"),
}


async def lateness(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """The report. 422 where it would have too many groups."""
    own, groups = await head(session, asked), await groups_of(asked)
    many = await _are_many(session, asked)
    values = Values([])
    if many:
        await (await driver(session)).execute(_SHARED_OUT)
    rows = await source.fetch(session, (_by_steps if many else _exactly)(asked, groups, values), values)
    if len(rows) > MOST:
        raise too_many()
    items = [_item(groups, row) for row in rows]
    return own | {
        "cycles": asked.of.cycles,
        "margin": _MARGIN if many else 0.0,
        "items": sorted(items, key=lambda item: order(item["group"].values())),
    }


async def _are_many(session: AsyncSession, asked: Asked) -> bool:
    values = Values([])
    some = f"SELECT FROM report_facts AS f {engineer_of(asked)} WHERE {_wanted(asked, values)} LIMIT {EXACT + 1}"
    [row] = await source.fetch(session, f"SELECT count(*) AS number FROM ({some}) AS f", values)  # noqa: S608  our own
    return bool(row["number"] > EXACT)


def _wanted(asked: Asked, values: Values) -> str:
    return " AND ".join((*of_facts(asked, values), _WANTED))


def _late(asked: Asked, groups: Groups, values: Values) -> str:
    """The late promises that are asked for, each with its group."""
    named = "".join(f"{each}, " for each in groups.expressions)
    engineer = ENGINEER if "region" in asked.dimensions else ""
    view = _FACTS.format(now=_OWN_NOW if asked.account_id or asked.narrowing.sandbox else _NOW)
    return f"""
    SELECT {named}f.late, f.noticed FROM (
        SELECT f.*, {groups.bucket(values)} AS bucket
        FROM ({view} {engineer_of(asked)} WHERE {_wanted(asked, values)}) AS f
    ) AS f {engineer}
    """  # noqa: S608  expressions of ours


def _exactly(asked: Asked, groups: Groups, values: Values) -> str:
    names = ", ".join(f"f.{name}" for name in groups.names)
    figures = ", ".join(
        f"""count(f.{one}) AS {one}_number, max({seconds}) AS {one}_max,
        percentile_disc(ARRAY[{_SHARED}]) WITHIN GROUP (ORDER BY {seconds}) AS {one}_shares"""
        for one, seconds in _SECONDS.items()
    )
    rows = _late(asked, groups, values)
    return f"SELECT {names}, {figures} FROM ({rows}) AS f GROUP BY {names} LIMIT {MOST + 1}"  # noqa: S608  our own


def _by_steps(asked: Asked, groups: Groups, values: Values) -> str:
    """Steps of ``late`` and of ``noticed`` are counted beside each other, part by part of the period.

    So each promise is read once, and there are far fewer groups than pairs of steps.
    """
    names = ", ".join(f"f.{name}" for name in groups.names)
    parts = " UNION ALL ".join(_part(part, groups, values) for part in _parts(asked))
    each = " UNION ALL ".join(
        f"""SELECT {names}, '{one}' AS measured, f.{one}_step AS step, sum(f.number) AS number,
        max({seconds}) AS longest
        FROM steps AS f WHERE f.by_{one} AND f.{one}_step IS NOT NULL
        GROUP BY {names}, f.{one}_step"""  # noqa: S608  our own names
        for one, seconds in _SECONDS.items()
    )
    return f"""
    WITH steps AS MATERIALIZED (SELECT * FROM ({parts}) AS f)
    SELECT {names}, {", ".join(map(_figures, _SECONDS))} FROM (
        SELECT f.*, sum(f.number) OVER (PARTITION BY {names}, f.measured ORDER BY f.step) AS upto,
               sum(f.number) OVER (PARTITION BY {names}, f.measured) AS total FROM ({each}) AS f
    ) AS f GROUP BY {names} LIMIT {MOST + 1}
    """  # noqa: S608  expressions of ours


def _parts(asked: Asked) -> Iterator[Asked]:
    length = (asked.until - asked.since) / _PARTS
    begins = [asked.since + number * length for number in range(_PARTS)]
    for begin, end in pairwise([*begins, asked.until]):
        yield asked.within(begin, end)


def _part(asked: Asked, groups: Groups, values: Values) -> str:
    names = ", ".join(f"f.{name}" for name in groups.names)
    steps = ", ".join(f"{step} AS {one}_step" for one, step in _STEPS.items())
    found = ", ".join(f"f.{one}_step, grouping(f.{one}_step) = 0 AS by_{one}, max(f.{one}) AS {one}" for one in _STEPS)
    sets = ", ".join(f"({names}, f.{one}_step)" for one in _STEPS)
    return f"""
    SELECT {names}, {found}, count(*) AS number
    FROM (SELECT f.*, {steps} FROM ({_late(asked, groups, values)}) AS f) AS f GROUP BY GROUPING SETS ({sets})
    """  # noqa: S608  expressions of ours


def _figures(one: str) -> str:
    own = f"f.measured = '{one}'"
    shares = (f"min(f.longest) FILTER (WHERE {own} AND f.upto >= f.total * {share})" for share in _SHARES.values())
    return f"""coalesce(max(f.total) FILTER (WHERE {own}), 0)::bigint AS {one}_number,
    max(f.longest) FILTER (WHERE {own}) AS {one}_max, ARRAY[{", ".join(shares)}] AS {one}_shares"""


def _item(groups: Groups, row: Row) -> dict[str, Any]:
    group, late, noticed = groups.of(row), _spread(row, "late"), _spread(row, "noticed")
    return {"group": group, "late": late, "noticed": noticed, "promises": link(groups, group, _LATE)}


def _spread(row: Row, name: str) -> dict[str, Any]:
    shares = row[f"{name}_shares"] or [None] * len(_SHARES)
    return {"number": row[f"{name}_number"], **dict(zip(_SHARES, shares, strict=True)), "max": row[f"{name}_max"]}
