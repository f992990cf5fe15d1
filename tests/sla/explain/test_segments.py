"""Explanations add up, whatever has happened (C19, invariant 9)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given

from app.calendars.hours import ALWAYS, CalendarSpec, compile_calendar
from app.sla.clock.changes import Apply
from app.sla.clock.clock import Clock, advance, catch_up
from app.sla.clock.deadline import OPEN_STATES, Deadline
from app.sla.clock.terms import Terms
from app.sla.explain.segments import MAX_WINDOWS, Explanation, Segment, explain
from tests.sla.changing import engineer, priority, status, waiting
from tests.sla.histories import History, histories, thorough
from tests.sla.kit import HOUR, TERMS, Story, at, days, plan, row

NOTHING = timedelta(0)


@dataclass
class Known:
    """A deadline as it was seen last, and the terms that were in force when it was still open."""

    deadline: Deadline
    terms: Terms
    unmoved: bool


def explained(history: History) -> Iterator[tuple[Known, Explanation]]:
    """Every deadline after every change, and at the end, with its explanation."""
    known: dict[tuple[str, str, int], Known] = {}
    clock = history.opened().clock
    for change in (*history.changes, None):
        now = change.at if change else history.until
        _look(known, catch_up(clock, now).clock, unmoved=True)
        clock = advance(clock, change).clock if change else catch_up(clock, now).clock
        _look(known, clock, unmoved=not isinstance(change, Apply))
        for each in known.values():
            yield each, explain(each.deadline, each.terms, now)


def _look(known: dict[tuple[str, str, int], Known], clock: Clock, *, unmoved: bool) -> None:
    for deadline in clock.deadlines:
        key = (deadline.metric, deadline.subject, deadline.cycle)
        before = known.get(key)
        if before is None or deadline.state in OPEN_STATES:
            steady = unmoved if before is None else before.unmoved and unmoved
            same = len({span.priority for span in deadline.spans}) == 1
            known[key] = Known(deadline, clock.terms, steady and same)
        else:
            before.deadline = deadline


def working(segments: Sequence[Segment]) -> timedelta:
    return sum((segment.working for segment in segments), NOTHING)


@thorough
@given(histories)
def test_c19_segments_have_no_gap_and_no_overlap(history: History) -> None:
    for known, told in explained(history):
        deadline, segments = known.deadline, told.segments
        stop = min(each for each in (deadline.ended_at, deadline.due_at, told.now) if each)
        marks = [deadline.started_at, *(segment.end for segment in segments)]
        assert [segment.start for segment in segments] == marks[:-1]
        assert marks[-1] == stop
        assert all(segment.start < segment.end for segment in (*segments, *told.ahead))


@thorough
@given(histories)
def test_c19_running_segments_add_up_to_what_was_consumed(history: History) -> None:
    for _, told in explained(history):
        calendar = told.deciding.target.calendar
        assert working(told.segments) == told.deciding.consumed
        for segment in (*told.segments, *told.ahead):
            open_time = calendar.working(segment.start, segment.end)
            assert segment.working == (open_time if segment.kind == "running" else NOTHING)
            assert segment.kind != "outside_hours" or open_time == NOTHING


@thorough
@given(histories)
def test_c19_invariant_9_consumed_and_remaining_are_the_target_where_nothing_moved(history: History) -> None:
    for known, told in explained(history):
        if known.unmoved:
            assert told.deciding.consumed + told.deciding.remaining == told.deciding.amount
            assert told.deciding.amount == told.deciding.target.amount(known.deadline.started_at)


@thorough
@given(histories)
def test_c19_the_countdown_that_decides_gives_the_due_instant(history: History) -> None:
    for known, told in explained(history):
        deadline, names = known.deadline, {span.priority for span in known.deadline.spans}
        if names <= set(known.terms.priorities):  # else an applied plan has renamed what a cancelled one was at
            assert told.deciding.due_at == deadline.due_at
        assert told.deciding.due_at is None or all(
            each.due_at and each.due_at >= told.deciding.due_at for each in told.others
        )


@thorough
@given(histories)
def test_c19_what_is_ahead_leads_from_now_to_the_due_instant(history: History) -> None:
    for known, told in explained(history):
        if known.deadline.state != "running":
            assert told.ahead == ()
            continue
        due = known.deadline.due_at
        assert due
        marks = [told.now, *(segment.end for segment in told.ahead)]
        assert marks[-1] == due
        assert [segment.start for segment in told.ahead] == marks[:-1]
        assert working(told.ahead) == told.deciding.remaining


def kinds(segments: Sequence[Segment]) -> list[tuple[str, float]]:
    """What the segments are, and how many hours each lasts."""
    return [(segment.kind, (segment.end - segment.start) / HOUR) for segment in segments]


def test_c19_a_raise_a_pause_and_a_night() -> None:
    terms = plan(first_response=row(P1=1, P2=2), resolution=row(P1=2, P2=days(1)))
    story = Story(terms, priority(4, "P1"), engineer(5), waiting(5), status(6, "open"))
    told = explain(story.last("resolution"), terms, at(6.5))
    assert kinds(told.segments) == [("not_counting", 4), ("running", 1), ("paused", 1), ("running", 0.5)]
    assert (told.deciding.priority, told.deciding.consumed, told.deciding.remaining) == ("P1", 1.5 * HOUR, HOUR / 2)
    [other] = told.others
    assert (other.priority, other.target.business_days, other.amount) == ("P2", 1, 9 * HOUR)
    assert (other.consumed, other.due_at) == (5.5 * HOUR, at(25))
    assert kinds(told.ahead) == [("running", 0.5)]


def test_c19_a_less_urgent_countdown_that_ends_sooner_decides() -> None:
    terms = plan(resolution=row(P1=4, P2=6))
    story = Story(terms, priority(5, "P1"))
    told = explain(story.last("resolution"), terms, at(5))
    assert (told.deciding.priority, told.deciding.due_at) == ("P2", at(6))
    assert kinds(told.segments) == [("running", 5)]
    assert [(other.priority, other.due_at) for other in told.others] == [("P1", at(9))]


def test_c19_what_was_missed_is_explained_up_to_its_due_instant() -> None:
    story = Story(TERMS, until=5)
    missed = story.last("first_response")
    told = explain(missed, TERMS, at(5))
    assert (missed.state, told.deciding.consumed, told.deciding.remaining) == ("missed", 2 * HOUR, NOTHING)
    assert kinds(told.segments) == [("running", 2)]


def test_c19_closed_time_is_told_apart() -> None:
    terms = plan(resolution=row(P2=days(2)))
    told = explain(Story(terms).last("resolution"), terms, at(24))
    assert kinds(told.segments) == [("running", 8), ("outside_hours", 15), ("running", 1)]
    assert kinds(told.ahead) == [("running", 8), ("outside_hours", 15), ("running", 1)]


def test_c19_too_many_windows_are_one_segment_that_still_adds_up() -> None:
    hourly = tuple((hour * 60, hour * 60 + 30) for hour in range(12))
    calendar = compile_calendar(CalendarSpec("UTC", dict.fromkeys(range(7), hourly)))
    terms = plan(resolution=row(P2=days(400, calendar)))
    story = Story(terms)
    told = explain(story.last("resolution"), terms, at(24 * 100))
    assert len(told.segments) == 1 < MAX_WINDOWS
    assert told.segments[0].working == told.deciding.consumed < told.segments[0].end - told.segments[0].start
    assert working(told.ahead) == told.deciding.remaining


def test_c19_an_acknowledgement_runs_around_the_clock() -> None:
    terms = replace(plan(resolution=row(P2=1)), on_miss={"resolution": ("open_escalation",)})
    story = Story(terms, until=1.25)
    told = explain(story.last("escalation_ack"), terms, at(1.25))
    assert (told.deciding.target.calendar, told.deciding.consumed, told.others) == (ALWAYS, HOUR / 4, ())
