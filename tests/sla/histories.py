"""Random plans and random valid histories for the clock's properties.

Instants lie on a coarse grid, so that things coincide, or at, just before or just after what the clock does next.
``HELIODESK_EXAMPLES`` asks for a longer, and then truly random, run.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.calendars.hours import ALWAYS, CalendarSpec, compile_calendar
from app.sla.clock.changes import Answer, Apply, Ask, Change, Close, Message, Priority, Reopen, Status, Tier
from app.sla.clock.clock import Clock, Step, advance, catch_up, fold, open_clock, wake_at
from app.sla.clock.terms import EFFECTS, PLAN_METRICS, Target, Terms
from app.tickets.rules import allowed
from tests.sla.kit import OFFICE, OPENED, TICK
from tests.support.properties import examples

EXAMPLES: Final = os.environ.get("HELIODESK_EXAMPLES")
thorough = settings(
    max_examples=int(EXAMPLES or examples(150)),
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
KEPT: Final = 0.8
"""how much of what a plan can promise, a random one does"""

PAUSES: Final = {"waiting_on_customer": frozenset({"resolution", "update", "tier_escalation"})}
PRIORITIES: Final = ("P1", "P2", "P3")
RENAMED: Final = ("urgent", "normal")


def plan_of(number: int, priorities: tuple[str, ...] = ()) -> Terms:
    """The plan of this number: promises missing here and there, any pauses, any effects."""
    dice = Random(number)  # noqa: S311 - the same plan for the same number, and no secret
    names = priorities or PRIORITIES[: dice.randint(1, 3)]
    return Terms(
        priorities=names,
        targets={metric: {name: _target(dice) for name in names if dice.random() < KEPT} for metric in PLAN_METRICS},
        pauses=PAUSES if dice.random() < KEPT else {status: _some(dice, PLAN_METRICS) for status in STATUSES},
        warn_at=dice.choice([(), (50,), (50, 75, 90), (1, 33, 99)]),
        on_miss={metric: _effects(dice, metric) for metric in MISSABLE},
        tiers=dice.randint(1, 3),
        acknowledge=dice.choice([None, 2 * QUARTER]),
        close_after=dice.choice([4 * QUARTER, timedelta(days=7)]),
    )


def _target(dice: Random) -> Target:
    if dice.random() < 1 - KEPT:
        return Target(OFFICE, business_days=dice.randint(1, 2))
    return Target(dice.choice([ALWAYS, ALWAYS, OFFICE, NIGHTS]), dice.randint(1, 48) * QUARTER)


def _some(dice: Random, things: Sequence[str]) -> frozenset[str]:
    return frozenset(dice.sample(things, dice.randint(0, 3)))


def _effects(dice: Random, metric: str) -> tuple[str, ...]:
    chosen = _some(dice, EFFECTS) - ({"open_escalation"} if metric == "escalation_ack" else set())
    return tuple(effect for effect in EFFECTS if effect in chosen)


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
        """Each step of the fold with the change that made it: the opening, the changes, the last catching up."""
        step = self.opened()
        yield step, None
        for change in self.changes:
            step = advance(step.clock, change)
            yield step, change
        yield catch_up(step.clock, self.until), None


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
    return [Ask(now, "alert_ack", f"alert {len(clock.deadlines)}", 2 * QUARTER)]


def _apply(clock: Clock, now: datetime, pick: int) -> list[Change]:
    """Another plan, and what becomes of every priority that it does not know."""
    names = (clock.terms.priorities, PRIORITIES, RENAMED)[pick % 3]
    mapping = {old: names[pick % len(names)] for old in PRIORITIES + RENAMED if old not in names}
    return [Apply(now, plan_of(pick * 1000 + len(clock.deadlines), names), mapping)]


_ACTIONS = (_message, _message, _message, _status, _status, _priority, _priority, _tier, _end, _ask, _apply)


def _after(clock: Clock, now: datetime, when: int) -> datetime:
    """An instant: so many quarters of an hour later, or at, just before or just after what the clock does next.

    Often that is a warning; so every other time it is the next due instant.
    """
    dues = (d.due_at for d in clock.deadlines if d.state == "running" and d.due_at)
    instant = min(dues, default=None) if when % 2 else wake_at(clock)
    if instant is None or when > 0:
        return now + abs(when) * QUARTER
    return max(now, instant + (when % 3 - 1) * TICK)


def _history(number: int, script: list[tuple[int, int, int]], until: int) -> History:
    terms = plan_of(number)
    priority = terms.priorities[number % len(terms.priorities)]
    clock, changes, now = open_clock(terms, OPENED, priority).clock, list[Change](), OPENED
    for when, action, pick in script:
        now = _after(clock, now, when)
        clock = catch_up(clock, now).clock
        made = _ACTIONS[action](clock, now, pick)
        clock = fold(clock, made).clock
        changes += made
    return History(terms, priority, tuple(changes), _after(clock, now, until))


_whens = st.integers(-18, 24)
_script = st.lists(st.tuples(_whens, st.integers(0, len(_ACTIONS) - 1), st.integers(0, 11)), max_size=14)
histories = st.builds(_history, st.integers(0, 10**6), _script, _whens | st.integers(100, 400))
"""a plan and up to fourteen actions under it, as valid changes"""
