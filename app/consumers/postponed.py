"""Events that fail alone, time and again: they are left for later, so that what comes after them has its turn.

``postponed_events`` says when such an event is tried again. Until then what the pass makes of events lacks this one.
"""

from typing import Final

import structlog
from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers import marks
from app.consumers.models import PostponedEventRow
from app.consumers.telling import told_if_possible
from app.core.auth import SERVICE
from app.core.clock import database_now, monotonic
from app.core.db.causes import Cause, cause_of
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.statements.bulk import upserted, write
from app.core.db.tables import Row
from app.core.jobs.backoff import POSTPONED_AFTER, is_told, wait_after
from app.events.event import Event
from app.events.types import EventPostponed
from app.webhooks.outbox.telling import tell

BLAMED: Final = (Cause.FAILED, Cause.SLOW)
"""Causes of a failure that say something about the events themselves."""
_YARDSTICK: Final = 0.5
"""Seconds. Where putting a slow event aside takes as long, the database is what is slow."""
_SHOWN: Final = 1_000
_DUE: Final = """
SELECT position, failures FROM postponed_events
WHERE consumer = $1 AND position > 0 AND retry_at <= statement_timestamp()
ORDER BY retry_at LIMIT 1
"""
_SINCE: Final = "SELECT since FROM postponed_events WHERE consumer = $1 AND position = $2"
_FORGET: Final = "DELETE FROM postponed_events WHERE consumer = $1 AND position = $2"
_WAITING: Final = f"""
SELECT consumer, count(*) AS number FROM (
    SELECT consumer FROM postponed_events WHERE position > 0 LIMIT {_SHOWN + 1}
) AS p GROUP BY consumer ORDER BY consumer
"""  # noqa: S608  a number of ours
_log = structlog.get_logger(__name__)


async def next_due(connection: Connection, consumer: str) -> Row | None:
    """The position and failures of the event that is to be tried again and has waited longest, if there is one."""
    due: Row | None = await connection.fetchrow(_DUE, consumer)
    return due


async def forget(connection: Connection, consumer: str, position: int) -> None:
    """The event is processed, or gone."""
    await connection.execute(_FORGET, consumer, position)


async def trouble(session: AsyncSession) -> str | None:
    """How many events are postponed, in words for ``/readyz``; None when there is none."""
    rows = await (await driver(session)).fetch(_WAITING)
    if not rows:
        return None
    number = sum(row["number"] for row in rows)
    many = f"More than {_SHOWN:,}" if number > _SHOWN else f"{number:,}"
    jobs = ", ".join(row["consumer"] for row in rows)
    return f"Events that background jobs cannot process ({jobs}), and try again later: {many}"


async def put_aside(sessions: Sessions, consumer: str, event: Row, failures: int, error: Exception) -> bool:
    """Leave an event for later that has failed alone, so many times in a row; whether that was done.

    It is not, when another replica is at it, or the whole database is slow.
    """

    async def put(*, told: bool) -> bool:
        return await _put_aside(sessions, consumer, event, failures, error, told=told)

    done = await told_if_possible(put, told=is_told(failures), job=consumer, event_id=event["id"])
    if done:
        wait = wait_after(failures).total_seconds()
        _log.warning("an event is left for later", job=consumer, event_id=event["id"], seconds=wait, error=repr(error))
    return done


async def _put_aside(
    sessions: Sessions, consumer: str, event: Row, failures: int, error: Exception, *, told: bool
) -> bool:
    began, cause = monotonic(), cause_of(error)
    async with transaction(sessions) as session:
        connection = await driver(session)
        mark = await marks.lock(connection, consumer)
        if mark is None or (mark >= event["position"] and failures == POSTPONED_AFTER):
            return False
        now = await database_now(session)
        facts = {
            "failures": failures,
            "reason": cause.value,
            "error": type(error).__name__,
            "retry_at": now + wait_after(failures),
        }
        place = {"consumer": consumer, "position": event["position"], "event_id": event["id"]}
        since = await connection.fetchval(_SINCE, consumer, event["position"]) or now
        await write(session, upserted(PostponedEventRow, [place | {"since": since} | facts]))
        await marks.advance(connection, consumer, event["position"])
        if told:
            which = {"job": consumer, "event_id": event["id"], "event_type": event["type"]}
            await tell(session, None, Event(now, EventPostponed(**which, **facts), SERVICE))
        if cause is Cause.SLOW and monotonic() - began > _YARDSTICK:
            await session.rollback()
            return False
    return True
