"""Reading notices, for support."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.tables import Row
from app.core.text.messages import from_stored
from app.core.web.kit.paging import Page
from app.events.models import EventRow
from app.notices.models import NoticeRow


async def notices_of(session: AsyncSession, account_id: str, ticket_id: str, page: Page) -> Sequence[Row]:
    """A page of the notices about a ticket, the oldest first, and one more."""
    keys = (NoticeRow.created_at, NoticeRow.id)
    of_event = and_(NoticeRow.account_id == EventRow.account_id, NoticeRow.event_id == EventRow.id)
    query = select(NoticeRow.__table__, EventRow.type.label("event_type")).join(EventRow, of_event)
    query = query.where(EventRow.account_id == account_id, EventRow.ticket_id == ticket_id)
    if place := page.place(datetime, str):
        query = query.where(tuple_(*keys) > place)
    found = await session.execute(query.order_by(*keys).limit(page.limit + 1))
    return [dict(row) for row in found.mappings()]


def notice_place(row: Row) -> tuple[Any, ...]:
    """Where a notice stands among those of its ticket."""
    return row["created_at"], row["id"]


def notice_view(row: Row) -> dict[str, Any]:
    """A notice as support sees it."""
    named = ("id", "event_type", "state", "sent_by", "attempts", "created_at", "finished_at")
    person = {name: row["recipient"].get(name) for name in ("role", "name", "email")}
    error = from_stored(row["error"], row["error_message"]) if row["error"] else None
    return {name: row[name] for name in named} | person | {"error": error}
