"""A deadline of a ticket, explained from what is stored: read without a lock, and nothing is written (C19)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal, for_customers
from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.problems import NotFound
from app.core.text.language import choose_language
from app.core.zones import load_zone
from app.events.log import event_row
from app.events.types import INTERNAL_METRICS
from app.plans.document.naming import names_of
from app.sla.clock.deadline import Deadline
from app.sla.compiled import promise_of
from app.sla.deadlines import deadline_row, load_deadline
from app.sla.explain.document import explanation
from app.sla.explain.segments import Move, explain
from app.sla.explain.texts import Reader
from app.sla.pins import Pins, pins_from
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import peek, pins_of
from app.tickets.read.views import deadline_view

_DEADLINE: Final = "SELECT to_jsonb(d) FROM deadlines AS d WHERE d.account_id = $1 AND d.ticket_id = $2 AND d.id = $3"
# What happened to the deadline, which plans were applied, and when and by whom something else was done at the instants
# ($4, and those of the deadline) at which it moved. A ticket may have any number of other events.
_EVENTS: Final = """
WITH own AS MATERIALIZED (
    SELECT e.timestamp FROM events AS e
    WHERE e.account_id = $1 AND e.ticket_id = $2 AND e.data ->> 'deadline_id' = $3
)
SELECT e.sequence, e.type, e.timestamp, e.actor, e.audience,
       CASE WHEN e.type = 'plan.applied' OR starts_with(e.type, 'deadline.') THEN e.data END AS data
FROM events AS e
WHERE e.account_id = $1 AND e.ticket_id = $2
  AND (e.data ->> 'deadline_id' = $3 OR e.type = 'plan.applied' OR NOT starts_with(e.type, 'deadline.')
       AND (e.timestamp = ANY ($4::timestamptz[]) OR e.timestamp IN (SELECT timestamp FROM own)))
ORDER BY e.sequence
"""
_MOVES: Final[Mapping[str, str]] = {
    "deadline.started": "started",
    "deadline.moved": "moved",
    "deadline.paused": "paused",
    "deadline.resumed": "resumed",
}


async def explain_deadline(
    session: AsyncSession, principal: Principal, ticket_id: str, deadline_id: str, wanted: str
) -> dict[str, Any]:
    """The deadline as it is by now, and why, as far as this caller sees it. 404 when it sees no such deadline.

    It is told in the language that is ``wanted`` (as in ``Accept-Language``), else in the requester's or the account's.
    """
    edit = await peek(session, principal, ticket_id)
    deadline = await _deadline(session, edit, deadline_id)
    if deadline is None or (deadline.metric in INTERNAL_METRICS and not principal.is_support):
        raise NotFound
    events = await _events(session, edit, deadline_id)
    pins = _pins(edit, deadline, events)
    promise = await promise_of(session, pins)
    seen = [event for event in events if event["audience"] in principal.audiences]
    if not principal.is_support:
        seen = [{**event, "actor": for_customers(event["actor"])} for event in seen]
    row = deadline_row(edit.ticket.account_id, ticket_id, deadline)
    language = choose_language(wanted, edit.ticket.requester.get("locale"), edit.locale)
    return {
        "as_of": edit.now,
        "deadline": deadline_view(row, sandbox=edit.ticket.sandbox),
        "explanation": explanation(
            explain(deadline, promise.terms, edit.now),
            _moves(seen),
            {"key": pins.plan_key, "version": pins.plan_version},
            names_of(promise.document),
            Reader(load_zone(pins.time_zone), language),
        ),
    }


async def _deadline(session: AsyncSession, edit: TicketEdit, deadline_id: str) -> Deadline | None:
    """The ticket's deadline with this id: of the clock that has caught up, or one that ended earlier."""
    for deadline in (*edit.clock.deadlines, *edit.ended):
        if deadline.id == deadline_id:
            return deadline
    key = (edit.ticket.account_id, edit.ticket.id, deadline_id)
    row = await (await driver(session)).fetchval(_DEADLINE, *key)
    return load_deadline(row) if row else None


async def _events(session: AsyncSession, edit: TicketEdit, deadline_id: str) -> list[Row]:
    """What is recorded of the deadline, and then what catching up has just told of it."""
    ticket = edit.ticket
    key: dict[str, Any] = {"account_id": ticket.account_id, "ticket_id": ticket.id, "sandbox": ticket.sandbox}
    told = [event_row(event, sequence=place, **key) for place, event in enumerate(edit.events, ticket.sequence + 1)]
    instants = list({row["timestamp"] for row in told})
    stored = await (await driver(session)).fetch(_EVENTS, ticket.account_id, ticket.id, deadline_id, instants)
    return [*map(dict, stored), *(row for row in told if row["data"].get("deadline_id", deadline_id) == deadline_id)]


def _pins(edit: TicketEdit, deadline: Deadline, events: Sequence[Row]) -> Pins:
    """What was in force when it was missed or ended, else what is (C14)."""
    end = _end(deadline, events)
    if end is None:
        return pins_of(edit.ticket)
    applied = (event for event in events if event["type"] == "plan.applied")
    later = (event["data"]["from"] for event in applied if event["sequence"] > end)
    return next(map(pins_from, later), pins_of(edit.ticket))


def _end(deadline: Deadline, events: Sequence[Row]) -> int | None:
    """The sequence of the event that missed it or ended it; of the plan's, where an applied plan cancelled it."""
    if deadline.is_open and deadline.missed_at is None:
        return None
    kind = "deadline.missed" if deadline.missed_at else f"deadline.{deadline.state}"
    end: int = [event["sequence"] for event in events if event["type"] == kind][-1]
    plans = [
        event["sequence"]
        for event in events
        if event["type"] == "plan.applied" and event["timestamp"] == deadline.ended_at
    ]
    return min(end, plans[0] - 1) if deadline.reason == "plan" and plans else end


def _moves(events: Sequence[Row]) -> list[Move]:
    """What set and moved the deadline, each with who caused it: the actor of what happened just before it."""
    moves: list[Move] = []
    cause: Row | None = None
    for event in events:
        kind = _MOVES.get(event["type"])
        if kind:
            caused = cause is not None and cause["timestamp"] == event["timestamp"]
            moves.append(_move(kind, event, cause["actor"] if cause and caused else event["actor"]))
        elif not event["type"].startswith("deadline."):
            cause = event
    return moves


def _move(kind: str, event: Row, actor: Mapping[str, str]) -> Move:
    data = event["data"]
    if kind == "started":
        return Move(kind, event["timestamp"], None, _instant(data["due_at"]), None, actor)
    return Move(kind, event["timestamp"], _instant(data["from"]), _instant(data["to"]), data["reason"], actor)


def _instant(value: str | datetime | None) -> datetime | None:
    """An instant of an event's data: text where it was stored."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
