"""How late was what was late, and how late that was noticed."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.tables import Row
from app.reports.asked import Asked
from app.reports.facts.summing import PART
from app.reports.read import source
from app.reports.read.attainment import head
from app.reports.read.grouping import MOST, Groups, Values, order, places, too_many
from app.reports.read.linking import link
from app.reports.read.selecting import ENGINEER, engineer_of, of_facts

_LATE: Final = ("met_late", "missed")
_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
# What is still owed is late by now: by the sandbox's clock where the account has one of its own.
_FACTS: Final = f"""
SELECT f.*, f.started_at AS at, {PART} AS part, f.noticed_us / 1e6 AS noticed,
       extract(epoch FROM coalesce(f.settled_at, a.sandbox_now, clock_timestamp()) - f.due_at)::float8 AS late
FROM report_facts AS f LEFT JOIN accounts AS a ON a.account_id = f.account_id
"""  # noqa: S608  our own names


def _figures(name: str) -> str:
    shares = ", ".join(map(str, _SHARES.values()))
    return f"""count(f.{name}) AS {name}_number, max(f.{name})::float8 AS {name}_max,
    percentile_disc(ARRAY[{shares}]) WITHIN GROUP (ORDER BY f.{name})::float8[] AS {name}_shares"""


async def lateness(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """The report. 422 where it would have too many groups."""
    values, groups = Values([]), Groups(asked)
    wanted = [*of_facts(asked, values), "f.outcome IN ('met_late', 'missed')", "f.due_at IS NOT NULL"]
    named = groups.expressions(values)
    engineer = ENGINEER if "region" in asked.dimensions else ""
    statement = f"""
    SELECT {", ".join(named)}, {_figures("late")}, {_figures("noticed")}
    FROM ({_FACTS} {engineer_of(asked)} WHERE {" AND ".join(wanted)}) AS f {engineer}
    GROUP BY {places(len(named))} LIMIT {MOST + 1}
    """  # noqa: S608  expressions of ours
    own, rows = await head(session, asked), await source.fetch(session, statement, values)
    if len(rows) > MOST:
        raise too_many()
    items = [_item(groups, row) for row in rows]
    return own | {
        "cycles": asked.of.cycles,
        "items": sorted(items, key=lambda item: order(item["group"].values())),
    }


def _item(groups: Groups, row: Row) -> dict[str, Any]:
    group, late, noticed = groups.of(row), _spread(row, "late"), _spread(row, "noticed")
    return {"group": group, "late": late, "noticed": noticed, "promises": link(groups, group, _LATE)}


def _spread(row: Row, name: str) -> dict[str, Any]:
    shares = row[f"{name}_shares"] or [None] * len(_SHARES)
    return {"number": row[f"{name}_number"], **dict(zip(_SHARES, shares, strict=True)), "max": row[f"{name}_max"]}
