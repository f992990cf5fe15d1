"""The clock against the slow one (``slow.py``), on random histories around the clock."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendars.hours import ALWAYS
from app.sla.clock.changes import Apply, Change, Close, Message, Priority, Reopen, Status, Tier
from app.sla.clock.clock import catch_up, fold, open_clock
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import Target, Terms
from tests.sla.histories import thorough
from tests.sla.kit import OPENED
from tests.sla.slow import METRICS, PAUSED, SlowFact, SlowPlan, SlowTicket

STEP = timedelta(minutes=10)
NAMES = ("P1", "P2", "P3")
CLOSE_AFTER = 60

SlowHistory = list[tuple[int, str, int]]

_target = st.one_of(st.none(), st.integers(1, 12), st.integers(1, 12), st.integers(1, 40))
_some = st.frozensets(st.sampled_from(METRICS[:4]), max_size=2)
slow_plans = st.builds(
    SlowPlan,
    targets=st.fixed_dictionaries({metric: st.lists(_target, min_size=3, max_size=3) for metric in METRICS}),
    tiers=st.integers(1, 3),
    raising=_some,
    climbing=_some,
    close_after=st.just(CLOSE_AFTER),
)
_actions = st.sampled_from(
    (
        *2 * ("engineer", "customer", "tier", "apply"),
        *3 * ("priority",),
        *("note", "waiting", "open", "mitigated", "resolve", "reopen", "close"),
    )
)
slow_histories = st.lists(st.tuples(st.integers(0, 9), _actions, st.integers(0, 2)), min_size=4, max_size=16)

SLOWLY: dict[str, Callable[[SlowTicket, int, list[SlowPlan]], None]] = {
    "engineer": lambda ticket, *_: ticket.engineer(),
    "customer": lambda ticket, *_: ticket.customer(),
    "note": lambda *_: None,
    "waiting": lambda ticket, *_: ticket.wait(),
    "open": lambda ticket, *_: ticket.become("open"),
    "mitigated": lambda ticket, *_: ticket.become("mitigated"),
    "priority": lambda ticket, pick, _: ticket.prioritise(pick),
    "tier": lambda ticket, pick, _: ticket.move(1 + pick),
    "apply": lambda ticket, pick, plans: ticket.apply(plans[pick]),
    "resolve": lambda ticket, *_: ticket.resolve(),
    "reopen": lambda ticket, *_: ticket.reopen(),
    "close": lambda ticket, *_: ticket.close(),
}


def terms_of(plan: SlowPlan) -> Terms:
    targets = {
        metric: {name: Target(ALWAYS, steps * STEP) for name, steps in zip(NAMES, row, strict=True) if steps}
        for metric, row in plan.targets.items()
    }
    on_miss = {
        metric: tuple(
            effect
            for effect, metrics in (("raise_priority", plan.raising), ("next_tier", plan.climbing))
            if metric in metrics
        )
        for metric in METRICS
    }
    pauses = {"waiting_on_customer": frozenset(PAUSED)}
    return Terms(NAMES, targets, pauses, (50,), on_miss, plan.tiers, close_after=plan.close_after * STEP)


def changes_of(action: str, at_: datetime, pick: int, status: str, terms: Sequence[Terms]) -> list[Change]:
    """What the clock is told of an action that a ticket of this status can see."""
    message = Message(at_, "engineer")
    changes: dict[str, list[Change]] = {
        "engineer": [message],
        "customer": [Message(at_, "customer")],
        "note": [Message(at_, "engineer", public=False), Message(at_, "automation")],
        "waiting": [message] if status in {"resolved", "closed"} else [message, Status(at_, "waiting_on_customer")],
        "open": [Status(at_, "open")],
        "mitigated": [] if status in {"resolved", "closed"} else [Status(at_, "mitigated")],
        "priority": [Priority(at_, NAMES[pick])],
        "tier": [Tier(at_, 1 + pick)],
        "apply": [Apply(at_, terms[pick])],
        "resolve": [Status(at_, "resolved", "automation")],
        "reopen": [Reopen(at_)],
        "close": [Close(at_)],
    }
    return changes[action]


Facts = tuple[str, str, int]
"""Status, priority, tier."""


def fast_rows(plans: list[SlowPlan], history: SlowHistory, until: int) -> tuple[Facts, list[SlowFact]]:
    """What the clock makes of it, in steps from the opening."""
    terms = [terms_of(plan) for plan in plans]
    clock, now = open_clock(terms[0], OPENED, "P2").clock, OPENED
    for gap, action, pick in history:
        now += gap * STEP
        clock = fold(clock, changes_of(action, now, pick, catch_up(clock, now).clock.status, terms)).clock
    clock = catch_up(clock, now + until * STEP).clock

    def steps(instant: datetime | None) -> int | None:
        return None if instant is None else (instant - OPENED) // STEP

    def row(deadline: Deadline) -> SlowFact:
        state = "running" if deadline.state == "paused" else deadline.state
        due = steps(deadline.due_at) if state == "running" else None
        started = (deadline.started_at - OPENED) // STEP
        return (deadline.metric, started, state, steps(deadline.missed_at), steps(deadline.ended_at), due)

    return (clock.status, clock.priority, clock.tier), sorted(map(row, clock.deadlines), key=str)


def slow_rows(plans: list[SlowPlan], history: SlowHistory, until: int) -> tuple[Facts, list[SlowFact]]:
    """What the slow clock makes of it."""
    ticket = SlowTicket(plans[0], NAMES.index("P2"))
    for gap, action, pick in history:
        ticket.wait_for(gap)
        SLOWLY[action](ticket, pick, plans)
    ticket.wait_for(until)
    return (ticket.status, NAMES[ticket.priority], ticket.tier), ticket.facts()


@settings(thorough, max_examples=3 * thorough.max_examples)
@given(st.lists(slow_plans, min_size=3, max_size=3), slow_histories, st.integers(0, 100))
def test_c11_the_slow_clock_agrees(plans: list[SlowPlan], history: SlowHistory, until: int) -> None:
    assert fast_rows(plans, history, until) == slow_rows(plans, history, until)
