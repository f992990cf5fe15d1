from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.calendars import hours as compiled
from app.calendars.hours import ALWAYS, BeyondCalendar, Calendar, CalendarSpec, compile_calendar, parse_time
from app.calendars.table import WorkingDates, working_dates

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
Local = Callable[[str], datetime]


def local(zone: str) -> Local:
    """Instants, in UTC, from local wall time in a zone; a leading ~ is the second of two occurrences."""
    return lambda text: (
        datetime.fromisoformat(text.lstrip("~"))
        .replace(tzinfo=ZoneInfo(zone), fold=int(text.startswith("~")))
        .astimezone(UTC)
    )


def calendar(zone: str, days: str, *windows: str, holidays: tuple[str, ...] = ()) -> Calendar:
    """``days`` are digits, 0 for Monday; a window is written ``09:00-18:00``."""
    times = tuple((parse_time(text[:5]), parse_time(text[6:])) for text in windows)
    spec = CalendarSpec(zone, {int(day): times for day in days}, frozenset(map(date.fromisoformat, holidays)))
    return compile_calendar(spec)


NEW_YORK = local("America/New_York")
ZMANDA = calendar("America/New_York", "01234", "08:00-17:00")
WATI = calendar("America/New_York", "01234", "09:00-18:00")
SUNDAY = calendar("America/New_York", "6", "00:00-01:30", "01:30-04:00")


@pytest.mark.parametrize(
    ("hours", "amount", "opened", "due"),
    [
        pytest.param(ZMANDA, 3 * HOUR, "2026-11-20T15:30", "2026-11-23T09:30", id="1"),
        pytest.param(ZMANDA, 8 * HOUR, "2026-11-23T09:00", "2026-11-23T17:00", id="2"),
        pytest.param(ZMANDA, 24 * HOUR, "2026-11-21T12:00", "2026-11-25T14:00", id="3"),
        pytest.param(ALWAYS, HOUR / 2, "2026-11-01T01:45", "~2026-11-01T01:15", id="4"),
        pytest.param(SUNDAY, 5 * HOUR, "2026-11-01T00:00", "2026-11-01T04:00", id="14"),
    ],
)
def test_worked_examples_of_durations(hours: Calendar, amount: timedelta, opened: str, due: str) -> None:
    assert hours.due(NEW_YORK(opened), amount) == NEW_YORK(due)


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        pytest.param("2026-11-21T12:00", "2026-11-23T18:00", id="5"),
        pytest.param("2026-11-24T10:00", "2026-11-25T10:00", id="6"),
    ],
)
def test_worked_examples_of_business_days(opened: str, due: str) -> None:
    start = NEW_YORK(opened)
    assert WATI.due(start, WATI.business_days(start, 1)) == NEW_YORK(due)


def test_c02_midnight_is_no_gap_and_a_holiday_takes_its_own_date_only() -> None:
    night = calendar("Europe/Madrid", "0123456", "00:00-06:00", "22:00-24:00", holidays=("2026-05-06",))
    at = local("Europe/Madrid")
    assert list(night.open_windows(at("2026-05-04T12:00"), at("2026-05-07T12:00"))) == [
        (at("2026-05-04T22:00"), at("2026-05-05T06:00")),
        (at("2026-05-05T22:00"), at("2026-05-06T00:00")),
        (at("2026-05-07T00:00"), at("2026-05-07T06:00")),
    ]
    assert night.due(at("2026-05-04T23:00"), 2 * HOUR) == at("2026-05-05T01:00")


@pytest.mark.parametrize(
    ("zone", "window", "opens", "closes"),
    [
        pytest.param("Europe/Madrid", "00:00-24:00", "03-29T00:00+01:00", "03-30T00:00+02:00", id="an hour shorter"),
        pytest.param("Europe/Madrid", "00:00-24:00", "10-25T00:00+02:00", "10-26T00:00+01:00", id="an hour longer"),
        pytest.param("Europe/Madrid", "02:30-05:00", "03-29T03:00+02:00", "03-29T05:00+02:00", id="opens in the gap"),
        pytest.param("Europe/Madrid", "01:00-02:30", "03-29T01:00+01:00", "03-29T03:00+02:00", id="closes in the gap"),
        pytest.param("Europe/Madrid", "02:30-04:00", "10-25T02:30+02:00", "10-25T04:00+01:00", id="opens at the first"),
        pytest.param("Europe/Madrid", "01:00-02:30", "10-25T01:00+02:00", "10-25T02:30+01:00", id="closes at the last"),
        pytest.param("Australia/Lord_Howe", "01:45-03:00", "04-05T01:45+11:00", "04-05T03:00+10:30", id="half an hour"),
        pytest.param("Africa/Cairo", "00:00-02:00", "04-24T01:00+03:00", "04-24T02:00+03:00", id="gap at midnight"),
        pytest.param("Africa/Cairo", "22:00-24:00", "10-29T22:00+03:00", "10-30T00:00+02:00", id="set back at 24:00"),
        pytest.param("Africa/Cairo", "22:00-23:30", "10-29T22:00+03:00", "10-29T23:30+02:00", id="twice before 24:00"),
        pytest.param("Asia/Kathmandu", "09:00-18:00", "02-16T09:00+05:45", "02-16T18:00+05:45", id="odd offset"),
    ],
)
def test_c03_an_opening_and_a_closing_on_days_of_clock_changes(zone: str, window: str, opens: str, closes: str) -> None:
    start, end = (datetime.fromisoformat(f"2026-{text}") for text in (opens, closes))
    hours = calendar(zone, str(start.weekday()), window)
    assert list(hours.open_windows(start - 24 * HOUR, end + 24 * HOUR)) == [(start, end)]
    assert hours.working(start, end) == end - start


