"""The SLA clock of one ticket as a fold (C07 to C18). Pure: ``advance(clock, change)`` and ``catch_up(clock, now)``.

Both give a new clock and the events that tell what happened. Nothing here knows of databases, people or wall clocks.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import repeat
from typing import Final, NamedTuple, TypeAlias

from app.sla.clock.changes import Ask, Change, ClockEvent, Close
from app.sla.clock.cycles import Clock, Step, order_of
from app.sla.clock.deadline import REMINDER, Deadline, changed
from app.sla.clock.terms import EFFECTS, METRIC_ORDER, Terms
from app.sla.clock.transitions import Transitions

__all__ = [
    "Clock",
    "Firing",
    "Fold",
    "Step",
    "advance",
    "begun",
    "catch_up",
    "fold",
    "miss_subject",
    "next_firing",
    "open_clock",
    "wake_at",
]

_TICK: Final = timedelta(microseconds=1)
_Action: TypeAlias = Callable[[datetime, datetime], None]
"""Does what was due at the first instant, and is noticed at the second."""


class Firing(NamedTuple):
    """The next thing that a clock does by itself; firings sort in the order in which they happen."""

    at: datetime
    past: bool
    """a miss, or an end without an answer, which happens once ``at`` is over; a warning happens at it (C06, C16)"""
    place: int
    """of its first metric in the metric order; what is of the ticket as a whole comes last"""

    @property
    def until(self) -> datetime:
        """The earliest ``now`` at which it has happened."""
        return self.at + _TICK if self.past else self.at


def open_clock(terms: Terms, at: datetime, priority: str) -> Step:
    """The clock of a ticket opened at ``at``: what starts then is started (metrics table, C08)."""
    return begun(terms, at, priority).step()


def begun(terms: Terms, at: datetime, priority: str) -> "Fold":
    """The same, for whoever folds all changes of a ticket at once, and does not freeze the clock after each."""
    fold = Fold(Clock(terms, "new", priority, 1, at, at, updates_from=at if terms.updates_from_opening else None))
    fold.start_missing(at, "opened")
    return fold


def catch_up(clock: Clock, now: datetime, most: int | None = None) -> Step:
    """Let everything happen that is due: warnings up to and at ``now``, misses strictly before it (C06, C09).

    With ``most``, only the first so many firings: going on from there gives the same in the end.
    """
    if (wake := wake_at(clock)) is None or wake > now:
        return Step(clock, ())
    fold = Fold(clock)
    fold.catch_up(now, most)
    return fold.step()


def advance(clock: Clock, change: Change) -> Step:
    """Catch up to the change's instant, then apply it (C18). ``change.at`` is never before ``clock.last_at``."""
    fold = Fold(clock)
    fold.catch_up(change.at)
    fold.take(change)
    return fold.step()


def next_firing(clock: Clock) -> Firing | None:
    """What the clock does next, if nobody does anything before."""
    running = [d for d in clock.deadlines if d.state == "running"]
    firings = [Firing(at, False, METRIC_ORDER[d.metric]) for d in running for at, _ in d.pending[:1]]
    firings += [Firing(d.due_at, True, METRIC_ORDER[d.metric]) for d in running if d.due_at]
    whole = ((clock.remind_at, False), (clock.resolve_at, True), (clock.close_at, True))
    firings += [Firing(at, past, len(METRIC_ORDER)) for at, past in whole if at]
    return min(firings, default=None)


def wake_at(clock: Clock) -> datetime | None:
    """The earliest next thing to do: a warning, a due instant, or the automatic close (C17)."""
    firing = next_firing(clock)
    return firing.at if firing else None


def fold(clock: Clock, changes: Iterable[Change]) -> Step:
    """Replay changes in order (C18)."""
    events: list[ClockEvent] = []
    for change in changes:
        step = advance(clock, change)
        clock = step.clock
        events += step.events
    return Step(clock, tuple(events))


