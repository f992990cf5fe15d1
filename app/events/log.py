"""Recording events: in the transaction that changes what they tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.auth import SERVICE, Actor
from app.core.db import Row, Write, inserted
from app.core.ids import new_id
from app.events.data import EventData, dump
from app.events.models import EventRow
from app.events.types import audience_of


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a business instant, not yet recorded."""

    at: datetime
    data: EventData
    actor: Actor = SERVICE


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


def recorded(rows: Sequence[Row]) -> Write:
    """The write of events. They are never changed afterwards."""
    return inserted(EventRow, rows)
