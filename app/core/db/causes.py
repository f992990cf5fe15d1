"""What made a transaction fail: the database, somebody who holds a lock, or the work itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Final

from asyncpg import PostgresError

from app.core.db.errors import driver_error, is_outage
from app.core.problems import TooLong, TooManyRequests, Unavailable


class TooSlow(Exception):
    """A transaction has taken longer than its work is allowed to."""


class Cause(Enum):
    """Why a transaction failed; only the last two say anything about the rows that it was to change."""

    OUTAGE = "outage"
    """whatever is tried fails: the database is away, full, read-only, or its schema is not ours"""
    CONTENTION = "contention"
    """somebody else was in the way: a lock, a deadlock, a serialization failure, a full queue"""
    SLOW = "slow"
    FAILED = "failed"


_CANCELLED: Final = "57014"
"""By a statement's time limit: waiting for a lock has a shorter one, and an error of its own."""
_CONTENTION: Final = ("40", "55P03")
_OUTAGES: Final = (
    "08",  # the connection
    "25006",  # a transaction that may only read: the server has become a standby
    "28",  # who may connect
    "3D",  # no such database
    "42",  # our statements are fixed: what they name is missing, or forbidden to us
    "53",  # disk, memory, connections
    "57",  # the server is stopped or starting
    "58",  # the server's machine
)


def cause_of(error: Exception) -> Cause:
    """Why the transaction that raised ``error`` failed."""
    raised = driver_error(error)
    if isinstance(raised, (TooSlow, TooLong)):
        return Cause.SLOW
    if isinstance(raised, (Unavailable, TooManyRequests)):
        return Cause.CONTENTION
    state = str(raised.sqlstate or "") if isinstance(raised, PostgresError) else ""
    if state == _CANCELLED:
        return Cause.SLOW
    if state.startswith(_CONTENTION):
        return Cause.CONTENTION
    return Cause.OUTAGE if state.startswith(_OUTAGES) or (not state and is_outage(error)) else Cause.FAILED


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """A block that may take so long. Raises ``TooSlow``."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as error:
        if limit.expired():
            raise TooSlow(f"It took more than {seconds} s") from error
        raise
