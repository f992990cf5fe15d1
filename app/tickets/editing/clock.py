"""The clock of a ticket under change: moved on, and what it makes of that taken over. Pure."""

from datetime import datetime

from app.core.auth import SERVICE, Actor
from app.escalations.automatic import by_service
from app.events import types
from app.sla import deadlines as stored
from app.sla.clock.changes import Change, ClockEvent
from app.sla.clock.clock import Step, advance
from app.sla.clock.clock import catch_up as catch_up_clock
from app.sla.clock.cycles import changed_clock
from app.sla.clock.deadline import Deadline
from app.tickets.editing import review
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.translate import translated


def change_clock(edit: TicketEdit, change: Change, actor: Actor) -> None:
    """Apply one change by ``actor``, at ``change.at``, and take over what the clock made of it."""
    take_step(edit, advance(edit.clock, change), actor)


def catch_up(edit: TicketEdit, most: int | None = None) -> None:
    """Let everything happen that is due by now (C09), or only the first ``most`` firings of it."""
    take_step(edit, catch_up_clock(edit.clock, edit.now, most), SERVICE)


def take_step(edit: TicketEdit, step: Step, actor: Actor) -> None:
    """Take over a step of the clock: the ticket's own columns, and an event for each of the clock's."""
    edit.clock = stored.identified(step.clock, edit.now)
    ticket = edit.ticket
    ticket.status, ticket.priority, ticket.tier = edit.clock.status, edit.clock.priority, edit.clock.tier
    effects: list[ClockEvent] = []
    for event in step.events:
        if event.kind == "effect":
            effects.append(event)
            continue
        _tell_effects(edit, effects)
        by = SERVICE if event.by == "service" else actor
        edit.tell(translated(edit, event), SERVICE if event.deadline else by, event.at)
        if event.kind == "priority" and event.by == "service":
            review.request_if_due(edit, event.at)
    _tell_effects(edit, effects)
    _set_aside(edit)


def _set_aside(edit: TicketEdit) -> None:
    ended = [deadline for deadline in edit.clock.deadlines if not deadline.live]
    if not ended:
        return
    edit.ended += ended
    live = tuple(deadline for deadline in edit.clock.deadlines if deadline.live)
    edit.clock = changed_clock(edit.clock, deadlines=live)


def _tell_effects(edit: TicketEdit, effects: list[ClockEvent]) -> None:
    """Tell the effects of one instant as one automatic escalation."""
    causes = {event.reason: event.deadline for event in effects}
    reasons = set(causes)
    cause = causes.get("open_escalation") or next(iter(causes.values()), None)
    if cause and reasons - {"reassign"}:
        _escalate(edit, effects[0].at, cause, reasons)
    edit.reassign = edit.reassign or "reassign" in reasons
    effects.clear()


def _escalate(edit: TicketEdit, at: datetime, cause: Deadline, reasons: set[str]) -> None:
    opened = by_service(edit.ticket.account_id, edit.ticket.id, cause, at)
    roles = [role for role in ("manager", "tam") if f"notify_{role}" in reasons]
    data = types.EscalationAutomatic(
        escalation_id=opened["id"] if "open_escalation" in reasons else None,
        reason=opened["reason"],
        metric=cause.metric,
        cycle=cause.cycle,
        priority=cause.priority,
        **edit.notifying(*roles),
    )
    sequence = edit.tell(data, SERVICE, at)
    if "open_escalation" in reasons:
        edit.escalations.append(opened | {"sequence": sequence})
        edit.ticket.escalated = True
