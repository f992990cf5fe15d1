"""How far behind what happens reports are, and what they leave out because it cannot be counted."""

from datetime import datetime
from typing import Any, Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.reports.facts.storing import MARK

TRIES: Final = 3
"""In vain, after which a ticket is left out until it can be counted: it holds up no reports of others any more."""
LATE: Final = 600.0
"""Seconds behind, after which operators are told."""
HELD: Final = f"({{0}}.failures < {TRIES} OR ({{0}}.failures = {TRIES} AND {{0}}.error IS NULL))"
"""Whether a row of ``report_recounts`` holds up what is counted: until the last of the tries has failed, or is given up
by the next one. Otherwise its ticket is left out."""
_COUNTED_UNTIL: Final = f"""
least((
    SELECT e.recorded_at FROM events AS e WHERE e.id > '' AND e.position > coalesce(
        (SELECT m.position FROM event_consumers AS m WHERE m.name = $1), 0
    ) ORDER BY e.position LIMIT 1
), (SELECT min(r.since) FROM report_recounts AS r WHERE {HELD.format("r")}), clock_timestamp())
"""  # noqa: S608  our own text
_BEHIND: Final = f"SELECT extract(epoch FROM clock_timestamp() - {_COUNTED_UNTIL})::float8"  # noqa: S608  our own text

# An event that cannot be processed is one of a ticket that is not counted either.
_LEFT_OUT: Final = f"""
(SELECT count(*) FROM (
    SELECT r.account_id, r.ticket_id FROM report_recounts AS r WHERE NOT {HELD.format("r")}
    UNION
    SELECT e.account_id, e.ticket_id FROM postponed_events AS p
    JOIN events AS e ON e.id > '' AND e.position = p.position AND e.ticket_id IS NOT NULL
    WHERE p.consumer = $1 AND p.position > 0
) AS t WHERE $2::text IS NULL OR t.account_id = $2)
"""  # noqa: S608  our own text


async def progress(session: AsyncSession, account_id: str | None) -> dict[str, Any]:
    """What reports say of how complete they are: ``counted_until``, and ``left_out`` of an account or all."""
    statement = f"SELECT {_COUNTED_UNTIL} AS counted_until, {_LEFT_OUT} AS left_out"
    return dict(await (await driver(session)).fetchrow(statement, MARK, account_id) or {})


async def counted_until(session: AsyncSession) -> datetime:
    """The instant up to which all events are counted, but those of tickets that cannot be."""
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


async def number_left_out(connection: Connection) -> int:
    """How many tickets cannot be counted, of all accounts."""
    found: int = await connection.fetchval(f"SELECT {_LEFT_OUT}", MARK, None)
    return found


async def left_out(session: AsyncSession) -> str | None:
    """How many tickets cannot be counted, in words for ``/readyz``; None when there is none."""
    number = await number_left_out(await driver(session))
    return f"Tickets that reports cannot count, and try again later: {number:,}" if number else None
