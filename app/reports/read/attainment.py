"""How much of what was promised was kept, in time or late, beside what the plans aim for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.reports.asked import Asked
from app.reports.facts.storing import MARK
from app.reports.read.grouping import MOST, Groups, Values, order, places, too_many
from app.reports.read.linking import link
from app.reports.read.selecting import ENGINEER, source

Objectives: TypeAlias = Mapping[tuple[str, int], Mapping[str, float]]
_OUTCOMES: Final = ("met", "met_late", "missed", "open", "cancelled", "excluded")
_OBJECTIVES: Final = """
SELECT p.key, p.version, p.document -> 'objectives' AS objectives
FROM unnest($1::text[], $2::int[]) AS k (key, version)
JOIN plan_versions AS p ON p.key = k.key AND p.version = k.version
"""
COUNTED_UNTIL: Final = """
SELECT coalesce((
    SELECT e.recorded_at FROM events AS e WHERE e.id > '' AND e.position > coalesce(
        (SELECT m.position FROM event_consumers AS m WHERE m.name = $1), 0
    ) ORDER BY e.position LIMIT 1
), clock_timestamp())
"""


@dataclass(slots=True)
class _Sum:
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_OUTCOMES, 0))
    still_owed: int = 0
    resolved_by_sender: int = 0
    misses: int = 0
    objectives: set[float | None] = field(default_factory=set)

    def add(self, row: Row, objectives: Objectives) -> None:
        """Add what was counted."""
        number, outcome = row["number"], row["outcome"]
        self.outcomes[outcome] += number
        self.misses += row["misses"]
        self.still_owed += number if outcome == "missed" and row["owed"] else 0
        self.resolved_by_sender += number if row["by_sender"] else 0
        self.objectives.add(objectives.get((row["of_plan"], row["of_version"]), {}).get(row["of_metric"]))

    def figures(self) -> dict[str, Any]:
        """The members of an item."""
        count = self.outcomes
        decided = count["met"] + count["met_late"] + count["missed"]
        return {
            "promised": decided + count["open"],
            "met": count["met"],
            "met_late": count["met_late"],
            "missed": count["missed"],
            "still_owed": self.still_owed,
            "open": count["open"],
            "misses": self.misses,
            "cancelled": count["cancelled"],
            "resolved_by_sender": self.resolved_by_sender,
            "excluded": count["excluded"],
            "attained": round(count["met"] / decided, 6) if decided else None,
            "objective": next(iter(self.objectives)) if len(self.objectives) == 1 else None,
        }


async def attainment(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """The report. 422 where it would have too many groups."""
    groups = Groups(asked)
    rows = await _count(session, asked, groups)
    objectives = await _objectives(session, rows)
    sums: dict[tuple[Any, ...], _Sum] = {}
    for row in rows:
        sums.setdefault(tuple(groups.of(row).values()), _Sum()).add(row, objectives)
    if len(sums) > MOST:
        raise too_many()
    items = [
        {
            "group": (group := dict(zip(groups.names, values, strict=True))),
            **one.figures(),
            "promises": link(groups, group),
        }
        for values, one in sorted(sums.items(), key=lambda each: order(each[0]))
    ]
    return await head(session, asked) | {"cycles": asked.of.cycles, "items": items}


async def head(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """What every report says of itself."""
    return {
        "since": asked.since,
        "until": asked.until,
        "time_zone": asked.grouping.time_zone,
        "counted_until": await counted_until(session),
    }


async def counted_until(session: AsyncSession) -> datetime:
    """The instant up to which all events are counted."""
    found: datetime = await (await driver(session)).fetchval(COUNTED_UNTIL, MARK)
    return found


async def _count(session: AsyncSession, asked: Asked, groups: Groups) -> list[Row]:
    values = Values([])
    rows = source(asked, groups, values)
    named = groups.expressions(values)
    engineer = ENGINEER if "region" in asked.dimensions else ""
    statement = f"""
    SELECT {", ".join(named)}, f.metric AS of_metric, f.plan_key AS of_plan, f.plan_version AS of_version,
           f.outcome, f.owed, f.by_sender, sum(f.number)::bigint AS number, sum(f.misses)::bigint AS misses
    FROM ({rows}) AS f {engineer} GROUP BY {places(len(named) + 6)} LIMIT {10 * MOST + 1}
    """  # noqa: S608  expressions of ours
    found: list[Row] = await (await driver(session)).fetch(statement, *values.all)
    if len(found) > 10 * MOST:
        raise too_many()
    return found


async def _objectives(session: AsyncSession, rows: Sequence[Row]) -> Objectives:
    versions = {(row["of_plan"], row["of_version"]) for row in rows}
    if not versions:
        return {}
    found = await (await driver(session)).fetch(_OBJECTIVES, *zip(*versions, strict=True))
    return {(row["key"], row["version"]): row["objectives"] or {} for row in found}
