"""From a ticket's recorded events back to what its clock was given (C18). Pure.

What the clock derives (misses and their effects, the automatic close) has the actor ``service`` and is not read: it
happens again when the changes are folded. A status that merely followed from a message is read, and is nothing by then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.sla.clock.changes import Answer, Apply, Ask, Change, Close, Message, Priority, Reopen, Status, Tier
from app.sla.clock.terms import Terms
from app.sla.pins import Pins, pins_from

Told = Mapping[str, Any]
"""An event's row as a JSON object: at least ``type``, ``timestamp``, ``actor`` and ``data``."""


@dataclass(frozen=True, slots=True)
class History:
    """How a ticket was opened, what it keeps to now, and what its clock was given in between, in order."""

    opened_at: datetime
    priority: str
    opened_under: Pins
    pins: Pins
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Event:
    at: datetime
    by: str
    data: Mapping[str, Any]
    ticket_id: str
    terms: Mapping[Pins, Terms]
    unconfirmed: frozenset[str] = frozenset()
    """the ids of messages of which the clock was not told, since nobody vouches for their senders"""


def _status(event: _Event) -> Change:
    after = event.data["to"]
    if after == "closed":
        return Close(event.at, event.data["reason"])
    return Status(event.at, after, event.by)


def _message(event: _Event) -> Change | None:
    """Nothing, where ``message.unconfirmed`` says so; earlier versions did not, and told the clock."""
    is_public = event.data["visibility"] == "public"
    is_left = event.data.get("message_id") in event.unconfirmed
    return None if is_left else Message(event.at, event.data["author"]["kind"], is_public)


def _merged(event: _Event) -> Change | None:
    return Close(event.at, "merged") if event.data["merged"] == event.ticket_id else None


def _ready(event: _Event) -> Change:
    """Where the event says ``join_from``, by which ``remind_at`` once went, nobody was reminded."""
    within = datetime.fromisoformat(event.data["join_by"]) - event.at
    remind_at = event.data.get("remind_at")
    remind = datetime.fromisoformat(remind_at) - event.at if remind_at else None
    return Ask(event.at, "call_join", event.data["call_id"], within, remind)


def _joined(event: _Event) -> Change | None:
    return _answered(event) if event.data["participant"] == "customer" else None


def _answered(event: _Event) -> Change:
    return Answer(event.at, "call_join", event.data["call_id"], "customer")


def _alerted(event: _Event) -> Change:
    within = datetime.fromisoformat(event.data["accept_by"]) - event.at
    return Ask(event.at, "alert_ack", event.data["alert_id"], within)


def _expert(event: _Event) -> Change:
    return Answer(event.at, "alert_ack", event.data["alert_id"], event.by)


def _applied(event: _Event) -> Change:
    return Apply(event.at, event.terms[pins_from(event.data["to"])], event.data["priorities"])


_CHANGES: Final[Mapping[str, Callable[[_Event], Change | None]]] = {
    "message.posted": _message,
    "message.unconfirmed": lambda _e: None,
    "ticket.status_changed": _status,
    "ticket.reopened": lambda e: Reopen(e.at),
    "ticket.withdrawn": lambda e: Close(e.at, "withdrawn"),
    "ticket.merged": _merged,
    "ticket.priority_changed": lambda e: Priority(e.at, e.data["to"], e.by),
    "ticket.tier_changed": lambda e: Tier(e.at, e.data["to"], e.by),
    "escalation.requested": lambda e: Ask(e.at, "escalation_ack", e.data["subject"]),
    "escalation.withdrawn": lambda e: Answer(e.at, "escalation_ack", e.data["subject"], cancel="withdrawn"),
    "escalation.acknowledged": lambda e: Answer(e.at, "escalation_ack", e.data["subject"], e.by),
    "call.ready": _ready,
    "call.joined": _joined,
    "call.declined": _answered,
    "call.ended": lambda e: Answer(e.at, "call_join", e.data["call_id"], cancel="call_ended"),
    "expert.alerted": _alerted,
    "expert.accepted": _expert,
    "expert.declined": _expert,
    "expert.cancelled": lambda e: Answer(e.at, "alert_ack", e.data["alert_id"], cancel=e.data["reason"]),
    "plan.applied": _applied,
}
TOLD_BY_SERVICE: Final = frozenset(
    {
        "call.ready",
        "call.joined",
        "call.ended",
        "expert.alerted",
        "expert.cancelled",
        "message.unconfirmed",
        "plan.applied",
    }
)
"""What the service itself does to a clock, and the clock does not derive."""

INPUTS: Final = frozenset(_CHANGES) | {"ticket.opened"}
"""The types of the events that a history is read from."""


def pins_in(events: Sequence[Told]) -> list[Pins]:
    """All that the ticket has been bound to, the last one last: the opening's pins, then each applied plan's."""
    keys = {"ticket.opened": "plan", "plan.applied": "to"}
    return [pins_from(event["data"][keys[event["type"]]]) for event in events if event["type"] in keys]


def history_of(ticket_id: str, events: Sequence[Told], terms: Mapping[Pins, Terms]) -> History:
    """The history of a ticket from its events by sequence; ``terms`` has all that ``pins_in`` names.

    Raises ``ValueError``, ``KeyError`` or ``TypeError`` when the events are not what the service records.
    """
    opening, *rest = events
    if opening["type"] != "ticket.opened":
        raise ValueError(f"the history begins with {opening['type']}")
    pins = pins_in(events)
    unconfirmed = frozenset(e["data"]["message_id"] for e in rest if e["type"] == "message.unconfirmed")
    changes = (_change(ticket_id, event, terms, unconfirmed) for event in rest)
    return History(
        datetime.fromisoformat(opening["timestamp"]),
        opening["data"]["priority"],
        pins[0],
        pins[-1],
        tuple(change for change in changes if change),
    )


def _change(ticket_id: str, event: Told, terms: Mapping[Pins, Terms], unconfirmed: frozenset[str]) -> Change | None:
    """What an event gave to the clock; None where it gave nothing."""
    kind, by = event["type"], event["actor"]["kind"]
    if kind not in _CHANGES or (by == "service" and kind not in TOLD_BY_SERVICE):
        return None
    at = datetime.fromisoformat(event["timestamp"])
    return _CHANGES[kind](_Event(at, by, event["data"], ticket_id, terms, unconfirmed))
