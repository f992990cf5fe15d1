from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.hours import MAX_DURATION, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT30M", 1800), ("PT1H30M", 5400), ("PT2.5S", 2.5), ("PT0.000001S", 1e-6), ("PT168H", 604_800), ("PT90M", 5400)],
)
def test_durations_that_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["P1D", "P1W", "P1M", "P1Y", "P1DT2H", "P0.5D", "-P1D"])
def test_c01_a_day_is_not_a_length(text: str) -> None:
    with pytest.raises(ValueError, match=r"PT24H, or \{business_days: 1\}"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["PT0S", "PT0H0M", "PT87673H", "PT999999999H"])
def test_c01_nothing_and_more_than_ten_years_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than zero"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "30M", "PT-1H", "-PT1H", "PT1M1H", "pt1h", "PT1.5H", "PT1.0000001S", "PT1H\n", "PT\u0661H"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="hours, minutes and seconds"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(hours=1, minutes=30), "PT1H30M"),
        (timedelta(days=2), "PT48H"),
        (timedelta(seconds=2.5), "PT2.5S"),
        (timedelta(seconds=10), "PT10S"),
        (timedelta(0), "PT0S"),
        (-timedelta(minutes=5), "-PT5M"),
    ],
)
def test_durations_that_are_written(length: timedelta, text: str) -> None:
    assert format_duration(length) == text


@given(st.timedeltas(min_value=timedelta(microseconds=1), max_value=MAX_DURATION))
def test_what_is_written_is_read_back(length: timedelta) -> None:
    assert parse_duration(format_duration(length)) == length
