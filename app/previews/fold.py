"""What would become of a ticket: the live clock's own fold over changes that nobody has made. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from app.core.text.messages import _
from app.plans.document.naming import Names
from app.sla.clock.changes import Change, ClockEvent
from app.sla.clock.clock import Clock, Step, advance, catch_up, open_clock
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import METRIC_ORDER, Terms
from app.sla.explain.segments import Move

MAX_CYCLES: Final = 5_000
"""Deadlines of one preview: nobody writes for half a year, and updates are owed each hour. They take a second of a
process of their own, and 8 MB to tell; a plan that says PT1S would make millions."""

_MOVES: Final[Mapping[str, str]] = {
    "deadline.started": "started",
    "deadline.moved": "moved",
    "deadline.paused": "paused",
    "deadline.resumed": "resumed",
}
_SERVICE: Final = {"kind": "service"}
_TICK: Final = timedelta(microseconds=1)
_Key: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class PreviewPlan:
    """A plan as a preview uses it; ``version`` is None for a document that is not stored."""

    key: str
    version: int | None
    terms: Terms
    names: Names


class TooManyCycles(Exception):
    """The ticket would have more deadlines than a preview tells."""

    def __init__(self) -> None:
        message = _(
            "Up to this instant the ticket would have more than {most} cycles of its deadlines", most=MAX_CYCLES
        )
        super().__init__(message)


class Preview:
    """A ticket under change, with all its deadlines and what moved them."""

    def __init__(self, terms: Terms, opened_at: datetime, priority: str) -> None:
        self._deadlines: dict[_Key, Deadline] = {}
        self._moves: dict[_Key, list[Move]] = {}
        self.clock: Clock
        self._take(open_clock(terms, opened_at, priority), _SERVICE)

    def reach(self, now: datetime) -> None:
        """Let every miss and the automatic close before ``now`` happen, one instant after the other, as a sweep does.

        It is the same as catching up once (invariant 1), and costs no more where there are thousands. Raises
        TooManyCycles; BeyondCalendar.
        """
        while (past := _next_past(self.clock)) is not None and past < now:
            self._take(catch_up(self.clock, past + _TICK), _SERVICE)

    def change(self, change: Change, by: str) -> None:
        """Apply a change to a clock that has reached its instant. ``by`` is an actor's kind."""
        self._take(advance(self.clock, change), {"kind": by})

    def deadlines(self) -> list[tuple[Deadline, list[Move]]]:
        """Every deadline with its moves, in metric order, then by cycle."""
        ordered = sorted(self._deadlines.items(), key=lambda item: (METRIC_ORDER[item[0][0]], *item[0][1:]))
        return [(deadline, self._moves[key]) for key, deadline in ordered]

    def _take(self, step: Step, actor: Mapping[str, str]) -> None:
        """Keep what the step made; the clock goes on with the live deadlines alone, like a stored one."""
        self._deadlines |= {_key(deadline): deadline for deadline in step.clock.deadlines}
        if len(self._deadlines) > MAX_CYCLES:
            raise TooManyCycles
        for event in step.events:
            if event.deadline and (kind := _MOVES.get(event.kind)):
                self._moves.setdefault(_key(event.deadline), []).append(_move(kind, event, event.deadline, actor))
        live = tuple(deadline for deadline in step.clock.deadlines if deadline.live)
        ended = len(live) < len(step.clock.deadlines)
        self.clock = replace(step.clock, deadlines=live) if ended else step.clock


def _next_past(clock: Clock) -> datetime | None:
    """The next instant after which the clock changes by itself: a due instant, or an end without an answer."""
    dues = [deadline.due_at for deadline in clock.deadlines if deadline.state == "running" and deadline.due_at]
    return min([*dues, *(at for at in (clock.close_at, clock.resolve_at) if at)], default=None)


def _key(deadline: Deadline) -> _Key:
    return (deadline.metric, deadline.subject, deadline.cycle)


def _move(kind: str, event: ClockEvent, deadline: Deadline, actor: Mapping[str, str]) -> Move:
    if kind == "started":
        return Move(kind, event.at, None, deadline.due_at, None, actor)
    return Move(kind, event.at, event.before, event.after, event.reason, actor)
