from datetime import date

import pytest

from app.calendars.hours import CalendarSpec, check_spec, compile_calendar, parse_time
from app.core.zones import load_zone

NINE_TO_FIVE = {0: ((540, 1020),)}


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("09:30", 570), ("23:59", 1439), ("24:00", 1440)])
def test_a_time_of_day_is_minutes_from_midnight(text: str, minutes: int) -> None:
    assert parse_time(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "9:00", "24:01", "12:60", "09:00:00", " 09:00", "09:00\n", "\u0660\u0669:00", "-1:00"]
)
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HH:MM"):
        parse_time(text)


@pytest.mark.parametrize("zone", ["account", "UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_c01_zones_that_are_known(zone: str) -> None:
    assert check_spec(CalendarSpec(zone, NINE_TO_FIVE)) == []


@pytest.mark.parametrize(
    "zone", ["", "Europe/Atlantis", "../etc/passwd", "/etc/localtime", "America", "a\0b", "X" * 300]
)
def test_c01_an_unknown_zone_is_refused(zone: str) -> None:
    ((path, message),) = check_spec(CalendarSpec(zone, NINE_TO_FIVE))
    assert path == ("time_zone",)
    assert "IANA" in message
    with pytest.raises(ValueError, match="IANA"):
        load_zone(zone)


@pytest.mark.parametrize(
    ("windows", "path"),
    [
        pytest.param(((540, 720), (700, 800)), ("weekly", "sun", 1), id="overlap"),
        pytest.param(((700, 800), (540, 720)), ("weekly", "sun", 0), id="overlap, in any order"),
        pytest.param(((0, 1440), (60, 120)), ("weekly", "sun", 1), id="inside another"),
        pytest.param(((540, 540),), ("weekly", "sun", 0), id="empty"),
        pytest.param(((1320, 360),), ("weekly", "sun", 0), id="crosses midnight"),
        pytest.param(((1320, 1441),), ("weekly", "sun", 0), id="after 24:00"),
        pytest.param(tuple((minute, minute + 1) for minute in range(13)), ("weekly", "sun"), id="too many"),
    ],
)
def test_c01_windows_that_are_refused(windows: tuple[tuple[int, int], ...], path: tuple[str | int, ...]) -> None:
    assert [found for found, _ in check_spec(CalendarSpec("UTC", {6: windows}))] == [path]


def test_c01_windows_that_touch_are_no_overlap() -> None:
    assert check_spec(CalendarSpec("UTC", {6: ((540, 720), (720, 1440), (0, 60))})) == []


@pytest.mark.parametrize("weekly", [{}, {0: (), 4: ()}])
def test_c01_a_calendar_that_never_opens_is_refused(weekly: dict[int, tuple[tuple[int, int], ...]]) -> None:
    ((path, message),) = check_spec(CalendarSpec("UTC", weekly))
    assert path == ("weekly",)
    assert "never opens" in message


def test_c01_all_faults_are_found_at_once() -> None:
    paths = [path for path, _ in check_spec(CalendarSpec("Mars", {0: ((9, 9),), 1: ((0, 60), (30, 90))}))]
    assert paths == [("time_zone",), ("weekly", "mon", 0), ("weekly", "tue", 1)]


def test_c01_a_calendar_has_closed_time_unless_it_covers_the_week() -> None:
    halves = dict.fromkeys(range(7), ((720, 1440), (0, 720)))
    assert CalendarSpec("Europe/Madrid", halves).is_always_open
    assert not CalendarSpec("Europe/Madrid", halves, frozenset({date(2026, 1, 1)})).is_always_open
    assert not CalendarSpec("Europe/Madrid", halves | {3: ((0, 720), (721, 1440))}).is_always_open
    assert not CalendarSpec("Europe/Madrid", dict.fromkeys(range(6), ((0, 1440),))).is_always_open


def test_equal_specs_are_one_key_of_a_cache() -> None:
    assert len({CalendarSpec("UTC", NINE_TO_FIVE), CalendarSpec("UTC", {0: ((540, 1020),)})}) == 1
    assert len({CalendarSpec("UTC", NINE_TO_FIVE), CalendarSpec("UTC", {1: ((540, 1020),)})}) == 2


def test_the_zone_account_is_never_compiled() -> None:
    with pytest.raises(ValueError, match="IANA"):
        compile_calendar(CalendarSpec("account", NINE_TO_FIVE))
