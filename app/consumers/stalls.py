"""Jobs that fail with every event: they pause, since leaving the events for later, one after the other, cures nothing.

In ``postponed_events`` such a job has a row of its own, at the position 0, which no event has. So every replica pauses;
one that is started tries the job at once. While it pauses, the events stay where they are.
"""

from datetime import timedelta
from typing import Final

import structlog
from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers import marks
from app.consumers.models import PostponedEventRow
from app.consumers.telling import told_if_possible
from app.core.auth import SERVICE
from app.core.clock import database_now
from app.core.db.causes import cause_of
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.statements.bulk import upserted, write
from app.core.jobs.backoff import POSTPONED_AFTER, wait_after
from app.events.event import Event
from app.events.types import JobPostponed
from app.webhooks.outbox.telling import tell

_LONGEST: Final = timedelta(minutes=10)
"""A job that works again has to catch up, so it is tried sooner than an event that fails alone."""
_PLACE: Final = "consumer = $1 AND position = 0"
_FIND: Final = f"""
SELECT extract(epoch FROM retry_at - statement_timestamp())::float8 FROM postponed_events WHERE {_PLACE}
"""  # noqa: S608  our own text
_FAILURES: Final = f"SELECT failures, since FROM postponed_events WHERE {_PLACE}"  # noqa: S608  our own text
_END: Final = f"DELETE FROM postponed_events WHERE {_PLACE} RETURNING true"  # noqa: S608  our own text
_RETRY_ALL: Final = "UPDATE postponed_events SET retry_at = statement_timestamp() WHERE consumer = $1"
_STALLED: Final = "SELECT consumer FROM postponed_events WHERE position = 0 ORDER BY consumer"
_log = structlog.get_logger(__name__)


async def seconds_left(connection: Connection, consumer: str) -> float | None:
    """How long the job still pauses, at most 0 when it is to be tried; None: it does not pause."""
    found: float | None = await connection.fetchval(_FIND, consumer)
    return found


async def end(connection: Connection, consumer: str) -> bool:
    """The job works, and the events that were left for later are tried again at once; whether it had paused."""
    if not await connection.fetchval(_END, consumer):
        return False
    await connection.execute(_RETRY_ALL, consumer)
    _log.info("a background job works again", job=consumer)
    return True


async def pause(sessions: Sessions, consumer: str, error: Exception) -> None:
    """Let the job pause, longer each time that it fails; operators are told of the first time."""

    async def put(*, told: bool) -> bool:
        return await _pause(sessions, consumer, error, told=told)

    if await told_if_possible(put, told=True, job=consumer):
        _log.error("a background job fails with every event, and pauses", job=consumer, error=repr(error))


async def trouble(session: AsyncSession) -> str | None:
    """Which jobs fail with every event, in words for ``/readyz``; None when there is none."""
    rows = await (await driver(session)).fetch(_STALLED)
    jobs = ", ".join(row["consumer"] for row in rows)
    return f"Background jobs that fail with every event, and are tried again later: {jobs}" if rows else None


async def _pause(sessions: Sessions, consumer: str, error: Exception, *, told: bool) -> bool:
    async with transaction(sessions) as session:
        connection = await driver(session)
        if await marks.lock(connection, consumer) is None:
            return False
        now = await database_now(session)
        before = await connection.fetchrow(_FAILURES, consumer)
        failures = before["failures"] + 1 if before else POSTPONED_AFTER
        facts = {
            "reason": cause_of(error).value,
            "error": type(error).__name__,
            "retry_at": now + min(wait_after(failures), _LONGEST),
        }
        place = {"consumer": consumer, "position": 0, "event_id": "", "failures": failures}
        since = before["since"] if before else now
        await write(session, upserted(PostponedEventRow, [place | {"since": since} | facts]))
        if told and not before:
            await tell(session, None, Event(now, JobPostponed(job=consumer, **facts), SERVICE))
    return True
