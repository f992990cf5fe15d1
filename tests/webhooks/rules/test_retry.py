from datetime import UTC, datetime, timedelta

import pytest

from app.core.outgoing.retry_after import parse_retry_after
from app.core.text.messages import verbatim
from app.webhooks.rules.retry import DELAYS, Disable, GiveUp, Outcome, RetryAt, next_attempt

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOURS_OF_LATE_DELAYS = [2, 5, 10, 14, 20, 24]


def delay(decision: object) -> timedelta:
    assert isinstance(decision, RetryAt)
    return decision.at - NOW


def test_delays_are_those_of_the_specification() -> None:
    early = [timedelta(0), timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)]
    assert list(DELAYS) == early + [timedelta(hours=hours) for hours in HOURS_OF_LATE_DELAYS]
    waits = [delay(next_attempt(attempts, Outcome(500), NOW, 0.0)) for attempts in range(1, 10)]
    assert waits == list(DELAYS[1:])


@pytest.mark.parametrize("attempts", [10, 11])
def test_the_tenth_failure_is_the_last(attempts: int) -> None:
    assert next_attempt(attempts, Outcome(None, verbatim("timeout")), NOW, 0.0) == GiveUp()


@pytest.mark.parametrize(("jitter", "seconds"), [(-1.0, 4), (0.5, 5.5), (1.0, 6)])
def test_jitter_moves_a_delay_by_a_fifth(jitter: float, seconds: float) -> None:
    assert delay(next_attempt(1, Outcome(500), NOW, jitter)) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "success"), [(200, True), (204, True), (299, True), (199, False), (301, False), (404, False)]
)
def test_only_2xx_is_success(status: int, *, success: bool) -> None:
    assert Outcome(status).success is success


def test_no_answer_is_no_success() -> None:
    assert not Outcome(None, verbatim("refused")).success


@pytest.mark.parametrize("attempts", [1, 10])
def test_410_disables_the_endpoint(attempts: int) -> None:
    assert isinstance(next_attempt(attempts, Outcome(410), NOW, 0.0), Disable)


@pytest.mark.parametrize("attempts", [3, 9, 10])
def test_five_days_of_nothing_but_failures_disable_the_endpoint(attempts: int) -> None:
    since = NOW - timedelta(days=5)
    assert isinstance(next_attempt(attempts, Outcome(500), NOW, 0.0, failing_since=since), Disable)
    later = since + timedelta(seconds=1)
    goes_on = RetryAt if attempts < 10 else GiveUp
    assert isinstance(next_attempt(attempts, Outcome(500), NOW, 0.0, failing_since=later), goes_on)


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_short_failure_after_quiet_days_does_not_disable_the_endpoint(attempts: int) -> None:
    since = NOW - timedelta(days=30)
    assert isinstance(next_attempt(attempts, Outcome(500), NOW, 0.0, failing_since=since), RetryAt)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(("asked", "minutes"), [("1", 5), ("420", 7), ("99999999999999999999", 10), ("soon", 5)])
def test_retry_after_is_honoured_between_once_and_twice_the_delay(status: int, asked: str, minutes: int) -> None:
    assert delay(next_attempt(2, Outcome(status, retry_after=asked), NOW, 0.0)) == timedelta(minutes=minutes)


def test_retry_after_of_other_answers_is_ignored() -> None:
    assert delay(next_attempt(2, Outcome(500, retry_after="420"), NOW, 0.0)) == timedelta(minutes=5)


def test_retry_after_as_a_date() -> None:
    assert parse_retry_after("Mon, 02 Mar 2026 09:36:00 GMT", NOW) == timedelta(minutes=6)
    assert parse_retry_after("Mon, 02 Mar 2026 09:36:00 -0000", NOW) == timedelta(minutes=6)


@pytest.mark.parametrize("value", [None, "", "-5", "1.5", "\u0661", "Mon, 99 Foo 2026"])
def test_an_unreadable_retry_after_is_none(value: str | None) -> None:
    assert parse_retry_after(value, NOW) is None
