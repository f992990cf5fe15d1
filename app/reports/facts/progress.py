"""How far behind what happens reports are."""

from datetime import datetime
from typing import Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.reports.facts.storing import MARK

LATE: Final = 600.0
"""Seconds behind, after which operators are told."""
_COUNTED_UNTIL: Final = """
least((
    SELECT e.recorded_at FROM events AS e WHERE e.id > '' AND e.position > coalesce(
        (SELECT m.position FROM event_consumers AS m WHERE m.name = $1), 0
    ) ORDER BY e.position LIMIT 1
), (SELECT min(r.since) FROM report_recounts AS r), clock_timestamp())
"""
_BEHIND: Final = f"SELECT extract(epoch FROM clock_timestamp() - {_COUNTED_UNTIL})::float8"  # noqa: S608  our own text


async def counted_until(session: AsyncSession) -> datetime:
    """The instant up to which all events are counted."""
    found: datetime = await (await driver(session)).fetchval(f"SELECT {_COUNTED_UNTIL}", MARK)
    return found


async def seconds_behind(connection: Connection) -> float:
    """How long ago the first event was recorded that is not counted; 0: all are."""
    found: float = await connection.fetchval(_BEHIND, MARK)
    return max(found, 0.0)


async def trouble(session: AsyncSession) -> str | None:
    """How far reports are behind, in words for ``/readyz``; None when that is as usual."""
    seconds = await seconds_behind(await driver(session))
    return f"Reports are {seconds / 60:,.0f} minutes behind what has happened" if seconds > LATE else None
