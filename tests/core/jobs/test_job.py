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
    assert Job("job", "works", SECOND, timeout, nothing, rest=rest).silence == silence