class Fold(Transitions):
    """A clock in which what is due happens (C06, C15, C16)."""

    def take(self, change: Change) -> None:
        """Apply a change, to whose instant the clock has caught up."""
        self.last_at = max(self.last_at, change.at)
        self.apply(change)

    def is_due(self, now: datetime) -> bool:
        """Whether there is anything to be done by ``now``; most changes find nothing, so it is found out at once."""
        for one in self.deadlines:
            if one.state == "running" and (
                (one.due_at and one.due_at < now) or (one.pending and one.pending[0][0] <= now)
            ):
                return True
        return bool((self.close_at and self.close_at < now) or (self.wait and self._first(now)))

    def catch_up(self, now: datetime, most: int | None = None) -> None:
        """Do all that is due, or ``most`` of it, in order: by instant, warnings before misses before the ends."""
        for _ in repeat(None) if most is None else repeat(None, most):
            firing = self._first(now) if self.is_due(now) else None
            if firing is None:
                return
            at, action = firing
            action(at, now)

    def _first(self, now: datetime) -> tuple[datetime, _Action] | None:
        """What is to be done first of all that has come: warnings by ``now``, all else before it."""
        running = [d for d in self.deadlines if d.state == "running"]
        warning = min((d.pending[0][0] for d in running if d.pending), default=None)
        due = min((d.due_at for d in running if d.due_at), default=None)
        wait = self.wait
        soon = ((warning, self.warn), (wait.remind_at(self.terms) if wait else None, self.remind))
        past = (
            (due, self.miss),
            (wait.resolve_at(self.terms) if wait else None, self.give_up),
            (self.close_at, self.close_by_itself),
        )
        come = [(at, action) for at, action in soon if at and at <= now]
        come += [(at, action) for at, action in past if at and at < now]
        return min(come, key=lambda each: each[0], default=None)

    def remind(self, at: datetime, _: datetime) -> None:
        """Remind the customer that the ticket waits for it."""
        if self.wait:
            self.wait = replace(self.wait, reminded=self.wait.reminded + 1)
            self.tell("waiting_reminder", at, before=self.wait.reminded, after=self.wait.resolve_at(self.terms))

    def give_up(self, at: datetime, _: datetime) -> None:
        """Resolve a ticket whose customer did not answer; an answer opens it again."""
        self.last_at = max(self.last_at, at)
        self.set_status(at, "resolved", "service", reason="unanswered")

    def close_by_itself(self, at: datetime, _: datetime) -> None:
        """Close a resolved ticket that nobody has reopened."""
        self.last_at = max(self.last_at, at)
        self.apply(Close(at, "unanswered"))

    def warn(self, at: datetime, now: datetime) -> None:
        """Record the warnings and reminders of an instant; one that comes together with its miss is not sent (C16)."""
        for deadline in sorted(self.deadlines, key=order_of):
            if deadline.state == "running" and deadline.pending and deadline.pending[0][0] == at:
                share = deadline.pending[0][1]
                warned = changed(deadline, pending=deadline.pending[1:], warned=(*deadline.warned, share))
                self.put(deadline, warned)
                if deadline.due_at and now <= deadline.due_at:
                    kind = "reminder" if share == REMINDER else "deadline.warning"
                    self.tell(kind, at, warned, after=share)

    def miss(self, at: datetime, _: datetime) -> None:
        """Record every miss of one instant, then do each kind of effect once, then start new cycles (C15)."""
        self.last_at = max(self.last_at, at)
        due = sorted((d for d in self.deadlines if d.state == "running" and d.due_at == at), key=order_of)
        leaving = [d for d in due if d.metric == "tier_escalation" and self.escalates]
        missed = [self.record_miss(at, d) for d in due if d not in leaving]
        causes: dict[str, Deadline | None] = {"next_tier": None} if leaving and self.tier < self.terms.tiers else {}
        for deadline in leaving:
            self.stop(at, deadline, "service")
            if not causes:
                self.tell("managed", at, deadline)
        for deadline in missed:
            if deadline.chain == 0:
                causes |= {e: deadline for e in self.terms.on_miss.get(deadline.metric, ()) if e not in causes}
        before = self.priority
        for effect in EFFECTS:
            if effect in causes:
                self.effect(at, effect, causes[effect])
        for deadline in missed:
            self.follow(at, deadline, raised=self.priority != before)
        self.start_missing(at, "missed")

    def record_miss(self, at: datetime, deadline: Deadline) -> Deadline:
        """The deadline is past due: missed at its due instant, and open until something ends it (C06)."""
        missed = self.put(deadline, changed(deadline, state="missed", missed_at=at, pending=()))
        self.tell("deadline.missed", at, missed)
        return missed

    def effect(self, at: datetime, effect: str, cause: Deadline | None) -> None:
        """Do one kind of effect; what the clock cannot do itself is told to the shell."""
        if effect == "raise_priority":
            rank = self.terms.rank(self.priority)
            if rank > 0:
                self.set_priority(at, self.terms.priorities[rank - 1], "service", reason="missed")
        elif effect == "next_tier":
            if self.tier < self.terms.tiers:  # not where a plan with fewer tiers was applied: it never goes down
                self.set_tier(at, self.tier + 1, "service")
        else:
            self.tell("effect", at, cause, reason=effect)
            if effect == "open_escalation" and cause:
                self.apply(Ask(at, "escalation_ack", miss_subject(cause)))

    def follow(self, at: datetime, missed: Deadline, *, raised: bool) -> None:
        """Make way for what comes after a miss: updates are owed, or a faster resolution where the miss raised it."""
        if missed.metric == "first_response":
            self.updates_from = self.updates_from or at
        elif missed.metric == "resolution" and raised and self.faster_resolution():
            self.put(missed, changed(missed, ended_at=at, live=False))

    def faster_resolution(self) -> bool:
        """Whether a miss of the resolution raises the priority, and the present one has a target for it."""
        raises = "raise_priority" in self.terms.on_miss.get("resolution", ())
        return raises and self.terms.target("resolution", self.priority) is not None


def miss_subject(missed: Deadline) -> str:
    """What the escalation that the service makes of a miss is filed under."""
    return f"{missed.metric}:{missed.cycle}" if not missed.subject else f"{missed.metric}:{missed.subject}"
