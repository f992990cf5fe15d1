"""The calendar against the oracle, and against itself (invariant 10), on days on which clocks change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.calendars.hours import Calendar, CalendarSpec, compile_calendar
from tests.calendars.oracle import MINUTE, Face, Oracle, face
from tests.support.properties import examples

DAYS = 12
CHANGES = [  # a zone and a day near which its clocks change, or something else is odd
    ("Africa/Cairo", "2026-04-24"),  # forward at midnight
    ("Africa/Cairo", "2026-10-29"),  # back at 24:00
    ("Africa/Casablanca", "2026-02-15"),  # Ramadan: standard time is the summer one
    ("Africa/Casablanca", "2026-03-22"),
    ("America/Asuncion", "2024-03-24"),
    ("America/Caracas", "2007-12-09"),  # back by half an hour, for good
    ("America/Caracas", "2016-05-01"),
    ("America/Havana", "2025-03-09"),
    ("America/Havana", "2025-11-02"),  # 00:00 is shown twice
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("America/Nuuk", "2023-03-26"),
    ("America/Nuuk", "2026-10-24"),
    ("America/Santiago", "2026-04-04"),
    ("America/Santiago", "2026-09-06"),
    ("America/Sao_Paulo", "2018-02-17"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Scoresbysund", "2024-03-31"),
    ("America/St_Johns", "2010-03-14"),  # forward at 00:01
    ("America/St_Johns", "2010-11-07"),  # back at 00:01, over midnight
    ("Antarctica/Casey", "2010-03-05"),  # back by three hours
    ("Antarctica/Troll", "2026-03-29"),  # by two hours
    ("Antarctica/Troll", "2026-10-25"),
    ("Asia/Amman", "2021-10-29"),
    ("Asia/Beirut", "2026-03-29"),
    ("Asia/Beirut", "2026-10-24"),
    ("Asia/Gaza", "2026-10-24"),
    ("Asia/Kathmandu", "1986-01-01"),
    ("Asia/Kathmandu", "2026-01-01"),
    ("Asia/Pyongyang", "2018-05-05"),
    ("Asia/Tehran", "2022-03-22"),
    ("Asia/Tehran", "2021-09-21"),
    ("Asia/Kolkata", "2026-06-01"),
    ("Atlantic/Azores", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-04-05"),  # by half an hour
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Europe/Dublin", "2026-03-29"),
    ("Europe/Dublin", "2026-10-25"),
    ("Europe/Madrid", "2026-03-29"),
    ("Europe/Madrid", "2190-10-31"),
    ("Europe/Volgograd", "2018-10-28"),
    ("Europe/Warsaw", "2026-03-29"),
    ("Europe/Warsaw", "2026-10-25"),
    ("Pacific/Apia", "2011-12-30"),  # a day that never was
    ("Pacific/Chatham", "2026-04-05"),
    ("Pacific/Chatham", "2026-09-27"),
    ("Pacific/Kiritimati", "1994-12-31"),  # another one
    ("Pacific/Kwajalein", "1993-08-21"),  # and another
    ("UTC", "2024-02-28"),
]
NAMED = {
    "America/New_York",
    "Europe/Warsaw",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",
}
CASES = 41
"""For each of these days, in `make check` too; all together at least 2,000."""
ODD_MINUTES = [0, 1, 23, 59, 60, 61, 90, 120, 150, 165, 180, 240, 540, 720, 1050, 1380, 1381, 1410, 1439, 1440]


@dataclass(frozen=True)
class Case:
    zone: str
    since: datetime
    weekly: dict[int, tuple[tuple[int, int], ...]]
    holidays: frozenset[date]

    @property
    def face(self) -> Face:
        return face(self.zone, self.since, DAYS)

    @property
    def weekly_minutes(self) -> int:
        return sum(closes - opens for windows in self.weekly.values() for opens, closes in windows)

    @property
    def calendar(self) -> Calendar:
        return compile_calendar(CalendarSpec(self.zone, self.weekly, self.holidays))

    def at(self, micros: int) -> datetime:
        return self.since + timedelta(microseconds=micros)


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Windows of one day that do not overlap; some touch, and some touch midnight."""
    minutes = st.sampled_from(ODD_MINUTES) | st.integers(0, 1440)
    edges = sorted(draw(st.sets(minutes, max_size=6)))
    pairs = list(pairwise(edges))
    return tuple(pairs if draw(st.booleans()) else pairs[::2])


