from datetime import timedelta

from app.core.jobs.backoff import is_told, wait_after

MINUTE = timedelta(minutes=1)


def test_the_second_try_comes_at_once_and_then_the_wait_doubles_up_to_an_hour() -> None:
    assert wait_after(1) == timedelta(seconds=1)
    assert [wait_after(failures) / MINUTE for failures in range(2, 10)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert wait_after(10_000) == 60 * MINUTE


def test_operators_are_told_as_long_as_the_wait_grows() -> None:
    assert [failures for failures in range(1, 100) if is_told(failures)] == [2, 3, 4, 5, 6, 7, 8]
