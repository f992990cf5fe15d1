"""Which region works in the daytime of a time zone (G7)."""

from datetime import UTC, datetime

import pytest

from app.calendars.daytime import daytime_region
from app.calendars.hours import Calendar, CalendarSpec, compile_calendar, parse_time
from app.core.zones import load_zone

NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)


def office(zone: str, opens: str, closes: str, days: int = 7) -> Calendar:
    window = ((parse_time(opens), parse_time(closes)),)
    return compile_calendar(CalendarSpec(zone, {day: window if day < days else () for day in range(7)}))


REGIONS = {
    "apac": office("Asia/Singapore", "08:00", "17:00"),
    "emea": office("Europe/Warsaw", "08:00", "18:00"),
    "americas": office("America/Los_Angeles", "09:00", "18:00"),
}


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Europe/Madrid", "emea"), ("Asia/Tokyo", "apac"), ("America/New_York", "americas"), ("Asia/Kolkata", "apac")],
)
def test_g7_the_region_that_shares_most_hours(zone: str, expected: str) -> None:
    assert daytime_region(REGIONS, load_zone(zone), NOW) == expected


def test_g7_the_order_of_the_sun_decides_between_equals() -> None:
    twins = {"one": REGIONS["emea"], "two": REGIONS["emea"]}
    assert daytime_region(twins, load_zone("Europe/Madrid"), NOW) == "one"


def test_g7_more_days_are_more() -> None:
    regions = {"weekdays": office("Europe/Warsaw", "08:00", "18:00", days=5), "always": REGIONS["emea"]}
    assert daytime_region(regions, load_zone("Europe/Madrid"), NOW) == "always"


def test_g7_a_region_of_the_night_is_none() -> None:
    assert daytime_region({"night": office("UTC", "20:00", "23:00")}, load_zone("Europe/Madrid"), NOW) is None
    assert daytime_region({}, load_zone("Europe/Madrid"), NOW) is None