@st.composite
def cases(draw: st.DrawFn, *places: tuple[str, str]) -> Case:
    zone, day = draw(st.sampled_from(places))
    middle = date.fromisoformat(day)
    usual, other = draw(windows()), draw(windows())
    unusual = draw(st.sets(st.integers(0, 6), max_size=3))
    holidays = draw(st.sets(st.integers(-4, 4), max_size=3))
    return Case(
        zone=zone,
        since=datetime(middle.year, middle.month, middle.day, tzinfo=UTC) - timedelta(days=DAYS // 2),
        weekly={weekday: other if weekday in unusual else usual for weekday in range(7)},
        holidays=frozenset(middle + timedelta(days=offset) for offset in holidays),
    )


def instants(oracle: Oracle) -> st.SearchStrategy[int]:
    """Any microsecond in the inner days, and every opening and closing with its neighbours."""
    first, last = 2 * 1440 * MINUTE, (DAYS - 3) * 1440 * MINUTE
    anywhere = st.integers(first, last)
    edges = [edge + step for window in oracle.windows() for edge in window for step in (-1, 0, 1)]
    inner = [edge for edge in edges if first <= edge <= last]
    return st.sampled_from(inner) | anywhere if inner else anywhere


def amounts() -> st.SearchStrategy[int]:
    return st.integers(0, 3 * 1440 * MINUTE) | st.integers(0, 240).map(lambda quarters: quarters * 15 * MINUTE)


slow = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def test_two_thousand_cases_are_compared_and_the_named_zones_are_among_them() -> None:
    assert len(CHANGES) * CASES >= 2000
    assert {zone for zone, _ in CHANGES} >= NAMED
    assert ("Pacific/Apia", "2011-12-30") in CHANGES


@pytest.mark.parametrize("place", CHANGES, ids=" ".join)
def test_c02_c03_c04_c05_every_answer_is_the_oracles(place: tuple[str, str]) -> None:
    compared = 0

    @settings(slow, max_examples=CASES)
    @given(case=cases(place), data=st.data())
    def compare(case: Case, data: Any) -> None:
        nonlocal compared
        compare_with_oracle(case, data)
        compared += 1

    compare()
    assert compared >= CASES


def compare_with_oracle(case: Case, data: Any) -> None:
    calendar, oracle = case.calendar, Oracle(case.face, case.weekly, case.holidays)
    inner = range(2 * 1440 * MINUTE, (DAYS - 2) * 1440 * MINUTE)
    found = calendar.open_windows(case.at(inner.start), case.at(inner.stop))
    clipped = ((max(since, inner.start), min(until, inner.stop)) for since, until in oracle.windows())
    assert list(found) == [(case.at(since), case.at(until)) for since, until in clipped if since < until]
    for start in data.draw(st.lists(instants(oracle), min_size=3, max_size=5)):
        end = start + data.draw(st.integers(0, inner.stop - start))
        assert calendar.working(case.at(start), case.at(end)) == timedelta(microseconds=oracle.working(start, end))
        assert calendar.is_open(case.at(start)) == (oracle.owner[start // MINUTE] is not None)
        amount, count = data.draw(amounts()), data.draw(st.integers(1, 3))
        if (due := oracle.due(start, amount)) is not None and due < inner.stop:
            assert calendar.due(case.at(start), timedelta(microseconds=amount)) == case.at(due)
        due = None if calendar.always_open else oracle.business_due(start, count)
        if due is not None and due < inner.stop:
            assert calendar.due(case.at(start), calendar.business_days(case.at(start), count)) == case.at(due)


@settings(slow, max_examples=examples(200))
@given(
    case=cases(*CHANGES).filter(lambda case: case.weekly_minutes >= 60),
    starts=st.tuples(st.integers(0, 10 * 1440 * MINUTE), st.integers(0, 40 * 1440 * MINUTE)),
    lengths=st.tuples(amounts(), amounts()),
)
def test_c04_due_adds_up_and_never_goes_back(case: Case, starts: tuple[int, int], lengths: tuple[int, int]) -> None:
    calendar = case.calendar
    start, later = case.at(starts[0]), case.at(sum(starts))
    one, two = (timedelta(microseconds=length) for length in lengths)
    due = calendar.due(start, one)
    assert calendar.working(start, due) == one
    assert calendar.due(due, two) == calendar.due(start, one + two)
    assert due <= calendar.due(later, one)
    assert calendar.working(start, later) + calendar.working(later, later + two) == calendar.working(start, later + two)
