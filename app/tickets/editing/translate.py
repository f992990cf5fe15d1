"""What an event of the clock is to the ticket: its columns, and the event that is told. Pure."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from app.core.auth import SERVICE
from app.core.text.phrases import moment
from app.core.zones import load_zone
from app.events import types
from app.events.sentences import escalated_to
from app.sla.clock.changes import ClockEvent
from app.sla.clock.deadline import Deadline
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.service_messages import language_of, write
from app.tickets.texts import (
    CALL_REMINDER,
    ESCALATED,
    NEXT_TIER,
    WAITED_ENOUGH,
    WAITING,
    WAITING_UNTIL,
)

_MILLISECOND: Final = timedelta(milliseconds=1)


def translated(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    """The event that tells what the clock did; the ticket's own columns follow it."""
    return _TRANSLATIONS[event.kind](edit, event)


def _facts(edit: TicketEdit, deadline: Deadline) -> dict[str, Any]:
    return {
        "deadline_id": edit.id_of(deadline),
        "metric": deadline.metric,
        "cycle": deadline.cycle,
        "priority": deadline.priority,
        "subject": deadline.subject or None,
        "due_at": deadline.due_at,
    }


def _of(event: ClockEvent) -> Deadline:
    if event.deadline is None:
        raise ValueError(event)
    return event.deadline


def _started(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    deadline = _of(event)
    return types.DeadlineStarted(**_facts(edit, deadline), state=deadline.state, started_at=deadline.started_at)


def _shifted(model: Callable[..., types.EventData]) -> Callable[[TicketEdit, ClockEvent], types.EventData]:
    return lambda edit, event: model(
        **_facts(edit, _of(event)), before=event.before, after=event.after, reason=event.reason
    )


def _missed(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    deadline = _of(event)
    if deadline.metric == "call_join" and deadline.due_at:
        key = {"account_id": edit.ticket.account_id, "id": deadline.subject}
        edit.no_shows.append({**key, "state": "no_show"})
        edit.tell(types.CallNoShow(call_id=deadline.subject, join_by=deadline.due_at), SERVICE, event.at)
    lag = None if edit.ticket.sandbox else (edit.now - event.at) / _MILLISECOND
    facts = _facts(edit, deadline) | {"unconfirmed": edit.ticket.unconfirmed}
    return types.DeadlineMissed(**facts, noticed_at=edit.now, lag_ms=lag)


def _reminded(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    deadline = _of(event)
    if deadline.due_at is None:
        raise ValueError(event)
    write(edit, CALL_REMINDER, event.at)
    return types.CallReminded(call_id=deadline.subject, join_by=deadline.due_at)


def _status(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    ticket, after = edit.ticket, event.after
    if after != "closed":  # closing keeps the instant of the resolution
        ticket.resolved_at = event.at if after == "resolved" else None
    ticket.closed_at = event.at if after == "closed" else None
    ticket.closed_reason = event.reason if after == "closed" else None
    if after in ("resolved", "closed"):
        ticket.turns, edit.relieved = 0, ticket.assignee_id if event.before != "resolved" else edit.relieved
        edit.close_escalations, ticket.escalated = ticket.escalated, False
    if after == "resolved" and event.by == "service":
        edit.ends_call = True
        write(edit, WAITED_ENOUGH, event.at)
    if event.reason == "withdrawn":
        return types.TicketWithdrawn(reason=edit.reason)
    if event.reason == "merged" and ticket.merged_into:
        return types.TicketMerged(merged=ticket.id, into=ticket.merged_into)
    told = {"before": event.before, "after": after, "reason": event.reason or None}
    if event.reason == "reopened":
        return types.TicketReopened(**told, **of_a_p1(edit, ticket.priority))
    return types.TicketStatusChanged(**told)


def of_a_p1(edit: TicketEdit, priority: str) -> dict[str, Any]:
    """Who is told of a ticket that is at the top priority (W1)."""
    return edit.notifying("tam") if priority == edit.document.top else {}


def _priority(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    if event.by == "service":
        edit.ticket.priority_source = "automatic"
    return types.TicketPriorityChanged(
        before=event.before,
        after=event.after,
        reason=edit.reason or event.reason,
        source=edit.ticket.priority_source,
        **of_a_p1(edit, event.after),
    )


def _waits(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    language, resolve_at = language_of(edit), event.after
    on = moment(resolve_at, load_zone(edit.ticket.time_zone), language) if resolve_at else None
    write(edit, WAITING_UNTIL.given(on=on) if on else WAITING, event.at)
    return types.TicketCustomerReminded(number=event.before, resolve_at=resolve_at)


def _managed(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    deadline = _of(event)
    told = edit.notifying("manager")
    write(edit, ESCALATED[escalated_to(told)], event.at)
    return types.EscalationAutomatic(
        escalation_id=None,
        reason="resolution_time",
        metric=deadline.metric,
        cycle=deadline.cycle,
        priority=deadline.priority,
        **told,
    )


def _tier(edit: TicketEdit, event: ClockEvent) -> types.EventData:
    edit.climbed, edit.descended = event.after > event.before, event.after < event.before
    if edit.climbed:
        write(edit, NEXT_TIER, event.at, tier=event.after)
    return types.TicketTierChanged(before=event.before, after=event.after, reason=event.reason or None)


_TRANSLATIONS: Final[dict[str, Callable[[TicketEdit, ClockEvent], types.EventData]]] = {
    "deadline.started": _started,
    "deadline.moved": _shifted(types.DeadlineMoved),
    "deadline.paused": _shifted(types.DeadlinePaused),
    "deadline.resumed": _shifted(types.DeadlineResumed),
    "deadline.warning": lambda edit, n: types.DeadlineWarning(**_facts(edit, _of(n)), share=n.after),
    "reminder": _reminded,
    "managed": _managed,
    "waiting_reminder": _waits,
    "deadline.missed": _missed,
    "deadline.met": lambda edit, n: types.DeadlineMet(**_facts(edit, _of(n)), stopped_by=n.by),
    "deadline.met_late": lambda edit, n: types.DeadlineMetLate(**_facts(edit, _of(n)), stopped_by=n.by),
    "deadline.cancelled": lambda edit, n: types.DeadlineCancelled(**_facts(edit, _of(n)), reason=n.reason),
    "status": _status,
    "priority": _priority,
    "tier": _tier,
}
