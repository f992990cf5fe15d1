"""How background passes follow the events, each at its own pace: what happens costs nobody anything by them.

A pass takes the next events up to the watermark of the feed, in order, and so misses none that commits late. Its work
grows with what is new, and where nothing is new it ends without a look at the events.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.state import Feed

Work: TypeAlias = Callable[[AsyncSession, Sequence[Row]], Awaitable[None]]
_BEGIN: Final = "INSERT INTO event_consumers (name, position) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_LOCK: Final = "SELECT position FROM event_consumers WHERE name = $1 FOR UPDATE SKIP LOCKED"
_ADVANCE: Final = "UPDATE event_consumers SET position = $2 WHERE name = $1"
_NEXT: Final = """
SELECT position, type, account_id, ticket_id, sandbox, data ->> 'message_id' AS message_id,
    data ->> 'problem_id' AS problem_id
FROM events WHERE id > '' AND position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""  # ``id > ''`` is what the index wants to hear, see its model


@dataclass(slots=True)
class Consumer:
    """One that follows the events, by its name. Any number of replicas may: one at a time goes on."""

    name: str
    sessions: Sessions
    feed: Feed
    batch: int
    """events of one pass, at most"""
    of_old: bool = False
    """begins with the first event that there is; otherwise with the first that comes after its first pass"""
    reached: int = -1
    """the position up to which this process knows that all is done"""

    async def take(self, work: Work) -> int:
        """Let ``work`` do its part with the next events, in one transaction with the mark; the number of events.

        Events are rows with position, type, account_id, ticket_id, sandbox, message_id and problem_id. When the work
        fails, the same events come again.
        """
        await self.feed.poll()
        upto = self.feed.position
        if upto is None or self.reached >= upto:
            return 0
        async with transaction(self.sessions) as session:
            connection = await driver(session)
            after = await connection.fetchval(_LOCK, self.name)
            if after is None:
                await connection.execute(_BEGIN, self.name, 0 if self.of_old else upto)
                return 0
            events = await connection.fetch(_NEXT, after, upto, self.batch)
            await work(session, events)
            position = events[-1]["position"] if len(events) == self.batch else max(upto, after)
            await connection.execute(_ADVANCE, self.name, position)
        self.reached = position
        return len(events)
