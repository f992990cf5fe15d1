"""The background pass that counts what happens, from the first event on.

Writing to a ticket costs nothing by it. The pass counts anew each ticket of which there are new events, some at a time:
under a storm, and on a database that has tickets already, it comes to its end later. All of a ticket's history is read
for that; where it is long, the ticket is not counted at each event, but some time after the first that is new: so the
work grows with what happens, and not with its square.
"""

from collections.abc import Sequence
from typing import Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers import marks
from app.consumers.consumer import Consumer
from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import LONG, allow, driver, transaction
from app.core.db.tables import Row
from app.core.state import Feed
from app.reports.facts.storing import MARK, Key, recount
from app.reports.facts.summing import sum_up

BATCH: Final = 200
"""Events of one pass."""
SHORT: Final = 500
"""Events of a ticket that is counted at once."""
_EVENTS_A_SECOND: Final = 100
_LONGEST_WAIT: Final = 300
"""Seconds. A ticket waits one for so many events of its history, but no longer than this: so one that goes on and on
takes a few hundredths of the time."""
_POLL: Final = 1.0
"""Seconds between two looks for tickets whose turn has come."""
_SHORT_OF: Final = f"""
WITH found AS MATERIALIZED (
    SELECT k.*, (
        SELECT e.sequence FROM events AS e WHERE e.account_id = k.account_id AND e.ticket_id = k.ticket_id
        ORDER BY e.sequence DESC LIMIT 1
    ) AS events
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS k (account_id, ticket_id, since)
), noted AS (
    INSERT INTO report_recounts (account_id, ticket_id, since, due_at)
    SELECT f.account_id, f.ticket_id, f.since,
           clock_timestamp() + interval '1 second' * least(f.events / {_EVENTS_A_SECOND}, {_LONGEST_WAIT})
    FROM found AS f WHERE f.events > {{short}} ON CONFLICT DO NOTHING
)
SELECT f.account_id, f.ticket_id FROM found AS f WHERE f.events <= {{short}}
"""  # noqa: S608  our own numbers
# One that cannot be counted, as within the time that a pass has, lets the others have their turn.
_CLAIM: Final = f"""
UPDATE report_recounts SET due_at = clock_timestamp() + interval '{_LONGEST_WAIT} seconds'
WHERE (account_id, ticket_id) = (
    SELECT account_id, ticket_id FROM report_recounts WHERE due_at <= clock_timestamp()
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING account_id, ticket_id
"""  # noqa: S608  our own number
_DONE: Final = "DELETE FROM report_recounts WHERE account_id = $1 AND ticket_id = $2 RETURNING true"


class Folding:
    """Keeps the facts; any number of replicas may, one at a time."""

    def __init__(self, sessions: Sessions, feed: Feed) -> None:
        self._sessions = sessions
        self._consumer = Consumer(MARK, sessions, feed, BATCH, of_old=True)
        self._poll_at = 0.0

    async def run_pass(self) -> int:
        """Count the tickets of the next events, and one with a long history; the number of both."""
        return await self._consumer.take(_count) + await self._count_long()

    async def _count_long(self) -> int:
        if monotonic() < self._poll_at:
            return 0
        async with transaction(self._sessions) as session:
            claimed = await (await driver(session)).fetchrow(_CLAIM)
        if claimed is None:
            self._poll_at = monotonic() + _POLL
            return 0
        async with transaction(self._sessions) as session:
            connection = await driver(session)
            await marks.wait(connection, MARK)
            if await connection.fetchval(_DONE, *claimed):
                await allow(session, LONG)
                await recount(session, [(claimed["account_id"], claimed["ticket_id"])])
                await sum_up(session)
        return 1


async def _count(session: AsyncSession, events: Sequence[Row]) -> None:
    first: dict[Key, Row] = {}
    for event in events:
        if event["ticket_id"]:
            first.setdefault((event["account_id"], event["ticket_id"]), event)
    if first:
        await recount(session, await _short(await driver(session), first))
        await sum_up(session)


async def _short(connection: Connection, first: dict[Key, Row]) -> list[Key]:
    """The tickets that are counted now; of the others it is noted when they are."""
    since = [event["recorded_at"] for event in first.values()]
    found = await connection.fetch(_SHORT_OF.format(short=SHORT), *zip(*first, strict=True), since)
    return [(row["account_id"], row["ticket_id"]) for row in found]
