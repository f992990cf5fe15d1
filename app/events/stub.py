"""The stub of its ticket that every event carries: what a sentence about the event needs, as it was then. Pure."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from app.events.types import (
    EventData,
    PlanApplied,
    TicketMerged,
    TicketPriorityChanged,
    TicketReopened,
    TicketStatusChanged,
    TicketUpdated,
    TicketWithdrawn,
)

Stub: TypeAlias = Mapping[str, str | None]
"""``{number, title, priority, status, external_ref}``. Events between which nothing of it changes share one."""


STUB: Final = ("number", "title", "priority", "status", "external_ref")


def stub_of(ticket: object) -> Stub:
    """The stub of a ticket as it is: of its columns, those in ``STUB``."""
    return {name: getattr(ticket, name) for name in STUB}


def after(stub: Stub, ticket_id: str, data: EventData) -> Stub:
    """The stub of the ticket with this id once this has happened to it.

    It follows from the event alone: the ticket in memory may be ahead of it, by all that one transaction changes.
    """
    return {**stub, **_changed(stub, ticket_id, data)} if type(data) in _CHANGING else stub


_CHANGING: Final = frozenset(
    {
        PlanApplied,
        TicketMerged,
        TicketPriorityChanged,
        TicketReopened,
        TicketStatusChanged,
        TicketUpdated,
        TicketWithdrawn,
    }
)


def _changed(stub: Stub, ticket_id: str, data: EventData) -> Mapping[str, Any]:
    match data:
        case TicketPriorityChanged():
            return {"priority": data.after}
        case TicketStatusChanged() | TicketReopened():
            return {"status": data.after}
        case TicketUpdated():
            return {name: value for name, value in data.fields.items() if name in stub}
        case PlanApplied():
            priority = stub["priority"] or ""
            return {"priority": data.priorities.get(priority, priority)}
        case TicketMerged() if data.merged != ticket_id:
            return {}
        case _:
            return {"status": "closed"}