@pytest.mark.parametrize("window", ["22:00-23:30", "22:00-24:00"])
def test_c03_a_window_ends_with_its_date_when_midnight_comes_twice(window: str) -> None:
    saturday = calendar("America/St_Johns", "5", window)  # at 00:01 on Sunday the clocks went back to 23:01
    start, midnight = (datetime.fromisoformat(f"2010-11-{text}-02:30") for text in ("06T22:00", "07T00:00"))
    assert list(saturday.open_windows(start - HOUR, midnight + 24 * HOUR)) == [(start, midnight)]


def test_c03_working_time_is_inside_the_union_of_windows() -> None:
    nested = calendar("UTC", "0", "09:00-17:00", "10:00-11:00")
    monday = datetime(2026, 5, 4, tzinfo=UTC)
    assert nested.working(monday, monday + 24 * HOUR) == 8 * HOUR


def test_c03_an_opening_is_open_and_a_closing_is_not() -> None:
    opening, closing = NEW_YORK("2026-11-20T08:00"), NEW_YORK("2026-11-20T17:00")
    assert [ZMANDA.is_open(at) for at in (opening - TICK, opening, closing - TICK, closing)] == [
        False,
        True,
        True,
        False,
    ]
    assert list(ZMANDA.open_windows(closing, closing + HOUR)) == []


def test_c04_a_closing_is_due_before_the_next_opening() -> None:
    opening, closing, next_opening = (NEW_YORK(f"2026-11-{text}") for text in ("20T08:00", "20T17:00", "23T08:00"))
    assert ZMANDA.due(opening, 9 * HOUR) == closing
    assert ZMANDA.due(opening, 9 * HOUR + TICK) == next_opening + TICK
    assert ZMANDA.due(closing, TICK) == next_opening + TICK


@pytest.mark.parametrize("hours", [ZMANDA, ALWAYS])
def test_c04_nothing_to_work_is_due_at_once_also_when_closed(hours: Calendar) -> None:
    start = NEW_YORK("2026-11-21T12:00")
    assert hours.due(start, timedelta(0)) == start


SPLIT = calendar("Europe/Madrid", "01234", "09:00-13:00", "15:00-18:00", holidays=("2026-05-06",))


@pytest.mark.parametrize(
    ("opened", "count", "due"),
    [
        pytest.param("2026-05-04T08:00", 1, "2026-05-04T18:00", id="before the opening, the day counts"),
        pytest.param("2026-05-04T09:00", 2, "2026-05-05T18:00", id="at the opening, too"),
        pytest.param("2026-05-04T10:00", 1, "2026-05-05T10:00", id="same point of the next day"),
        pytest.param("2026-05-04T14:00", 1, "2026-05-05T13:00", id="at noon, the end of the next morning"),
        pytest.param("2026-05-04T18:00", 1, "2026-05-05T18:00", id="at the closing, the next day counts"),
        pytest.param("2026-05-05T10:00", 1, "2026-05-07T10:00", id="past a holiday"),
        pytest.param("2026-05-06T10:00", 1, "2026-05-07T18:00", id="on a holiday"),
        pytest.param("2026-05-08T17:30", 3, "2026-05-13T17:30", id="past a weekend"),
    ],
)
def test_c05_business_days_on_split_days(opened: str, count: int, due: str) -> None:
    at = local("Europe/Madrid")
    assert SPLIT.due(at(opened), SPLIT.business_days(at(opened), count)) == at(due)


