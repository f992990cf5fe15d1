"""The clock against the slow one (``slow.py``), on random histories around the clock."""

from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendars.hours import ALWAYS
from app.sla.changes import Change, Close, Message, Priority, Reopen, Status
from app.sla.clock import fold, open_clock, settle
from app.sla.terms import Target, Terms
from tests.sla.histories import thorough
from tests.sla.kit import OPENED, TICK
from tests.sla.slow import PAUSED, SlowTicket

METRICS = ("first_response", "next_response", "update", "resolution")
STEP = timedelta(minutes=10)
NAMES = ("P1", "P2", "P3")

SlowPlan = dict[str, list[int | None]]
SlowHistory = list[tuple[int, str, int]]

_targets = st.one_of(st.none(), st.integers(1, 12), st.integers(1, 12), st.integers(1, 40))
slow_plans = st.fixed_dictionaries({metric: st.lists(_targets, min_size=3, max_size=3) for metric in METRICS})
_actions = st.sampled_from(
    (*2 * ("engineer", "customer"), *3 * ("priority",), "note", "waiting", "open", "resolve", "reopen", "close")
)
slow_histories = st.lists(st.tuples(st.integers(0, 9), _actions, st.integers(0, 2)), max_size=14)

SLOWLY: dict[str, Callable[[SlowTicket, int], None]] = {
    "engineer": lambda ticket, _: ticket.engineer(),
    "customer": lambda ticket, _: ticket.customer(),
    "note": lambda _ticket, _: None,
    "waiting": lambda ticket, _: ticket.wait(),
    "open": lambda ticket, _: ticket.become("open"),
    "priority": lambda ticket, pick: ticket.prioritise(pick),
    "resolve": lambda ticket, _: ticket.resolve(),
    "reopen": lambda ticket, _: ticket.reopen(),
    "close": lambda ticket, _: ticket.close(),
}


def changes_of(action: str, at_: datetime, pick: int, status: str) -> list[Change]:
    """What the clock is told of an action that a ticket of this status can see."""
    message = Message(at_, "engineer")
    changes: dict[str, list[Change]] = {
        "engineer": [message],
        "customer": [Message(at_, "customer")],
        "note": [Message(at_, "engineer", public=False), Message(at_, "automation")],
        "waiting": [message] if status in {"resolved", "closed"} else [message, Status(at_, "waiting_on_customer")],
        "open": [Status(at_, "open")],
        "priority": [Priority(at_, NAMES[pick])],
        "resolve": [Status(at_, "resolved", "automation")],
        "reopen": [Reopen(at_)],
        "close": [Close(at_)],
    }
    return changes[action]


Row = tuple[str, int, str, int | None, int | None]


def fast_rows(plan: SlowPlan, history: SlowHistory, until: int) -> list[Row]:
    """What the clock makes of it, in steps from the opening."""
    targets = {
        metric: {name: Target(ALWAYS, steps * STEP) for name, steps in zip(NAMES, row, strict=True) if steps}
        for metric, row in plan.items()
    }
    terms = Terms(NAMES, targets, {"waiting_on_customer": frozenset(PAUSED)}, (50,), {})
    clock, now = open_clock(terms, OPENED, "P2").clock, OPENED
    for gap, action, pick in history:
        now += gap * STEP
        clock = fold(clock, changes_of(action, now, pick, clock.status)).clock
    clock = settle(clock, now + until * STEP + TICK).clock

    def steps(instant: datetime | None) -> int | None:
        return None if instant is None else (instant - OPENED) // STEP

    states = {"paused": "running"}
    return sorted(
        (d.metric, (d.started_at - OPENED) // STEP, states.get(d.state, d.state), steps(d.missed_at), steps(d.ended_at))
        for d in clock.deadlines
    )


def slow_rows(plan: SlowPlan, history: SlowHistory, until: int) -> list[Row]:
    """What the slow clock makes of it."""
    ticket = SlowTicket(plan, NAMES.index("P2"))
    for gap, action, pick in [*history, (until, "note", 0)]:
        for _ in range(gap):
            ticket.pass_step()
        SLOWLY[action](ticket, pick)
    ticket.miss()
    return sorted(
        (metric, cycle.started, cycle.state, cycle.missed, cycle.ended)
        for metric, cycles in ticket.cycles.items()
        for cycle in cycles
    )


@settings(thorough, max_examples=2 * thorough.max_examples)
@given(slow_plans, slow_histories, st.integers(0, 30))
def test_c11_the_slow_clock_agrees(plan: SlowPlan, history: SlowHistory, until: int) -> None:
    assert fast_rows(plan, history, until) == slow_rows(plan, history, until)
