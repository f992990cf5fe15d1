import pytest

from app.core.limits.buckets import Bucket, Buckets, Rate

MINUTE = Rate("a_minute", 60)


def _after(*steps: tuple[float, int]) -> Bucket:
    """A bucket of 60 a minute after so many tokens were taken at these instants."""
    bucket = Bucket(MINUTE, 0.0)
    for at, number in steps:
        bucket.take(at, number)
    return bucket


@pytest.mark.parametrize(
    ("steps", "now", "left", "wait"),
    [
        ([], 0.0, 60, 0.0),
        ([(0.0, 1)], 0.0, 59, 0.0),
        ([(0.0, 60)], 0.0, 0, 1.0),
        ([(0.0, 60)], 0.5, 0, 0.5),
        ([(0.0, 60)], 1.0, 1, 0.0),
        ([(0.0, 60)], 10.0, 10, 0.0),
        ([(0.0, 60)], 3600.0, 60, 0.0),
        ([(0.0, 30), (10.0, 30)], 10.0, 10, 0.0),
        ([(0.0, 60), (0.0, 50)], 0.0, 0, 51.0),
        ([(0.0, 60), (0.0, 50)], 51.0, 1, 0.0),
        ([(5.0, 60)], 4.0, 0, 1.0),
    ],
)
def test_tokens_come_back_evenly_and_a_debt_is_waited_for(
    steps: list[tuple[float, int]], now: float, left: int, wait: float
) -> None:
    bucket = _after(*steps)
    assert bucket.left(now) == left
    assert bucket.wait(now) == pytest.approx(wait)


def test_a_bucket_is_low_from_half_on() -> None:
    assert not _after((0.0, 30)).is_low(0.0)
    assert _after((0.0, 31)).is_low(0.0)
    assert not _after((0.0, 31)).is_low(1.0)


def test_what_was_taken_here_is_shared_once_and_what_came_back_is_not() -> None:
    bucket = _after((0.0, 40))
    assert bucket.share(10.0) == pytest.approx(30 / 60)
    assert bucket.share(10.0) == 0
    bucket.take(10.0, 6)
    assert bucket.share(10.0) == pytest.approx(6 / 60)


def test_what_all_have_used_is_adopted_with_what_was_taken_since() -> None:
    bucket = _after((0.0, 40))
    bucket.share(0.0)
    bucket.take(0.0, 3)
    bucket.adopt(0.0, 50 / 60)
    assert bucket.left(0.0) == 7
    assert bucket.share(0.0) == pytest.approx(3 / 60)


def test_a_policy_is_a_structured_field() -> None:
    assert MINUTE.policy == '"a_minute";q=60;w=60'


@pytest.mark.parametrize(("amount", "seconds"), [(0, 60), (60, 0)])
def test_a_rate_of_nothing_is_none(amount: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rate("none", amount, seconds)


def test_full_buckets_are_forgotten_first_and_there_are_only_so_many() -> None:
    buckets = Buckets(most=4)
    for name in ("full", "used", "used too"):
        buckets.of(MINUTE, name, 0.0).take(0.0, 40)
    buckets.of(MINUTE, "untouched", 0.0)
    buckets.of(MINUTE, "used too", 30.0).take(30.0, 30)
    buckets.of(MINUTE, "another", 45.0)
    assert buckets.of(MINUTE, "used too", 45.0).left(45.0) == 35
    for number in range(100):
        buckets.of(MINUTE, str(number), 45.0).take(45.0, 40)
    assert len(buckets) <= 4
    assert [name for name, _ in buckets.low(45.0)][-1] == "a_minute:99"


def test_buckets_of_one_rate_displace_none_of_another() -> None:
    buckets = Buckets(most=4)
    buckets.of(Rate("another", 60), "an account", 0.0).take(0.0, 60)
    for number in range(100):
        buckets.of(MINUTE, str(number), 0.0).take(0.0, 1)
    assert buckets.of(Rate("another", 60), "an account", 0.0).left(0.0) == 0
