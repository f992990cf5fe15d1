"""The invariants of the clock, over random plans and histories."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st

from app.calendars.hours import ALWAYS
from app.sla.clock.changes import Apply, Change, ClockEvent, Message, Priority, Reopen
from app.sla.clock.clock import Clock, advance, catch_up, fold, wake_at
from app.sla.clock.deadline import OPEN_STATES, Deadline, Span, timed, with_span
from app.sla.clock.terms import Target, Terms
from app.sla.deadlines import clock_facts, deadline_row, load_clock
from app.sla.explain.segments import explain
from tests.sla.histories import QUARTER, History, histories, thorough
from tests.sla.kit import OPENED, TICK

NOTHING = timedelta(0)
REPLIES = {"first_response", "next_response", "update"}
lengths = st.integers(0, 400).map(lambda number: number * QUARTER) | st.timedeltas(NOTHING, 400 * QUARTER)
"""Often such that a calendar closes just then."""
Key = tuple[str, str, int]


def key(deadline: Deadline) -> Key:
    return (deadline.metric, deadline.subject, deadline.cycle)


def rows(deadlines: Iterable[Deadline]) -> dict[Key, Deadline]:
    return {key(deadline): deadline for deadline in deadlines}


def caught_up_each_time(history: History) -> Iterator[tuple[Clock, Clock, Change]]:
    """For each change: the clock caught up to it, the clock after it, and the change."""
    clock = history.opened().clock
    for change in history.changes:
        before = catch_up(clock, change.at).clock
        clock = advance(clock, change).clock
        yield before, clock, change


def _swept(clock: Clock, until: datetime, elsewhere: Iterable[datetime]) -> tuple[Clock, list[ClockEvent]]:
    """Sweeps up to ``until``: at, just before and just after all that the clock does next, and elsewhere."""
    events: list[ClockEvent] = []
    extra = sorted(at for at in elsewhere if at <= until)
    while (wake := wake_at(clock)) and wake < until:
        for now in sorted({wake - TICK, wake, wake + TICK, *(at for at in extra if at <= wake)}):
            if now <= until:
                step = catch_up(clock, now)
                clock, events = step.clock, [*events, *step.events]
    return clock, events


@thorough
@given(histories, st.lists(st.integers(0, 400), max_size=6))
def test_1_sweeps_at_any_instant_change_nothing(history: History, sweeps: list[int]) -> None:
    plain = fold(history.opened().clock, history.changes)
    plain_end = catch_up(plain.clock, history.until)
    clock, events = history.opened().clock, list[ClockEvent]()
    elsewhere = [OPENED + sweep * QUARTER for sweep in sweeps]
    for change in history.changes:
        clock, told = _swept(clock, change.at, elsewhere)
        step = advance(clock, change)
        clock, events = step.clock, [*events, *told, *step.events]
    clock, told = _swept(clock, history.until, elsewhere)
    end = catch_up(clock, history.until)
    assert end.clock == plain_end.clock
    said = [event for event in (*events, *told, *end.events) if event.kind != "deadline.warning"]
    assert said == [n for n in (*plain.events, *plain_end.events) if n.kind != "deadline.warning"]


@thorough
@given(histories)
def test_2_the_stored_live_rows_are_all_that_a_fold_needs(history: History) -> None:
    stored: dict[Key, Any] = {}
    clock = history.opened().clock
    for change in (*history.changes, None):
        stored |= {key(d): orjson.dumps(deadline_row("acc", "tkt", d)) for d in clock.deadlines}
        facts = json.loads(orjson.dumps(clock_facts(clock)))
        live = [row for row in map(json.loads, stored.values()) if row["live"]]
        loaded = load_clock(clock.terms, clock.status, clock.priority, clock.tier, facts, live)
        step = advance(loaded, change) if change else catch_up(loaded, history.until)
        clock = step.clock
    stored |= {key(d): orjson.dumps(deadline_row("acc", "tkt", d)) for d in clock.deadlines}
    folded = catch_up(fold(history.opened().clock, history.changes).clock, history.until).clock
    assert stored == {key(d): orjson.dumps(deadline_row("acc", "tkt", d)) for d in folded.deadlines}
    assert clock_facts(clock) == clock_facts(folded)


@thorough
@given(histories)
def test_3_no_due_before_what_set_it_and_instants_never_decrease(history: History) -> None:
    events = [event for step, _ in history.steps() for event in step.events]
    assert all(earlier.at <= later.at for earlier, later in pairwise(events))
    for event in events:
        if event.kind in {"deadline.started", "deadline.moved", "deadline.resumed"}:
            deadline = event.deadline
            assert deadline
            assert deadline.due_at is None or deadline.due_at >= event.at


@thorough
@given(histories)
def test_4_a_raise_never_moves_due_later_and_a_lowering_never_earlier(history: History) -> None:
    for before, after, change in caught_up_each_time(history):
        if not isinstance(change, Priority):
            continue
        raised = before.terms.rank(change.priority) <= before.terms.rank(before.priority)
        moved = rows(after.deadlines)
        for old in before.deadlines:
            new = moved[key(old)]
            if old.state == new.state and old.state in OPEN_STATES and not old.fixed:
                was, is_ = (_due_if_resumed(deadline, before.terms, change.at) for deadline in (old, new))
                assert is_ <= was if raised else is_ >= was


@thorough
@given(histories)
def test_4_a_raise_by_a_miss_never_moves_due_later(history: History) -> None:
    moves = [event for step, _ in history.steps() for event in step.events if event.kind == "deadline.moved"]
    for event in moves:
        if event.reason == "priority_raised":
            assert event.after <= event.before
        elif event.reason == "priority_lowered":
            assert event.after >= event.before
        else:
            assert event.reason == "plan"


def _due_if_resumed(deadline: Deadline, terms: Terms, now: datetime) -> datetime:
    """When it is due; of a paused one, when it would be due if it were resumed now."""
    running = (
        with_span(deadline, Span(now, deadline.spans[-1].priority), terms) if deadline.state == "paused" else deadline
    )
    due = timed(running, terms).due_at
    assert due
    return due


@thorough
@given(histories, st.integers(0, 20), st.integers(0, 2))
def test_5_another_priority_and_back_at_one_instant_changes_nothing(history: History, later: int, pick: int) -> None:
    clock = fold(history.opened().clock, history.changes).clock
    now = clock.last_at + later * QUARTER
    before = catch_up(clock, now).clock
    other = clock.terms.priorities[pick % len(clock.terms.priorities)]
    after = fold(clock, [Priority(now, other), Priority(now, before.priority)]).clock
    for old in before.deadlines:
        if old.state in OPEN_STATES:
            new = rows(after.deadlines)[key(old)]
            assert replace(new, spans=old.spans) == old


@thorough
@given(histories)
def test_6_due_is_null_exactly_when_paused_and_wake_is_never_late(history: History) -> None:
    for step, _ in history.steps():
        live = [d for d in step.clock.deadlines if d.is_open]
        assert all((d.due_at is None) == (d.state == "paused") for d in live)
        running = [d.due_at for d in live if d.state == "running" and d.due_at]
        wake = wake_at(step.clock)
        assert not running or (wake and wake <= min(running))


@thorough
@given(histories)
def test_7_one_open_deadline_for_each_metric_and_ended_rows_stay(history: History) -> None:
    known: dict[Key, Deadline] = {}
    for step, _ in history.steps():
        now = rows(step.clock.deadlines)
        opened = Counter((d.metric, d.subject) for d in now.values() if d.is_open)
        started = {key(n.deadline) for n in step.events if n.kind == "deadline.started" and n.deadline}
        assert len(now) == len(step.clock.deadlines)
        assert max(opened.values(), default=0) <= 1
        for name, old in known.items():
            new = now[name]
            assert (new.started_at, new.metric) == (old.started_at, old.metric)
            if not old.live:
                assert new == old
            elif old.ended_at and name not in started:
                assert replace(new, spans=old.spans, live=True) == old
        known = now


@thorough
@given(histories)
def test_8_states_say_what_the_instants_say(history: History) -> None:
    for step, _ in history.steps():
        for deadline in step.clock.deadlines:
            due, missed, ended = deadline.due_at, deadline.missed_at, deadline.ended_at
            assert (deadline.state in {"missed", "met_late"}) == (missed is not None)
            assert missed is None or missed == due
            assert (deadline.state in OPEN_STATES) <= (ended is None)
            assert (deadline.state in {"met", "met_late"}) == (deadline.stopped_by is not None)
            if deadline.state == "met":
                assert ended
                assert due is None or ended <= due
            if deadline.state == "met_late":
                assert ended
                assert due
                assert ended > due


@thorough
@given(histories)
def test_8_nothing_is_missed_at_its_due_instant_and_everything_after_it(history: History) -> None:
    clock = catch_up(fold(history.opened().clock, history.changes).clock, history.until).clock
    due = min((d.due_at for d in clock.deadlines if d.state == "running" and d.due_at), default=None)
    assume(due and (clock.close_at is None or due <= clock.close_at))
    assert due
    just = {key(d) for d in clock.deadlines if d.state == "running" and d.due_at == due}
    for now, states in ((due, {"running"}), (due + TICK, {"missed", "met"})):
        after = rows(catch_up(clock, now).clock.deadlines)
        assert {after[name].state for name in just} <= states
    answered = rows(advance(clock, Message(due, "engineer")).clock.deadlines)
    assert {answered[name].state for name in just if name[0] in REPLIES} <= {"met"}


@thorough
@given(histories)
def test_9_consumed_and_remaining_are_the_target_where_nothing_moved(history: History) -> None:
    assume(not any(isinstance(change, Apply) for change in history.changes))
    clock = catch_up(fold(history.opened().clock, history.changes).clock, history.until).clock
    for deadline in clock.deadlines:
        if deadline.state not in OPEN_STATES or len({span.priority for span in deadline.spans}) > 1:
            continue
        told = explain(deadline, clock.terms, history.until).deciding
        ends = [*(span.at for span in deadline.spans[1:]), history.until]
        ran = [(span.at, end) for span, end in zip(deadline.spans, ends, strict=True) if not span.paused]
        worked = sum((told.target.calendar.working(*each) for each in ran), NOTHING)
        assert told.target == (Target(ALWAYS, deadline.fixed) if deadline.fixed else told.target)
        assert (told.consumed, told.remaining) == (worked, told.target.amount(deadline.started_at) - worked)
        if deadline.state == "running":
            assert deadline.due_at == told.target.calendar.due(history.until, told.remaining)


@thorough
@given(histories, lengths, st.tuples(lengths, lengths))
def test_10_due_is_what_working_says_adds_up_and_never_goes_back(
    history: History, later: timedelta, both: tuple[timedelta, timedelta]
) -> None:
    start, (one, two) = history.until, both
    for calendar in {target.calendar for row in history.terms.targets.values() for target in row.values()}:
        due = calendar.due(start, one)
        assert calendar.working(start, due) == one
        assert calendar.due(due, two) == calendar.due(start, one + two)
        assert due <= calendar.due(start + later, one)


@thorough
@given(histories)
def test_11_each_warning_and_effect_once_and_catching_up_ends(history: History) -> None:
    events = [event for step, _ in history.steps() for event in step.events]
    once = Counter(
        (key(n.deadline), n.kind, n.after if n.kind == "deadline.warning" else n.reason)
        for n in events
        if n.deadline and n.kind in {"deadline.warning", "deadline.missed", "effect"}
    )
    assert max(once.values(), default=1) == 1
    end = [step for step, _ in history.steps()][-1]
    assert catch_up(end.clock, history.until).clock == end.clock
    assert all(len(set(d.warned)) == len(d.warned) for d in end.clock.deadlines)


@thorough
@given(histories)
def test_c14_applying_what_holds_already_tells_nothing(history: History) -> None:
    """So applying a version again leaves a ticket alone, and what was cut off can be called again."""
    clock = catch_up(fold(history.opened().clock, history.changes).clock, history.until).clock
    if clock.status not in ("resolved", "closed"):
        assert advance(clock, Apply(max(history.until, clock.last_at), clock.terms)).events == ()


@thorough
@given(histories)
def test_11_an_effect_has_a_first_miss_of_its_instant_that_asks_for_it(history: History) -> None:
    terms = history.terms
    for step, change in history.steps():
        causes = [
            n.deadline for n in step.events if n.kind == "deadline.missed" and n.deadline and not n.deadline.chain
        ]
        asked = Counter((d.missed_at, effect) for d in causes for effect in terms.on_miss.get(d.metric, ()))
        left = {(n.at, "next_tier") for n in step.events if n.kind == "deadline.met" and n.by == "service"}
        done = Counter((n.at, effect) for n in step.events if n.by == "service" and (effect := _effect(n)))
        assert max(done.values(), default=1) == 1
        assert done.keys() <= asked.keys() | left
        terms = change.terms if isinstance(change, Apply) else terms


def _effect(event: ClockEvent) -> str | None:
    """What a miss did, if this tells of it."""
    return {"priority": "raise_priority", "tier": "next_tier", "effect": event.reason}.get(event.kind)


@thorough
@given(histories)
def test_12_what_is_owed_runs_and_nothing_after_the_end(history: History) -> None:
    waits, first = True, "first_response"
    for step, change in history.steps():
        clock = step.clock
        if any(event.reason == "reopened" and event.kind == "status" for event in step.events):
            waits, first = True, "next_response"
        elif isinstance(change, Message) and change.public and change.author != "automation":
            waits = change.author == "customer"
            first = first if waits else "next_response"
        owed = waits or isinstance(change, Reopen)
        open_metrics = {deadline.metric for deadline in clock.deadlines if deadline.is_open}
        if clock.status in {"resolved", "closed"}:
            assert not open_metrics
        elif owed and clock.terms.target(first, clock.priority):
            assert first in open_metrics
