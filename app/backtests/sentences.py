"""Why a promise would have been missed or kept, as a sentence for a person. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from app.backtests.plans import Promised
from app.core.text.language import Language
from app.core.text.messages import Message, _, pgettext
from app.core.text.phrases import business_days, exact_length, moment
from app.plans.document.naming import names_of
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import Target
from app.sla.reasons import differences

Cause: TypeAlias = Literal[
    "promised", "not_promised", "priority", "start", "target", "hours", "holidays", "time_zone", "pauses", "course"
]

_CAUSES: Final[Mapping[str, Message]] = {
    "priority": _("Priority: {after} instead of {before}"),
    "start": _("Another start, because an earlier deadline ended differently"),
    "target": _("Target: {after} instead of {before}"),
    "hours": _("Other working hours"),
    "holidays": _("Other holidays"),
    "time_zone": _("Another time zone"),
    "pauses": _("Other pauses"),
    "course": _("The ticket runs a different course"),
}
_DUE: Final = _("{cause}; due on {due} instead of {before}; {end}.")
_DUE_TOO: Final = _("{cause}; due on {due}; {end}.")
_UNTIMED: Final = _("{cause}; no due time instead of {before}; {end}.")
_PROMISED: Final = _("Promised by this plan alone; due on {due}; {end}.")
_NOT_PROMISED: Final = _("Not promised by this plan; the recorded due time: {before}.")
_DONE: Final = pgettext("backtest", "done on {at}")
_NOT_NEEDED: Final = pgettext("backtest", "not needed from {at} on")
_NOT_DONE: Final = pgettext("backtest", "not done by {at}")
_ORDER: Final[tuple[Cause, ...]] = ("target", "hours", "holidays", "time_zone", "pauses")


@dataclass(frozen=True, slots=True)
class Sides:
    """A promise as it was recorded and as it was tried, with the terms that the ticket ends under on either side."""

    metric: str
    before: Deadline | None
    after: Deadline | None
    recorded: Promised
    tried: Promised
    names: Mapping[str, str]
    """what has become of priorities that the tried plan does not know"""
    now: datetime


def cause_of(sides: Sides) -> Cause:
    """What makes the difference."""
    before, after = sides.before, sides.after
    if after is None or (after.state == "cancelled" and not _target(sides.tried, sides.metric, after)):
        return "not_promised"
    if before is None:
        return "promised"
    if sides.names.get(before.priority, before.priority) != after.priority:
        return "priority"
    if before.started_at != after.started_at:
        return "start"
    priority, terms = after.priority, (sides.recorded.terms, sides.tried.terms)
    found = differences(sides.metric, priority, *terms, {**{p: p for p in terms[1].priorities}, **sides.names})
    return next((cause for cause in _ORDER if cause in found), "course")


def _target(promised: Promised, metric: str, deadline: Deadline) -> Target | None:
    return promised.terms.target(metric, deadline.priority)


def sentence(sides: Sides, zone: ZoneInfo, language: Language) -> str:
    """Why, with the instants local to the ticket."""

    def local(at: datetime | None) -> str | None:
        return moment(at, zone, language) if at else None

    cause, before, after = cause_of(sides), sides.before, sides.after
    was_due = local(before.due_at) if before else None
    if after is None or cause == "not_promised":
        return _NOT_PROMISED.to(language, before=was_due or "-")
    due, end = local(after.due_at), _end(after, local(after.ended_at), local(sides.now))
    if cause == "promised":
        return _PROMISED.to(language, due=due or "-", end=end)
    form = _UNTIMED if due is None else _DUE if was_due else _DUE_TOO
    return form.to(language, cause=_cause(sides, cause, language), due=due, before=was_due, end=end)


def _end(deadline: Deadline, ended_at: str | None, now: str | None) -> Message:
    if ended_at is None or deadline.state == "missed":
        return _NOT_DONE.given(at=ended_at or now)
    return (_NOT_NEEDED if deadline.state == "cancelled" else _DONE).given(at=ended_at)


def _cause(sides: Sides, cause: Cause, language: Language) -> Message:
    before, after = sides.before, sides.after
    if before is None or after is None or cause not in ("priority", "target"):
        return _CAUSES[cause]
    if cause == "priority":
        old = names_of(sides.recorded.document).priority(before.priority)
        new = names_of(sides.tried.document).priority(after.priority)
        return _CAUSES[cause].given(before=old, after=new)
    lengths = [
        _length(_target(promised, sides.metric, one), language)
        for promised, one in ((sides.recorded, before), (sides.tried, after))
    ]
    if lengths[0] == lengths[1]:  # that of a less urgent priority decides
        return _CAUSES["course"]
    return _CAUSES[cause].given(before=lengths[0], after=lengths[1])


def _length(target: Target | None, language: Language) -> str:
    if target is None:
        return "-"
    if target.business_days:
        return business_days(target.business_days, language)
    return exact_length(target.duration, language) if target.duration else "-"
