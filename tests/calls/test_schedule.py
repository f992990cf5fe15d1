from datetime import timedelta

import pytest

from app.calls.schedule import end_in, poll_in, retry_in


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def asked_at(taking: float, retry_after: float | None = None) -> list[float]:
    """When a provider is asked, each of whose failures takes so long."""
    asked, now = [0.0], taking
    while (wait := retry_in(len(asked), seconds(now), retry_after)) is not None:
        now += wait.total_seconds()
        asked.append(now)
        now += taking
    return asked


@pytest.mark.parametrize(
    ("taking", "retry_after", "asked"),
    [
        (0, None, [0, 2, 6, 15, 30]),
        (0, 1, [0, 2, 6, 15, 30]),
        (0, 20, [0, 20, 40]),
        (0, 59, [0, 59]),
        (0, 60, [0]),
        (0, 3600, [0]),
        (10, None, [0, 12, 26, 45]),
    ],
)
def test_a_provider_is_asked_within_its_minute(taking: float, retry_after: float | None, asked: list[float]) -> None:
    assert asked_at(taking, retry_after) == asked


@pytest.mark.parametrize(
    ("late_by", "wait"), [(-900, 10), (0, 10), (0.000001, 60), (3599, 60), (3600, None), (86400, None)]
)
def test_a_room_is_looked_at_while_the_customer_may_come(late_by: float, wait: float | None) -> None:
    assert poll_in(seconds(late_by)) == (None if wait is None else seconds(wait))


def test_a_room_that_does_not_end_is_left_alone_after_a_minute() -> None:
    assert (end_in(seconds(59)), end_in(seconds(60))) == (seconds(10), None)
