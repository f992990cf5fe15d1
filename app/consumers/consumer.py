"""How background passes follow the events, each at its own pace: what happens costs nobody anything by them.

A pass takes the next events up to the watermark of the feed, in order, and so misses none that commits late. Its work
grows with what is new, and where nothing is new it ends without a look at the events. No event can stop it: of events
that fail fewer are taken at a time, and one that fails alone, twice, is left for later (``postponed.py``). When several
in a row are left, others behind them are tried: if these fail as well, it is not the events, and the job pauses
(``stalls.py``).
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers import marks, postponed, stalls
from app.core.clock import monotonic
from app.core.db.causes import cause_of, within
from app.core.db.engine import Sessions
from app.core.db.session import allow_pauses, driver, transaction
from app.core.db.tables import Row
from app.core.jobs.backoff import POSTPONED_AFTER
from app.core.state import Feed
from app.events.log import record_last
from app.events.types import CountPostponed, EventPostponed, JobPostponed

Work: TypeAlias = Callable[[AsyncSession, Sequence[Row]], Awaitable[None]]
SLOW: Final = 20.0
"""Seconds that a batch may take: less than a pass may."""
_MARGIN: Final = 5.0
"""Seconds by which the database waits longer than the batch may take."""
_POLL: Final = 10.0
"""Seconds between two polls of what was postponed."""
_BREATH: Final = 1.0
"""Seconds until the next try, where another replica is at it."""
_EVENTS: Final = """
SELECT id, position, type, account_id, ticket_id, recorded_at, sandbox, data ->> 'message_id' AS message_id,
    data ->> 'problem_id' AS problem_id
