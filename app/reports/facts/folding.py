"""The background pass that counts what happens, from the first event on.

Writing to a ticket costs nothing by it. The pass counts anew each ticket of which there are new events, some at a time:
under a storm, and on a database that has tickets already, it comes to its end later.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers.consumer import Consumer
from app.core.db.engine import Sessions
from app.core.db.tables import Row
from app.core.state import Feed
from app.reports.facts.storing import MARK, recount
from app.reports.facts.summing import sum_up

BATCH: Final = 200
"""Events of one pass."""


class Folding:
    """Keeps the facts; any number of replicas may, one at a time."""

    def __init__(self, sessions: Sessions, feed: Feed) -> None:
        self._consumer = Consumer(MARK, sessions, feed, BATCH, of_old=True)

    async def run_pass(self) -> int:
        """Count the tickets of the next events; the number of these events."""
        return await self._consumer.take(_count)


async def _count(session: AsyncSession, events: Sequence[Row]) -> None:
    keys = {(event["account_id"], event["ticket_id"]): None for event in events if event["ticket_id"]}
    await recount(session, list(keys))
    await sum_up(session)