def test_c05_a_shorter_day_ends_at_its_closing() -> None:
    short_friday = compile_calendar(CalendarSpec("Europe/Madrid", {3: ((540, 1080),), 4: ((540, 840),)}))
    at = local("Europe/Madrid")
    late, early = at("2026-05-07T17:00"), at("2026-05-07T10:00")
    assert short_friday.due(late, short_friday.business_days(late, 1)) == at("2026-05-08T14:00")
    assert short_friday.due(early, short_friday.business_days(early, 1)) == at("2026-05-08T10:00")


def test_c05_a_date_that_a_zone_skips_is_no_working_day() -> None:
    daily = calendar("Pacific/Apia", "0123456", "09:00-18:00")
    at = local("Pacific/Apia")
    start = at("2011-12-29T10:00")
    assert daily.due(start, daily.business_days(start, 1)) == at("2011-12-31T10:00")


def test_c05_business_days_need_closed_time_and_a_count() -> None:
    with pytest.raises(ValueError, match="closed time"):
        ALWAYS.business_days(NEW_YORK("2026-05-04T10:00"), 1)
    with pytest.raises(ValueError, match="from one"):
        WATI.business_days(NEW_YORK("2026-05-04T10:00"), 0)


def test_c06_every_microsecond_counts() -> None:
    start = NEW_YORK("2026-11-20T15:30") + 7 * TICK
    due = ZMANDA.due(start, 400 * HOUR + TICK)
    assert ZMANDA.working(start, due) == 400 * HOUR + TICK
    assert ZMANDA.working(start, due - TICK) == 400 * HOUR
    assert ZMANDA.working(start + TICK, due) == 400 * HOUR


def test_the_order_of_questions_changes_no_answer() -> None:
    instants = [NEW_YORK(f"{year}-12-31T16:59:30") for year in (2040, 1971, 2026, 2033, 2199)]
    shared = calendar("America/New_York", "01234", "08:00-17:00", holidays=("2026-01-01",))
    for start in instants:
        alone = calendar("America/New_York", "01234", "08:00-17:00", holidays=("2026-01-01",))
        assert shared.due(start, 30 * HOUR) == alone.due(start, 30 * HOUR)
        assert shared.business_days(start, 5) == alone.business_days(start, 5)


def test_a_calendar_that_is_asked_for_years_far_apart_keeps_few_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    tabulated: list[int] = []

    def counting(spec: CalendarSpec, zone: ZoneInfo, years: range) -> WorkingDates:
        tabulated.extend(years)
        return working_dates(spec, zone, years)

    monkeypatch.setattr(compiled, "working_dates", counting)
    shared = calendar("Europe/Madrid", "01234", "09:00-18:00")
    at = local("Europe/Madrid")
    first, far, before = (at(f"{year}-03-04T12:00") for year in (2026, 2150, 2149))
    assert all(shared.is_open(start) for start in (first, far, before, first))
    assert tabulated == [2026, 2150, 2149, 2026]
    assert shared.working(first, far) == calendar("Europe/Madrid", "01234", "09:00-18:00").working(first, far)
    tabulated.clear()
    assert shared.is_open(first)
    assert tabulated == []


def test_ten_years_of_working_time_can_be_due() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    due = WATI.due(start, timedelta(days=3653))
    assert due.year == 2063
    assert WATI.working(start, due) == timedelta(days=3653)


@pytest.mark.parametrize("hours", [WATI, ALWAYS])
def test_years_outside_1970_to_2200_are_refused(hours: Calendar) -> None:
    first, last = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, 23, tzinfo=UTC)
    assert hours.working(first, last) > timedelta(0)
    with pytest.raises(BeyondCalendar, match="1970 to 2200"):
        hours.is_open(first - TICK)
    with pytest.raises(BeyondCalendar, match=r"2200|2201"):
        hours.due(last, 24 * HOUR)


def test_a_calendar_that_opens_too_rarely_is_refused() -> None:
    never, rarely = calendar("UTC", ""), calendar("UTC", "0", "09:00-09:01")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for hours in (never, rarely):
        with pytest.raises(BeyondCalendar, match="2201"):
            hours.due(start, 1000 * HOUR)
    with pytest.raises(BeyondCalendar, match="2201"):
        never.business_days(start, 1)


def test_time_does_not_run_backwards() -> None:
    later, earlier = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="ends at or after"):
        WATI.working(later, earlier)
    with pytest.raises(ValueError, match="never negative"):
        WATI.due(later, -TICK)


def test_always_is_open_from_the_first_to_the_last_microsecond_asked_for() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert ALWAYS.always_open
    assert ALWAYS.name == "24x7"
    assert ALWAYS.is_open(start)
    assert list(ALWAYS.open_windows(start, end)) == [(start, end)]
    assert list(ALWAYS.open_windows(start, start)) == []