FROM events WHERE id > '' AND"""  # ``id > ''`` is what the index wants to hear, see its model
_NEXT: Final = f"{_EVENTS} position > $1 AND position <= $2 ORDER BY position LIMIT $3"
_ONE: Final = f"{_EVENTS} position = $1"
_SUSPECTS: Final = 5
"""Events in a row that are left for later, before others are tried: then it may not be the events."""
_TRIED: Final = 3
"""Other events, at most, that are tried then."""
_NEWEST: Final = f"{_EVENTS} position > $1 AND position <= $2 ORDER BY position DESC LIMIT 1000"
_LEFT: Final = f"""{_EVENTS} position IN (
    SELECT p.position FROM postponed_events AS p WHERE p.consumer = $1 AND p.position > 0
    ORDER BY p.position DESC LIMIT {_TRIED}
)"""  # noqa: S608  our own text
_TOLD: Final = frozenset({EventPostponed.type, JobPostponed.type, CountPostponed.type})


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
    _poll_at: float = 0.0
    _accounts: list[str] = field(default_factory=list)
    """of the events that were left for later, one after the other, since the work last succeeded"""
    _pauses_until: float = 0.0
    _is_new: bool = True
    """whether this process has not looked yet if the job pauses: it may be a version that works"""

    def __post_init__(self) -> None:
        self._size = self.batch

    async def take(self, work: Work) -> int:
        """Let ``work`` do its part with the next events, in one transaction with the mark; the number of events.

        Events are rows with id, position, type, account_id, ticket_id, recorded_at, sandbox, message_id and
        problem_id. When the work fails, the same events come again, fewer at a time: it may be given an event any
        number of times. Raises what the work raises, until one event is left that fails alone, twice.
        """
        if await self._pauses(work):
            return 0
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
                after = await marks.lock(connection, self.name)
                if after is None:
                    await marks.begin(connection, self.name, 0 if self.of_old else upto)
                    return 0
                taken += await connection.fetch(_NEXT, after, upto, self._size)
                wanted = [event for event in taken if self._wants(event)]
                if wanted:
                    await self._do(work, session, wanted)
                position = taken[-1]["position"] if len(taken) == self._size else max(upto, after)
                await marks.advance(connection, self.name, position)
        except Exception as error:
            if taken and cause_of(error) in postponed.BLAMED:
                return await self._failed(work, taken, error)
            raise
        if wanted:
            self._accounts.clear()
        self.reached = position
        self._size = min(self._size * 2, self.batch)
        return len(taken)

    async def _do(self, work: Work, session: AsyncSession, events: Sequence[Row]) -> None:
        """Let the work compute for as long as a batch may take.

        Were the database to end the transaction before, it would seem not to answer, and all events would come again.
        What the work tells is recorded at the end: nobody who reads the feed waits while it computes.
        """
        record_last(session)
        await allow_pauses(session, self.slow + _MARGIN)
        await work(session, events)

    def _wants(self, event: Row) -> bool:
        """What was told of postponed events, jobs and counts is nobody's work: it would be postponed in turn."""
        return event["type"] not in _TOLD and (self.types is None or event["type"] in self.types)

    async def _failed(self, work: Work, events: Sequence[Row], error: Exception) -> int:
        """Take fewer the next time, or leave the one event for later; the number of events that are done with."""
        if len(events) > 1:
            self._size = (len(events) + 1) // 2
            raise error
        [event] = events
        if self._suspect != event["position"]:
            self._suspect = event["position"]
            raise error
        if len(self._accounts) >= _SUSPECTS:
            if fault := await self._fault(work):
                await stalls.pause(self.sessions, self.name, fault)
                self._poll_at = 0.0
                raise error
            self._accounts.clear()
        if not await postponed.put_aside(self.sessions, self.name, event, POSTPONED_AFTER, error):
            raise error
        self._accounts.append(event["account_id"])
        return 1

    async def _pauses(self, work: Work) -> bool:
        """Whether the job pauses because it fails with every event. When it has paused long enough, it is tried."""
        if monotonic() < self._pauses_until:
            return True
        if monotonic() < self._poll_at:
            return False
        seconds = await self._seconds_left()
        if seconds is not None and (seconds <= 0 or self._is_new):
            if fault := await self._fault(work):
                await stalls.pause(self.sessions, self.name, fault)
            self._accounts.clear()
            seconds = await self._seconds_left()
        self._is_new = False
        if seconds is not None:
            self._pauses_until = monotonic() + min(max(seconds, _BREATH), _POLL)
        return seconds is not None

    async def _seconds_left(self) -> float | None:
        async with transaction(self.sessions) as session:
            return await stalls.seconds_left(await driver(session), self.name)

    async def _fault(self, work: Work) -> Exception | None:
        """Why the work fails with whichever event it is given; None: it goes with one, or nothing can be said of it.

        Events of other accounts than those that were left are tried first: one account's may all be alike.
        """
        fault: Exception | None = None
        for event in await self._others():
            try:
                async with within(self.slow), transaction(self.sessions) as session:
                    connection = await driver(session)
                    if await marks.lock(connection, self.name) is None:
                        return None
                    await self._do(work, session, [event])
                    await stalls.end(connection, self.name)
            except Exception as error:
                if cause_of(error) not in postponed.BLAMED:
                    raise
                fault = error
            else:
                return None
        return fault

    async def _others(self) -> list[Row]:
        """Events to try the work with: new ones, or else those that were left for later."""
        await self.feed.poll()
        async with transaction(self.sessions) as session:
            connection = await driver(session)
            after, upto = await marks.lock(connection, self.name), self.feed.position
            if after is None or upto is None:
                return []
            new = [event for event in await connection.fetch(_NEWEST, after, upto) if self._wants(event)]
            if not new:
                new = await connection.fetch(_LEFT, self.name)
                if not new:
                    await stalls.end(connection, self.name)
        firsts = {event["account_id"]: event for event in reversed(new)}
        order = sorted(firsts.values(), key=lambda event: event["account_id"] in self._accounts)
        return [*order, *(event for event in new if event not in order)][:_TRIED]

    async def _retry(self, work: Work) -> bool:
        """Try the event again whose turn has come, if there is one; whether it is done with now."""
        if monotonic() < self._poll_at:
            return False
        event: Row | None = None
        failures = 0
        try:
            async with within(self.slow), transaction(self.sessions) as session:
                connection = await driver(session)
                if await marks.lock(connection, self.name) is None:
                    return False
                due = await postponed.next_due(connection, self.name)
                if due is None:
                    self._poll_at = monotonic() + _POLL
                    return False
                event, failures = await self._event(connection, due["position"]), due["failures"]
                if event:
                    await self._do(work, session, [event])
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
