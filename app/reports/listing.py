"""The promises behind a figure, page by page, the newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.web.kit.paging import Page
from app.reports.asked import Asked
from app.reports.selecting import Values, engineer_of, of_facts

_SHOWN: Final = (
    *("ticket_id", "account_id", "metric", "cycle", "priority", "plan_version", "product", "tier", "channel"),
    *("outcome", "misses", "started_at", "due_at", "settled_at"),
)


async def promises(session: AsyncSession, asked: Asked, outcomes: Sequence[str], page: Page) -> list[Row]:
    """A page, and one promise more."""
    values = Values()
    wanted = of_facts(asked, values)
    if outcomes:
        wanted.append(f"f.outcome = ANY ({values.add(list(outcomes))}::text[])")
    if behind := page.place(datetime, str):
        wanted.append(f"(f.started_at, f.id) < ({values.add(behind[0])}, {values.add(behind[1])})")
    shown = ", ".join(f"f.{name}" for name in _SHOWN)
    statement = f"""
    SELECT {shown}, f.id, f.plan_key AS plan, t.number, t.title
    FROM (
        SELECT f.* FROM report_facts AS f {engineer_of(asked)} WHERE {" AND ".join(wanted)}
        ORDER BY f.started_at DESC, f.id DESC LIMIT {values.add(page.limit + 1)}
    ) AS f JOIN tickets AS t ON t.account_id = f.account_id AND t.id = f.ticket_id
    ORDER BY f.started_at DESC, f.id DESC
    """  # noqa: S608  expressions of ours
    return list(await (await driver(session)).fetch(statement, *values.all))


def place(row: Row) -> tuple[datetime, str]:
    """Where a promise is in the list."""
    return row["started_at"], row["id"]


def document(row: Row) -> dict[str, Any]:
    """A promise as it is shown."""
    return {name: row[name] for name in (*_SHOWN, "plan", "number", "title")}
