"""The background pass that counts what happens: it follows the events, from the first one on.

Writing to a ticket costs nothing by it. The pass counts anew each ticket of which there are new events, some at a time:
under a storm, and on a database that has tickets already, it comes to its end later.
"""

from dataclasses import dataclass
from typing import Final

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.problems import Unavailable
from app.core.state import Feed
from app.reports.storing import ADVANCE, BEGIN, LOCK, MARK, recount

BATCH: Final = 200
"""Events of one pass."""
_EVENTS: Final = """
SELECT position, account_id, ticket_id FROM events
WHERE id > '' AND position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""


@dataclass(slots=True)
class Folding:
    """Keeps the facts; any number of replicas may, one at a time."""

    sessions: Sessions
    feed: Feed
    reached: int = -1
    """what this process knows of the mark"""

    async def run_pass(self) -> int:
        """Count the tickets of the next events; the number of these events.

        Nothing as long as the end of the feed is not known.
        """
        try:
            upto = await self.feed.decided()
        except Unavailable:
            return 0
        return await self._take_in(upto) if self.reached < upto else 0

    async def _take_in(self, upto: int) -> int:
        async with transaction(self.sessions) as session:
            connection = await driver(session)
            after = await connection.fetchval(f"{LOCK} SKIP LOCKED", MARK)
            if after is None:
                await connection.execute(BEGIN, MARK)
                return 0
            events = await connection.fetch(_EVENTS, after, upto, BATCH)
            keys = {(event["account_id"], event["ticket_id"]): None for event in events if event["ticket_id"]}
            await recount(session, list(keys))
            position = events[-1]["position"] if len(events) == BATCH else max(upto, after)
            await connection.execute(ADVANCE, MARK, position)
        self.reached = position
        return len(events)
