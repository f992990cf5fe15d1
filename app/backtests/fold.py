"""A ticket's recorded changes, folded through the live clock under the terms that are tried. Pure.

What people did is held fixed. What the clock does by itself happens anew: misses, raises, tiers, automatic closes. An
escalation that the service opens in the trial alone was seen by nobody: it counts as acknowledged at once, so that its
silence has no effect.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

from app.backtests.plans import LeftOut, Plans, Promised
from app.sla.clock.changes import Answer, Apply, Change, Priority
from app.sla.clock.clock import begun
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import Terms
from app.sla.history import History, Told, history_of, pins_in
from app.sla.pins import Pins

Key: TypeAlias = tuple[str, str, int]
"""Metric, subject and cycle of a deadline."""

MAX_CYCLES: Final = 5_000
"""Deadlines of one ticket. A plan that owes an update each second would make millions."""
_AT_ONCE: Final = 200
"""Firings between two counts of the cycles."""
_MOVING: Final = frozenset({"raise_priority", "next_tier"})
"""The effects of a miss that change the clock."""


def tried_on(ticket_id: str, events: list[Told], plans: Plans, escalations: Iterable[str]) -> tuple[History, "Course"]:
    """The recorded history of a ticket, and the course that it begins under the terms that are tried.

    ``escalations``: the subjects that were waited for in fact. Raises ``LeftOut``, and what ``history_of`` raises.
    """
    promises = {pins: plans.tried(pins) for pins in pins_in(events)}
    history = history_of(ticket_id, events, {pins: promise.terms for pins, promise in promises.items()})
    opened = promises[history.opened_under]
    course = Course(opened.terms, history.opened_at, plans.trial.names(opened.document, history.priority))
    course.answered = _answers(history.changes, escalations)
    for change in _held(history.changes, promises, history.opened_under, plans):
        course.change(change)
    return history, course


def _answers(changes: Iterable[Change], escalations: Iterable[str]) -> dict[str, datetime | None]:
    """When each escalation that was waited for was answered; None: never."""
    last: dict[str, datetime] = {c.subject: c.at for c in changes if isinstance(c, Answer)}
    return {subject: last.get(subject) for subject in escalations}


def _held(
    changes: Iterable[Change], promises: Mapping[Pins, Promised], opened_under: Pins, plans: Plans
) -> Iterator[Change]:
    """What people did, in the words of the terms that are tried.

    A version that was applied changes nothing where one document holds from the opening on, unless the ticket got
    another zone, other holidays or add-ons by it.
    """
    trial, by_terms = plans.trial, {id(promise.terms): promise for promise in promises.values()}
    present = promises[opened_under]
    for change in changes:
        if isinstance(change, Apply):
            applied = by_terms[id(change.terms)]
            if trial.document is not None and applied is present:
                continue
            named = {old: trial.names(applied.document, new) for old, new in change.mapping.items()}
            present = applied
            yield replace(change, mapping={**trial.priorities, **named})
        elif isinstance(change, Priority):
            yield replace(change, priority=trial.names(present.document, change.priority))
        else:
            yield change


@dataclass
class Course:
    """What becomes of a ticket: the deadlines that have ended, and the clock with those that are live."""

    terms: Terms
    opened_at: datetime
    priority: str
    answered: dict[str, datetime | None] = field(default_factory=dict)
    """when the escalations that were waited for in fact were answered"""

    def __post_init__(self) -> None:
        self._ended: dict[Key, Deadline] = {}
        self._clock = begun(self.terms, self.opened_at, self.priority)

    @property
    def deadlines(self) -> dict[Key, Deadline]:
        """All of them, as they are by now."""
        return self._ended | {key_of(deadline): deadline for deadline in self._clock.deadlines}

    def change(self, change: Change) -> None:
        """Catch up to the instant of a change, then apply it."""
        self.reach(change.at)
        if isinstance(change, Apply) and (lost := self._priorities() - {*change.terms.priorities, *change.mapping}):
            raise LeftOut("priority", f"The plan has no priority {', '.join(sorted(lost))}")
        self._clock.take(change)
        self._keep_ended()

    def reach(self, now: datetime) -> None:
        """Let everything happen that is due by ``now``, as a sweep does."""
        while self._clock.is_due(now):
            careful = _MOVING.intersection(self._clock.terms.on_miss.get("escalation_ack", ()))
            self._clock.catch_up(now, 1 if careful else _AT_ONCE)
            self._keep_ended()
            if careful:
                self._acknowledge()

    def _acknowledge(self) -> None:
        """Answer what the service asked for in this course alone."""
        clock = self._clock
        for deadline in list(clock.deadlines):
            if deadline.metric == "escalation_ack" and deadline.is_open and not self._is_awaited(deadline):
                answer = Answer(clock.last_at, deadline.metric, deadline.subject, cancel="unseen")
                clock.catch_up(answer.at)
                clock.take(answer)
                self._keep_ended()

    def _is_awaited(self, deadline: Deadline) -> bool:
        if deadline.subject not in self.answered:
            return False
        answered_at = self.answered[deadline.subject]
        return answered_at is None or answered_at >= deadline.started_at

    def _priorities(self) -> frozenset[str]:
        return self._clock.step().clock.priorities

    def _keep_ended(self) -> None:
        """Keep what has ended; the clock goes on with the live deadlines alone, like a stored one."""
        clock = self._clock
        clock.events.clear()
        if not all(deadline.live for deadline in clock.deadlines):
            self._ended |= {key_of(deadline): deadline for deadline in clock.deadlines if not deadline.live}
            clock.deadlines = [deadline for deadline in clock.deadlines if deadline.live]
        if len(self._ended) + len(clock.deadlines) > MAX_CYCLES:
            raise LeftOut("cycles", f"more than {MAX_CYCLES} cycles of its deadlines")


def key_of(deadline: Deadline) -> Key:
    """By which a cycle is known, whatever its outcome."""
    return deadline.metric, deadline.subject, deadline.cycle
