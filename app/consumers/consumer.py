"""How background passes follow the events, each at its own pace: what happens costs nobody anything by them.

A pass takes the next events up to the watermark of the feed, in order, and so misses none that commits late. Its work
grows with what is new, and where nothing is new it ends without a look at the events. No event can stop it: of events
that fail fewer are taken at a time, and one that fails alone, twice, is left for later (``postponed.py``).
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers import postponed
from app.core.clock import monotonic
from app.core.db.causes import cause_of, within
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.jobs.backoff import POSTPONED_AFTER
from app.core.state import Feed
from app.events.types import EventPostponed

Work: TypeAlias = Callable[[AsyncSession, Sequence[Row]], Awaitable[None]]
SLOW: Final = 20.0
"""Seconds that a batch may take: less than a pass may."""
_LOOK: Final = 10.0
"""Seconds between two looks at what was postponed."""
_BEGIN: Final = "INSERT INTO event_consumers (name, position) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_ADVANCE: Final = "UPDATE event_consumers SET position = $2 WHERE name = $1"
_EVENTS: Final = """
SELECT id, position, type, account_id, ticket_id, sandbox, data ->> 'message_id' AS message_id,
    data ->> 'problem_id' AS problem_id
FROM events WHERE id > '' AND"""  # ``id > ''`` is what the index wants to hear, see its model
_NEXT: Final = f"{_EVENTS} position > $1 AND position <= $2 ORDER BY position LIMIT $3"
_ONE: Final = f"{_EVENTS} position = $1"


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
    types: Collection[str] | None = None
    """the types of the events that the work is given; None: all"""
    slow: float = SLOW
    reached: int = -1
    """the position up to which this process knows that all is done"""
    _size: int = field(init=False)
    """events of the next pass, at most: fewer after one that failed"""
    _suspect: int = -1
    """the position of an event that has failed alone"""
    _look_at: float = 0.0

    def __post_init__(self) -> None:
        self._size = self.batch

    async def take(self, work: Work) -> int:
        """Let ``work`` do its part with the next events, in one transaction with the mark; the number of events.

        Events are rows with id, position, type, account_id, ticket_id, sandbox, message_id and problem_id. When the
        work fails, the same events come again, fewer at a time: it may be given an event any number of times. Raises
        what the work raises, until one event is left that fails alone, twice.
        """
        if await self._retry(work):
            return 1
        await self.feed.poll()
        upto = self.feed.position
        if upto is None or self.reached >= upto:
            return 0
        taken: list[Row] = []
        try:
            async with within(self.slow), transaction(self.sessions) as session:
                connection = await driver(session)
                after = await postponed.lock_mark(connection, self.name)
                if after is None:
                    await connection.execute(_BEGIN, self.name, 0 if self.of_old else upto)
                    return 0
                taken += await connection.fetch(_NEXT, after, upto, self._size)
                if wanted := [event for event in taken if self._wants(event)]:
                    await work(session, wanted)
                position = taken[-1]["position"] if len(taken) == self._size else max(upto, after)
                await connection.execute(_ADVANCE, self.name, position)
        except Exception as error:
            if taken and cause_of(error) in postponed.BLAMED:
                return await self._failed(taken, error)
            raise
        self.reached = position
        self._size = min(self._size * 2, self.batch)
        return len(taken)

    def _wants(self, event: Row) -> bool:
        """What was told of postponed events is nobody's work: it would be postponed in turn."""
        return event["type"] != EventPostponed.type and (self.types is None or event["type"] in self.types)

    async def _failed(self, events: Sequence[Row], error: Exception) -> int:
        """Take fewer the next time, or leave the one event for later; the number of events that are done with."""
        if len(events) > 1:
            self._size = (len(events) + 1) // 2
            raise error
        [event] = events
        if self._suspect != event["position"]:
            self._suspect = event["position"]
            raise error
        if not await postponed.put_aside(self.sessions, self.name, event, POSTPONED_AFTER, error):
            raise error
        self._size = self.batch
        return 1

    async def _retry(self, work: Work) -> bool:
        """Try the event again whose turn has come, if there is one; whether it is done with now."""
        if monotonic() < self._look_at:
            return False
        event: Row | None = None
        failures = 0
        try:
            async with within(self.slow), transaction(self.sessions) as session:
                connection = await driver(session)
                if await postponed.lock_mark(connection, self.name) is None:
                    return False
                due = await postponed.next_due(connection, self.name)
                if due is None:
                    self._look_at = monotonic() + _LOOK
                    return False
                event, failures = await self._event(connection, due["position"]), due["failures"]
                if event:
                    await work(session, [event])
                await postponed.forget(connection, self.name, due["position"])
        except Exception as error:
            if event and cause_of(error) in postponed.BLAMED:
                await postponed.put_aside(self.sessions, self.name, event, failures + 1, error)
                return False
            raise
        return True

    async def _event(self, connection: Connection, position: int) -> Row | None:
        """The event, unless it is gone with its ticket."""
        event: Row | None = await connection.fetchrow(_ONE, position)
        return event
