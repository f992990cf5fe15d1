"""A small plan, and histories in hours from the opening: Monday 2026-06-01 10:00 UTC."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.calendars.hours import ALWAYS, Calendar, CalendarSpec, compile_calendar
from app.sla.clock.changes import Change, ClockEvent
from app.sla.clock.clock import Clock, advance, catch_up, open_clock
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import Target, Terms

OPENED = datetime(2026, 6, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
OFFICE = compile_calendar(CalendarSpec("UTC", dict.fromkeys(range(5), ((9 * 60, 18 * 60),))), name="office")


def at(hours: float) -> datetime:
    """An instant, in hours after the opening."""
    return OPENED + hours * HOUR


def within(hours: float, calendar: Calendar = ALWAYS) -> Target:
    return Target(calendar, duration=hours * HOUR)


def days(count: int, calendar: Calendar = OFFICE) -> Target:
    return Target(calendar, business_days=count)


def row(**hours: float | Target) -> dict[str, Target]:
    """The targets of one metric by priority, in hours around the clock where only a number is given."""
    return {key: value if isinstance(value, Target) else within(value) for key, value in hours.items()}


TERMS = Terms(
    priorities=("P1", "P2", "P3"),
    targets={
        "first_response": row(P1=1, P2=2, P3=4),
        "next_response": row(P1=2, P2=4),
        "update": row(P1=3, P2=6),
        "resolution": row(P1=10, P2=20, P3=40),
        "tier_escalation": row(P1=5, P2=8),
    },
    pauses={"waiting_on_customer": frozenset({"resolution", "update", "tier_escalation"})},
    warn_at=(),
    on_miss={},
    tiers=3,
    acknowledge=HOUR / 2,
)
"""P3 has neither replies after the first nor updates nor tiers."""


def plan(**targets: Mapping[str, Target]) -> Terms:
    """Terms with these targets only."""
    return replace(TERMS, targets=targets)


class Story:
    """A ticket's clock through its changes, and everything that the clock told."""

    def __init__(self, terms: Terms, *changes: Change, opened_as: str = "P2", until: float | None = None) -> None:
        self.events: list[ClockEvent] = []
        step = open_clock(terms, OPENED, opened_as)
        self.clock = step.clock
        self.events += step.events
        for change in changes:
            self.then(change)
        if until is not None:
            self.caught_up(at(until))

    def then(self, change: Change) -> "Story":
        step = advance(self.clock, change)
        self.clock = step.clock
        self.events += step.events
        return self

    def caught_up(self, now: datetime) -> "Story":
        step = catch_up(self.clock, now)
        self.clock = step.clock
        self.events += step.events
        return self

    def cycles(self, metric: str) -> list[Deadline]:
        return [deadline for deadline in self.clock.deadlines if deadline.metric == metric]

    def last(self, metric: str) -> Deadline:
        return self.cycles(metric)[-1]

    def due(self, metric: str) -> float | None:
        """The due instant of the last cycle, in hours after the opening."""
        due = self.last(metric).due_at
        return None if due is None else (due - OPENED) / HOUR

    def states(self, metric: str) -> list[str]:
        return [deadline.state for deadline in self.cycles(metric)]

    def told(self, kind: str) -> list[ClockEvent]:
        return [event for event in self.events if event.kind == kind]


def states_of(clock: Clock) -> Mapping[str, str]:
    """The state of each metric's last cycle."""
    return {deadline.metric: deadline.state for deadline in clock.deadlines}


def facts(deadline: Deadline) -> dict[str, Any]:
    """What a person reads of a deadline."""
    return {
        "state": deadline.state,
        "started_at": deadline.started_at,
        "due_at": deadline.due_at,
        "missed_at": deadline.missed_at,
        "ended_at": deadline.ended_at,
    }
