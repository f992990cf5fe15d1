"""The promises and the moments behind a figure, page by page, the newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.tables import Row
from app.core.web.kit.paging import Page
from app.reports.asked import Asked
from app.reports.read import source
from app.reports.read.grouping import Values
from app.reports.read.selecting import conditions, engineer_of, of_facts

_TICKET: Final = ("ticket_id", "account_id", "priority", "plan_version", "product", "tier", "channel")
_PROMISE: Final = (*_TICKET, "metric", "cycle", "outcome", "misses", "started_at", "due_at", "settled_at")
_MOMENT: Final = (*_TICKET, "kind", "reason", "outcome", "at")


async def promises(session: AsyncSession, asked: Asked, outcomes: Sequence[str], page: Page) -> list[Row]:
    """A page, and one promise more."""
    values = Values([])
    wanted = of_facts(asked, values)
    if outcomes:
        wanted.append(f"f.outcome = ANY ({values.add(list(outcomes))}::text[])")
    return await _listed(session, asked, page, values, wanted, ("report_facts", "started_at", _PROMISE))


async def moments(session: AsyncSession, asked: Asked, kinds: Sequence[str], page: Page) -> list[Row]:
    """A page, and one moment more."""
    values = Values([])
    wanted = conditions(asked, values, "f.at")
    if kinds:
        wanted.append(f"f.kind = ANY ({values.add(list(kinds))}::text[])")
    return await _listed(session, asked, page, values, wanted, ("report_moments", "at", _MOMENT))


async def _listed(
    session: AsyncSession,
    asked: Asked,
    page: Page,
    values: Values,
    wanted: list[str],
    of: tuple[str, str, Sequence[str]],
) -> list[Row]:
    table, at, shown = of
    if behind := page.place(datetime, str):
        wanted.append(f"(f.{at}, f.id) < ({values.add(behind[0])}, {values.add(behind[1])})")
    statement = f"""
    SELECT {", ".join(f"f.{name}" for name in shown)}, f.id, f.plan_key AS plan, t.number, t.title
    FROM (
        SELECT f.* FROM {table} AS f {engineer_of(asked)} WHERE {" AND ".join(wanted)}
        ORDER BY f.{at} DESC, f.id DESC LIMIT {values.add(page.limit + 1)}
    ) AS f JOIN tickets AS t ON t.account_id = f.account_id AND t.id = f.ticket_id
    ORDER BY f.{at} DESC, f.id DESC
    """  # noqa: S608  expressions of ours
    return await source.fetch(session, statement, values)


def promise_place(row: Row) -> tuple[datetime, str]:
    """Where a promise is in its list."""
    return row["started_at"], row["id"]


def moment_place(row: Row) -> tuple[datetime, str]:
    """Where a moment is in its list."""
    return row["at"], row["id"]


def promise(row: Row) -> dict[str, Any]:
    """A promise as it is shown."""
    return {name: row[name] for name in (*_PROMISE, "plan", "number", "title")}


def moment(row: Row) -> dict[str, Any]:
    """A moment as it is shown."""
    return {name: row[name] for name in (*_MOMENT, "plan", "number", "title")}
