"""What a job is allowed."""

from datetime import timedelta

import pytest

from app.core.jobs.job import Job

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def nothing() -> int:
    return 0


@pytest.mark.parametrize(
    ("timeout", "rest", "silence"),
    [(MINUTE, 0.0, 31 * SECOND), (MINUTE, 4.0, 91 * SECOND), (6 * MINUTE, 0.0, 391 * SECOND)],
)
def test_where_nobody_waits_for_a_job_a_long_pass_is_no_sign_that_it_has_stopped(
    timeout: timedelta, rest: float, silence: timedelta
) -> None:
    assert Job("job", "works", SECOND, timeout, nothing, rest=rest).silence() == silence


def test_whoever_shares_a_turn_may_be_silent_while_the_others_have_it() -> None:
    one, other, third = [Job(name, "works", SECOND, MINUTE, nothing, rest=4.0) for name in "abc"]
    own = Job("own", "works", SECOND, MINUTE, nothing, rest=4.0, own_turn=True)
    plain = Job("plain", "works", SECOND, MINUTE, nothing)
    all_ = [one, other, third, own, plain]
    assert [job.silence(all_) / SECOND for job in all_] == [217, 217, 217, 91, 31]
