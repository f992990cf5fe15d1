"""The only place that reads a clock.

All instants (when a ticket was opened, when a delivery is tried again, ``webhook-timestamp``) come from the database,
because replicas may disagree about theirs. What this machine reads itself is how much time has passed.
"""

import sys
import time
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_PID_BITS: Final = 3
_SCHEDULED: Final = 2
_NOW = text("SELECT clock_timestamp()")


async def database_now(session: AsyncSession) -> datetime:
    """The database's wall clock, UTC, to the microsecond. Read it once per use case, after the locks."""
    now: datetime = (await session.execute(_NOW)).scalar_one()
    return now


def wall_now() -> datetime:
    """This machine's wall clock, UTC: for APScheduler, which knows no other; never for an instant that is kept."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds of a clock that is never set: for timers and durations."""
    return time.monotonic()


def processor_seconds(pid: int) -> float:
    """For how long a process has had a processor, 0 where there is none; elsewhere than on Linux, a clock's time.

    Linux makes the clock of a process so (clock_getcpuclockid(3)), and Python has no binding of it.
    """
    if sys.platform != "linux":
        return time.monotonic()
    try:
        return time.clock_gettime((~pid << _PID_BITS) | _SCHEDULED)
    except OSError:
        return 0.0
