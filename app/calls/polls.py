"""The calls whose rooms are to be polled, or to be ended: claimed for half a minute, then put off or let go.

``next_look_at`` is schedule, lease and fence in one: a claim moves it on, and its outcome is recorded
only while it stands there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.calls.providers.provider import Room
from app.core.db.session import driver

_CLAIM: Final = """
WITH placed AS (
    SELECT account_id, id, next_look_at, row_number() OVER (PARTITION BY account_id ORDER BY next_look_at, id) AS place
    FROM calls WHERE next_look_at <= statement_timestamp()
), chosen AS MATERIALIZED (
    SELECT account_id, id FROM placed ORDER BY place, next_look_at LIMIT $1
), due AS MATERIALIZED (
    SELECT c.account_id, c.id FROM calls AS c JOIN chosen AS o ON o.account_id = c.account_id AND o.id = c.id
    WHERE c.next_look_at <= statement_timestamp() FOR UPDATE OF c SKIP LOCKED
)
UPDATE calls AS c SET next_look_at = clock_timestamp() + interval '30 seconds'
FROM due WHERE c.account_id = due.account_id AND c.id = due.id
RETURNING c.account_id, c.id, c.ticket_id, c.provider, c.room, c.room_host, c.state = 'ended' AS ended,
          clock_timestamp() - CASE c.state WHEN 'ended' THEN c.ended_at ELSE c.join_by END AS late_by,
          c.next_look_at AS claimed_until
"""
_MOVE_ON: Final = """
UPDATE calls SET next_look_at = clock_timestamp() + $4::interval
WHERE account_id = $1 AND id = $2 AND next_look_at = $3
"""


@dataclass(frozen=True, slots=True)
class Poll:
    """A room to poll; ``late_by`` is since ``join_by``, or since the call ``ended`` and the room is to be too."""

    account_id: str
    id: str
    ticket_id: str
    provider: str
    room: Room
    ended: bool
    late_by: timedelta
    claimed_until: datetime


async def claim(session: AsyncSession, limit: int) -> list[Poll]:
    """Claim polls that are due; accounts take turns."""
    rows = [dict(row) for row in await (await driver(session)).fetch(_CLAIM, limit)]
    return [Poll(room=Room(row.pop("room"), row.pop("room_host")), **row) for row in rows]


async def record_outcome(session: AsyncSession, poll: Poll, wait: timedelta | None) -> None:
    """Poll again in a while, or never again (None); nothing where the call has gone on meanwhile."""
    await (await driver(session)).execute(_MOVE_ON, poll.account_id, poll.id, poll.claimed_until, wait)
