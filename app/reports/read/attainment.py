"""How much of what was promised was kept, in time or late, beside what the plans aim for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.tables import Row
from app.reports.asked import Asked
from app.reports.facts.progress import progress
from app.reports.facts.summing import NO_OBJECTIVE
from app.reports.read import source
from app.reports.read.grouping import MOST, Groups, Values, groups_of, items, places, too_many
from app.reports.read.linking import link
from app.reports.read.selecting import ENGINEER

_ROWS: Final = 10 * MOST
"""Groups with their objectives."""
_OUTCOMES: Final = ("met", "met_late", "missed", "open", "cancelled", "excluded")
_COUNTS: Final[Mapping[str, str]] = {
    **{name: f"f.outcome = '{name}'" for name in _OUTCOMES},
    "still_owed": "f.owed",
    "resolved_by_sender": "f.reason = 'resolved_by_sender'",
}
"""What is counted of the rows ``f``."""


@dataclass(slots=True)
class _Sum:
    counts: Counter[str] = field(default_factory=Counter)
    objectives: set[float] = field(default_factory=set)

    def add(self, row: Row) -> None:
        """Add what was counted under one objective."""
        for name in (*_COUNTS, "misses"):
            self.counts[name] += row[name]
        self.objectives.add(row["of_objective"])

    def figures(self) -> dict[str, Any]:
        """The members of an item."""
        counts = self.counts
        decided = counts["met"] + counts["met_late"] + counts["missed"]
        objective = next(iter(self.objectives)) if len(self.objectives) == 1 else NO_OBJECTIVE
        return {
            "promised": decided + counts["open"],
            "met": counts["met"],
            "met_late": counts["met_late"],
            "missed": counts["missed"],
            "still_owed": counts["still_owed"],
            "open": counts["open"],
            "misses": counts["misses"],
            "cancelled": counts["cancelled"],
            "resolved_by_sender": counts["resolved_by_sender"],
            "excluded": counts["excluded"],
            "attained": round(counts["met"] / decided, 6) if decided else None,
            "objective": None if objective == NO_OBJECTIVE else objective,
        }


async def attainment(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """The report. 422 where it would have too many groups."""
    own, groups = await head(session, asked), await groups_of(asked)
    rows = await _count(session, asked, groups)
    return own | {"cycles": asked.of.cycles, "items": items(groups, rows, _Sum, "promises", partial(link, groups))}


async def head(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """What every report says of itself: read before its figures, which may be newer than that and never older."""
    return {
        "since": asked.since,
        "until": asked.until,
        "time_zone": asked.grouping.time_zone,
        **await progress(session, asked.account_id),
    }


async def _count(session: AsyncSession, asked: Asked, groups: Groups) -> list[Row]:
    values = Values([])
    rows = await source.facts(session, asked, groups, values)
    named = groups.expressions
    engineer = ENGINEER if "region" in asked.dimensions else ""
    counts = ", ".join(
        f"coalesce(sum(f.number) FILTER (WHERE {wanted}), 0)::bigint AS {name}" for name, wanted in _COUNTS.items()
    )
    statement = f"""
    SELECT {"".join(f"{each}, " for each in named)}f.objective AS of_objective, {counts},
           sum(f.misses)::bigint AS misses
    FROM ({rows}) AS f {engineer} GROUP BY {places(len(named) + 1)} HAVING sum(f.number) <> 0 LIMIT {_ROWS + 1}
    """  # noqa: S608  expressions of ours
    found = await source.fetch(session, statement, values)
    if len(found) > _ROWS:
        raise too_many()
    return found
