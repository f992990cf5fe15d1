"""How much there was to do: what was opened and resolved, handed over and escalated, and what waits."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.reports.asked import Asked
from app.reports.read import source
from app.reports.read.attainment import head
from app.reports.read.grouping import COLUMNS, MOST, Groups, Values, groups_of, items, order, places, too_many
from app.reports.read.linking import MOMENTS, link
from app.reports.read.selecting import ENGINEER, engineer_of, narrowed
from app.tickets.models import ACTIVE

_AGES: Final = {"day": 1, "three_days": 3, "week": 7, "month": 30}
"""Up to how many days a ticket is counted under a name; what is older is counted as ``older``."""
_DEFLECTED: Final = """
SELECT count(*) FROM solutions AS s
WHERE s.ticket_id IS NULL AND s.created_at >= $1 AND s.created_at < $2 AND CASE WHEN $3::text IS NULL THEN NOT EXISTS (
    SELECT FROM accounts AS a WHERE a.account_id = s.account_id AND a.sandbox_now IS NOT NULL
) ELSE s.account_id = $3 END
"""


@dataclass(slots=True)
class _Sum:
    kinds: Counter[str] = field(default_factory=Counter)
    first_contact: int = 0
    escalations: Counter[tuple[str, str]] = field(default_factory=Counter)
    hand_overs: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Add what was counted."""
        number = row["number"]
        self.kinds[row["kind"]] += number
        self.first_contact += number if row["of_outcome"] == "first_contact" else 0
        if row["kind"] == "escalation":
            self.escalations[row["of_reason"], row["of_outcome"]] += number
        elif row["kind"] == "handed_over":
            self.hand_overs[row["of_reason"] or "other"] += number

    def figures(self) -> dict[str, Any]:
        """The members of an item."""
        resolved = self.kinds["resolved"]
        return {
            "opened": self.kinds["opened"],
            "resolved": resolved,
            "reopened": self.kinds["reopened"],
            "first_contact": self.first_contact,
            "first_contact_share": round(self.first_contact / resolved, 6) if resolved else None,
            "handed_over": self.kinds["handed_over"],
            "hand_overs": dict(sorted(self.hand_overs.items())),
            "escalated": self.kinds["escalation"],
            "escalations": self._escalations(),
            "calls_joined": self.kinds["call_joined"],
            "no_shows": self.kinds["call_no_show"],
        }

    def _escalations(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for (reason, outcome), number in sorted(self.escalations.items()):
            found.setdefault(reason, {})[outcome] = number
        return found


async def volume(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """The report. 422 where it would have too many groups."""
    own, groups = await head(session, asked), await groups_of(asked)
    rows = await _count(session, asked, groups)
    return own | {
        "items": items(groups, rows, _Sum, "moments", partial(link, groups, path=MOMENTS)),
        "backlog": await _backlog(session, asked),
        "deflected": await _deflected(session, asked),
    }


def _engineer(asked: Asked) -> str:
    return ENGINEER if "region" in asked.dimensions else engineer_of(asked)


async def _count(session: AsyncSession, asked: Asked, groups: Groups) -> list[Row]:
    values = Values([])
    moments = await source.moments(asked, groups, values)
    named = groups.expressions
    engineer = ENGINEER if "region" in asked.dimensions else ""
    statement = f"""
    SELECT {"".join(f"{each}, " for each in named)}
           f.metric AS kind, f.reason AS of_reason, f.outcome AS of_outcome, sum(f.number)::bigint AS number
    FROM ({moments}) AS f {engineer}
    GROUP BY {places(len(named) + 3)} HAVING sum(f.number) <> 0 LIMIT {10 * MOST + 1}
    """  # noqa: S608  expressions of ours
    found = await source.fetch(session, statement, values)
    if len(found) > 10 * MOST:
        raise too_many()
    return found


async def _backlog(session: AsyncSession, asked: Asked) -> list[dict[str, Any]]:
    """What is open now, by its age; the period does not matter."""
    values = Values([])
    wanted = narrowed(asked, values)
    named = [(name, COLUMNS[name]) for name in asked.dimensions]
    groups = "".join(f"{expression} AS {name}, " for name, expression in named)
    age = "coalesce(a.sandbox_now, clock_timestamp()) - f.opened_at"
    ages = ", ".join(
        f"count(*) FILTER (WHERE {age} <= interval '{days} days') AS within_{name}" for name, days in _AGES.items()
    )
    grouped = f"GROUP BY {places(len(named))}" if named else ""
    statement = f"""
    SELECT {groups}count(*) AS number, {ages}
    FROM (SELECT t.*, t.assignee_id AS engineer_id FROM tickets AS t WHERE {ACTIVE}) AS f
    JOIN accounts AS a ON a.account_id = f.account_id {_engineer(asked)}
    WHERE {" AND ".join(wanted) or "true"} {grouped} LIMIT {MOST}
    """  # noqa: S608  expressions of ours
    rows = await source.fetch(session, statement, values)
    items = [{"group": {name: row[name] for name, _ in named}, **_ages(row)} for row in rows]
    return sorted(items, key=lambda item: order(item["group"].values()))


def _ages(row: Row) -> dict[str, Any]:
    """How many are open, and how many of each age."""
    ages, before = {}, 0
    for name in _AGES:
        ages[name], before = row[f"within_{name}"] - before, row[f"within_{name}"]
    return {"open": row["number"], "by_age": ages | {"older": row["number"] - before}}


async def _deflected(session: AsyncSession, asked: Asked) -> int | None:
    """How many tickets articles have spared; None where the question is about something that these do not have."""
    if asked.dimensions or list(asked.filters()) or asked.narrowing.without or asked.narrowing.sandbox:
        return None
    number: int = await (await driver(session)).fetchval(_DEFLECTED, asked.since, asked.until, asked.account_id)
    return number
