"""Recording events: in the transaction that changes what they tell of."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.statements.bulk import Write, inserted
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.outgoing.via import write_via
from app.events.event import Event
from app.events.models import EventRow
from app.events.types import audience_of
from app.events.types.data import dump


def event_row(event: Event, *, account_id: str, ticket_id: str | None, sequence: int | None, sandbox: bool) -> Row:
    """The row of an event. Its id is made here: events sort by id in the order of these calls."""
    return {
        "account_id": account_id,
        "id": new_id("evt"),
        "ticket_id": ticket_id,
        "sequence": sequence,
        "type": event.data.type,
        "timestamp": event.at,
        "actor": event.actor.document(),
        "audience": audience_of(event.data),
        "sandbox": sandbox,
        "data": dump(event.data),
    }


def came_via(session: AsyncSession, via: Sequence[str]) -> None:
    """What this transaction records follows from a message that has come through these installations."""
    session.info["via"] = write_via(via) or None


def with_via(session: AsyncSession, rows: list[Row]) -> list[Row]:
    """The rows of events with what ``came_via`` said of their transaction."""
    via = session.info.get("via")
    return [{**row, "via": via} for row in rows] if via else rows


def recorded(rows: Sequence[Row]) -> Write:
    """The write of events. They are never changed afterwards."""
    return inserted(EventRow, rows)
