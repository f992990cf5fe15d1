from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.calendars.hours import ALWAYS, Calendar, CalendarSpec, compile_calendar, parse_time

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
