"""Something that has happened, before it is recorded. Pure."""

from dataclasses import dataclass
from datetime import datetime

from app.core.auth import SERVICE, Actor
from app.events.stub import Stub
from app.events.types.data import EventData


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a business instant, not yet recorded."""

    at: datetime
    data: EventData
    actor: Actor = SERVICE
    ticket: Stub | None = None
    """its ticket right after it; None: it is an event of no ticket"""
