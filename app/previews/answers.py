"""A preview, from a checked request to its answer. It reads nothing and writes nothing."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final

from app.calendars.hours import BeyondCalendar
from app.core.problems import Fault, Invalid, message_of
from app.core.text.language import Language
from app.core.text.messages import Message, _
from app.core.zones import load_zone
from app.previews.fold import Preview, PreviewPlan, TooManyCycles
from app.previews.rules import as_change, refusal
from app.previews.schemas import PreviewRequest
from app.sla.clock.deadline import Deadline
from app.sla.explain.document import explanation, iso
from app.sla.explain.segments import MAX_WINDOWS, Move, explain
from app.sla.explain.texts import Reader

_ALL_WINDOWS: Final = 10_000
"""Open windows that an answer tells one by one, of all of its deadlines."""


def previewed(
    command: PreviewRequest, plan: PreviewPlan, hidden: AbstractSet[str], language: Language
) -> dict[str, Any]:
    """The answer: every deadline that the ticket would have, less the ``hidden`` metrics. Raises ``Invalid``."""
    until = _until(command)
    preview = _played(command, plan, until)
    clock = preview.clock
    shown = [each for each in preview.deadlines() if each[0].metric not in hidden]
    room = min(MAX_WINDOWS, _ALL_WINDOWS // max(len(shown), 1))
    used = {"key": plan.key, "version": plan.version}
    reader = Reader(load_zone(command.time_zone), language)

    def view(deadline: Deadline, moves: list[Move]) -> dict[str, Any]:
        explained = explain(deadline, plan.terms, until, room=room)
        return {
            "metric": deadline.metric,
            "cycle": deadline.cycle,
            "priority": deadline.priority,
            "state": deadline.state,
            "subject": deadline.subject or None,
            "started_at": deadline.started_at,
            "due_at": deadline.due_at,
            "missed_at": deadline.missed_at,
            "stopped_at": deadline.ended_at,
            "stopped_by": deadline.stopped_by,
            "reason": deadline.reason,
            "remaining": iso(explained.deciding.remaining) if deadline.is_open else None,
            "explanation": explanation(explained, moves, used, plan.names, reader),
        }

    try:
        deadlines = [view(*each) for each in shown]
    except BeyondCalendar as error:
        raise Invalid(errors=[Fault(pointer="/until", detail=message_of(error))]) from error
    facts = {"status": clock.status, "priority": clock.priority, "tier": clock.tier}
    return {"as_of": until, "plan": used, **facts, "deadlines": deadlines}


def _until(command: PreviewRequest) -> datetime:
    """The instant of the answer, once all instants are found to be in order."""
    last = command.opened_at
    for place, change in enumerate(command.changes):
        if change.at < last:
            detail = _("A change cannot be before the one that it follows, or before the opening")
            raise Invalid(errors=[Fault(pointer=f"/changes/{place}/at", detail=detail)])
        last = change.at
    if command.until is not None and command.until < last:
        raise Invalid(errors=[Fault(pointer="/until", detail=_("This is before the last change"))])
    return command.until or last


def _played(command: PreviewRequest, plan: PreviewPlan, until: datetime) -> Preview:
    """The ticket's clock after all changes, caught up to ``until``."""
    if command.priority not in plan.terms.priorities:
        detail = _(
            "The plan {key} has the priorities {priorities}",
            key=plan.names.plan,
            priorities=list(plan.terms.priorities),
        )
        raise Invalid(errors=[Fault(pointer="/priority", detail=detail)])
    place = "/opened_at"
    try:
        preview = Preview(plan.terms, command.opened_at, command.priority)
        for number, change in enumerate(command.changes):
            place = f"/changes/{number}/at"
            preview.reach(change.at)
            if refused := refusal(preview.clock, change):
                raise Invalid(errors=[_at(f"/changes/{number}", *refused)])
            preview.change(*as_change(change))
        place = "/until"
        preview.reach(until)
    except (BeyondCalendar, TooManyCycles) as error:
        raise Invalid(errors=[Fault(pointer=place, detail=message_of(error))]) from error
    return preview


def _at(change: str, member: str, detail: Message) -> Fault:
    return Fault(pointer=f"{change}/{member}" if member else change, detail=detail)
