"""The background pass that counts what happens, from the first event on.

Writing to a ticket costs nothing by it. The pass counts anew each ticket of which there are new events, some at a time:
under a storm, and on a database that has tickets already, it comes to its end later. All of a ticket's history is read
for that; where it is long, the ticket is not counted at each event, but some time after the first that is new
(``recounting.py``): so the work grows with what happens, and not with its square.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers.consumer import Consumer
from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.state import Feed
from app.reports.facts.leaving import forget, leave_out
from app.reports.facts.recounting import MAY_BE_SOONER, NEXT
from app.reports.facts.storing import MARK, Faults, Key, recount
from app.reports.facts.summing import sum_up

BATCH: Final = 200
"""Events of one pass."""
SHORT: Final = 500
"""Events of a ticket that is counted at once."""
# What could not be counted is tried again when there is something new.
_SHORT_OF: Final = f"""
WITH found AS MATERIALIZED (
    SELECT k.*, (
        SELECT e.sequence FROM events AS e WHERE e.account_id = k.account_id AND e.ticket_id = k.ticket_id
        ORDER BY e.sequence DESC LIMIT 1
    ) AS events
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS k (account_id, ticket_id, since)
), noted AS (
    INSERT INTO report_recounts AS r (account_id, ticket_id, since, due_at)
    SELECT f.account_id, f.ticket_id, f.since,
           {NEXT.format("f.events")}
    FROM found AS f WHERE f.events > {{short}}
    ON CONFLICT (account_id, ticket_id) DO UPDATE SET due_at = EXCLUDED.due_at
    WHERE r.due_at > EXCLUDED.due_at AND {MAY_BE_SOONER.format("r")}
)
SELECT f.account_id, f.ticket_id FROM found AS f WHERE f.events <= {{short}}
"""  # noqa: S608  our own numbers


class Folding:
    """Keeps the facts; any number of replicas may, one at a time."""

    def __init__(self, sessions: Sessions, feed: Feed) -> None:
        self._consumer = Consumer(MARK, sessions, feed, BATCH, of_old=True)

    async def run_pass(self) -> int:
        """Count the tickets of the next events; the number of these."""
        return await self._consumer.take(_count)


async def _count(session: AsyncSession, events: Sequence[Row]) -> None:
    first: dict[Key, Row] = {}
    for event in events:
        if event["ticket_id"]:
            first.setdefault((event["account_id"], event["ticket_id"]), event)
    if first:
        connection, faults = await driver(session), Faults()
        since = {key: event["recorded_at"] for key, event in first.items()}
        short = await _short(connection, since)
        await recount(session, short, faults)
        await forget(connection, set(short) - faults.keys())
        await leave_out(session, faults, since)
        await sum_up(session)


async def _short(connection: Connection, since: Mapping[Key, datetime]) -> list[Key]:
    """The tickets that are counted now; of the others it is noted when they are."""
    statement = _SHORT_OF.format(short=SHORT)
    found = await connection.fetch(statement, *zip(*since, strict=True), list(since.values()))
    return [(row["account_id"], row["ticket_id"]) for row in found]
