"""What a ticket was promised, compiled for the clock: targets on calendars, pauses, and what a miss does. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, get_args

from app.calendars.hours import Calendar
from app.core.zones import LoadZone
from app.plans.document.words import Metric, TargetMetric

METRICS: Final[tuple[str, ...]] = get_args(Metric)
"""Every metric, in the order that decides between things of one instant."""

METRIC_ORDER: Final[Mapping[str, int]] = {metric: place for place, metric in enumerate(METRICS)}
PLAN_METRICS: Final[tuple[str, ...]] = get_args(TargetMetric)
"""The metrics with a target by priority; the others have one deadline for each escalation, alert or call."""

EFFECTS: Final = ("raise_priority", "next_tier", "reassign", "notify_manager", "notify_tam", "open_escalation")
"""What a miss can do, in the order in which it is done (C15)."""


@dataclass(frozen=True, slots=True)
class Target:
    """How long a metric may take: working time on a calendar, or whole business days on it (C05)."""

    calendar: Calendar
    duration: timedelta | None = None
    business_days: int | None = None

    def amount(self, start: datetime) -> timedelta:
        """The working time that a countdown started at ``start`` has in full."""
        if self.duration is not None:
            return self.duration
        return self.calendar.business_days(start, self.business_days or 1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a ticket waits for its customer, in plain time: the reminders, and when it is resolved."""

    remind: tuple[timedelta, ...] = ()
    """ascending"""
    resolve: timedelta | None = None
    """None: it waits for ever"""


@dataclass(frozen=True, slots=True)
class Terms:
    """One plan version as it holds for one ticket: its zone, holidays and add-ons are already in it (C14)."""

    priorities: tuple[str, ...]
    targets: Mapping[str, Mapping[str, Target]]
    """metric -> priority -> target"""
    pauses: Mapping[str, frozenset[str]]
    """status -> the metrics that it pauses (C10)"""
    warn_at: tuple[int, ...]
    """shares in per cent, ascending (C16)"""
    on_miss: Mapping[str, tuple[str, ...]]
    tiers: int = 1
    acknowledge: timedelta | None = None
    """how long an escalation may wait for its acknowledgement, 24x7"""
    close_after: timedelta = timedelta(hours=168)
    updates_from_opening: bool = False
    """whether the first update is owed from the opening, rather than from the first response"""
    top_manager: bool = False
    """whether the account's manager takes the place of the next tier where there is none"""
    waiting: Waiting | None = None

    def by(self, load: LoadZone) -> "Terms":
        """The same terms by another time-zone database; ValueError when it lacks a zone."""
        calendars = {target.calendar for row in self.targets.values() for target in row.values()}
        other = {calendar: calendar.by(load) for calendar in calendars}
        return replace(
            self,
            targets={
                metric: {name: replace(target, calendar=other[target.calendar]) for name, target in row.items()}
                for metric, row in self.targets.items()
            },
        )

    def rank(self, priority: str) -> int:
        """0 is the most urgent."""
        return self.priorities.index(priority)

    def target(self, metric: str, priority: str) -> Target | None:
        """The target, or None where the plan makes no such promise (C08)."""
        return self.targets.get(metric, {}).get(priority)

    def pauses_in(self, status: str, metric: str) -> bool:
        """Whether this status pauses this metric."""
        return metric in self.pauses.get(status, ())
