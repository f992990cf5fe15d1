"""Random plans and random valid histories for the clock's properties.

Instants lie on a coarse grid, so that things coincide, or at, just before or just after what the clock does next.
``HELIODESK_EXAMPLES`` asks for a longer, and then truly random, run.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.calendars.hours import ALWAYS, CalendarSpec, compile_calendar
from app.sla.changes import Answer, Apply, Ask, Change, Close, Message, Priority, Reopen, Status, Tier
from app.sla.clock import Clock, Step, advance, open_clock, settle, wake_at
from app.sla.terms import EFFECTS, PLAN_METRICS, Target, Terms
from app.tickets.rules import allowed
from tests.sla.kit import OFFICE, OPENED, TICK

EXAMPLES: Final = os.environ.get("HELIODESK_EXAMPLES")
thorough = settings(
    max_examples=int(EXAMPLES or 60),
    derandomize=EXAMPLES is None,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

QUARTER: Final = timedelta(minutes=15)
NIGHTS = compile_calendar(
    CalendarSpec("Europe/Madrid", dict.fromkeys(range(7), ((0, 6 * 60), (22 * 60, 24 * 60)))), name="nights"
)
STATUSES: Final = ("new", "open", "waiting_on_customer", "mitigated")
MISSABLE: Final = (*PLAN_METRICS, "escalation_ack")

_durations = st.builds(
    Target,
    calendar=st.sampled_from([ALWAYS, ALWAYS, OFFICE, NIGHTS]),
    duration=st.integers(1, 48).map(lambda quarters: quarters * QUARTER),
)
_business_days = st.builds(Target, calendar=st.just(OFFICE), business_days=st.integers(1, 2))
_targets = st.one_of(st.none(), _durations, _durations, _business_days)


@st.composite
def plans(draw: st.DrawFn, priorities: tuple[str, ...] | None = None) -> Terms:
    """Any plan: promises missing here and there, any pauses, any effects."""
    names = priorities or ("P1", "P2", "P3")[: draw(st.integers(1, 3))]
    drawn = {metric: {name: draw(_targets) for name in names} for metric in PLAN_METRICS}
    effects = {metric: draw(st.sets(st.sampled_from(EFFECTS), max_size=3)) for metric in MISSABLE}
    return Terms(
        priorities=names,
        targets={metric: {name: target for name, target in row.items() if target} for metric, row in drawn.items()},
        pauses=draw(
            st.one_of(
                st.just({"waiting_on_customer": frozenset({"resolution", "update", "tier_escalation"})}),
                st.dictionaries(st.sampled_from(STATUSES), st.frozensets(st.sampled_from(PLAN_METRICS))),
            )
        ),
        warn_at=draw(st.sampled_from([(), (50,), (50, 75, 90), (1, 33, 99)])),
        on_miss={
            metric: tuple(e for e in EFFECTS if e in chosen and (metric, e) != ("escalation_ack", "open_escalation"))
            for metric, chosen in effects.items()
        },
        tiers=draw(st.integers(1, 3)),
        acknowledge=draw(st.sampled_from([None, 2 * QUARTER])),
        close_after=draw(st.sampled_from([4 * QUARTER, timedelta(days=7)])),
    )


@dataclass(frozen=True)
class History:
    """A ticket's terms and first priority, its changes in order, and an instant after them."""

    terms: Terms
    priority: str
    changes: tuple[Change, ...]
    until: datetime

    def opened(self) -> Step:
        return open_clock(self.terms, OPENED, self.priority)

    def steps(self) -> Iterator[tuple[Step, Change | None]]:
        """Each step of the fold with the change that made it: the opening, the changes, the last settling."""
        step = self.opened()
        yield step, None
        for change in self.changes:
            step = advance(step.clock, change)
            yield step, change
        yield settle(step.clock, self.until), None


def _message(_: Clock, now: datetime, pick: int) -> list[Change]:
    author = ("engineer", "engineer", "customer", "customer", "automation")[pick % 5]
    return [Message(now, author, public=pick % 4 != 3)]  # type: ignore[arg-type]  # one of its literals


def _status(clock: Clock, now: datetime, pick: int) -> list[Change]:
    may = allowed(clock.status, "engineer")
    if not may:
        return []
    status = may[pick % len(may)]
    by = "automation" if status == "resolved" and pick % 3 == 0 else "engineer"
    needs_message = status == "waiting_on_customer" or (status == "resolved" and by == "engineer")
    said: list[Change] = [Message(now, "engineer")] if needs_message else []
    return [*said, Status(now, status, by)]


def _priority(clock: Clock, now: datetime, pick: int) -> list[Change]:
    return [Priority(now, clock.terms.priorities[pick % len(clock.terms.priorities)])]


def _tier(clock: Clock, now: datetime, pick: int) -> list[Change]:
    return [Tier(now, 1 + pick % clock.terms.tiers)]


def _end(clock: Clock, now: datetime, pick: int) -> list[Change]:
    if clock.status == "resolved":
        return [Reopen(now)]
    return [Close(now, "withdrawn")] if pick % 3 == 0 else []


def _ask(clock: Clock, now: datetime, pick: int) -> list[Change]:
    asked = [d for d in clock.deadlines if d.is_open and d.fixed]
    if asked:
        first = asked[pick % len(asked)]
        return [Answer(now, first.metric, first.subject, cancel="declined" if pick % 3 == 0 else "")]
    return [Ask(now, "alert_ack", f"alert {now}", 2 * QUARTER)]


_ACTIONS = (_message, _message, _message, _status, _status, _priority, _priority, _tier, _end, _ask)


@st.composite
def histories(draw: st.DrawFn, *, applies: bool = True) -> History:
    """A plan and up to a dozen valid changes under it."""
    terms = draw(plans())
    priority = draw(st.sampled_from(terms.priorities))
    clock, changes, now = open_clock(terms, OPENED, priority).clock, list[Change](), OPENED
    for _ in range(draw(st.integers(0, 12))):
        now = draw(_instants(clock, now))
        settled = settle(clock, now).clock
        if applies and draw(st.integers(0, 9)) == 0:
            made: list[Change] = [Apply(now, *draw(_successors(settled)))]
        else:
            made = draw(st.sampled_from(_ACTIONS))(settled, now, draw(st.integers(0, 11)))
        for change in made:
            clock = advance(clock, change).clock
        changes += made
    return History(terms, priority, tuple(changes), draw(_instants(clock, now)))


@st.composite
def _instants(draw: st.DrawFn, clock: Clock, now: datetime) -> datetime:
    wake = wake_at(settle(clock, now).clock)
    if wake and draw(st.booleans()):
        return max(now, wake + draw(st.integers(-1, 1)) * TICK)
    return now + draw(st.integers(0, 20)) * QUARTER


@st.composite
def _successors(draw: st.DrawFn, clock: Clock) -> tuple[Terms, dict[str, str]]:
    """Another plan, and what becomes of every priority that it does not know."""
    names = draw(st.sampled_from([clock.terms.priorities, ("P1", "P2", "P3"), ("urgent", "normal")]))
    mapping = {old: draw(st.sampled_from(names)) for old in ("P1", "P2", "P3", "urgent", "normal") if old not in names}
    return draw(plans(names)), mapping
