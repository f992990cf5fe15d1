"""A pool of database connections that callers share fairly, and what one kind of work may take of the database."""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import await_only

holder: Final[ContextVar[Hashable]] = ContextVar("holder", default=None)
"""On whose behalf a connection is taken: an account, a key, a background job; None while nobody is known yet."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kind of work may take of the database, in seconds; 0 is no limit.

    ``statement``: one statement; ``lock``: its wait for a lock; ``idle``: a transaction without a statement, which may
    hold locks; ``connection``: the wait for a connection of the pool. PostgreSQL itself enforces the first three.
    """

    statement: float = 0
    lock: float = 0
    idle: float = 0
    connection: float = 30

    def parameters(self) -> dict[str, str]:
        """As parameters of a connection: they cost no round trip, and hold for all of its transactions."""
        seconds = {
            "statement_timeout": self.statement,
            "lock_timeout": self.lock,
            "idle_in_transaction_session_timeout": self.idle,
        }
        return {name: str(milliseconds(limit)) for name, limit in seconds.items() if limit}


def milliseconds(seconds: float) -> int:
    """A limit as PostgreSQL takes it, in which 0 would be no limit."""
    return max(1, round(seconds * 1000))


class Gate:
    """Who takes one of ``size`` places next.

    A free place goes to the waiting holder that has the fewest, and among equals in turn. One holder never has them
    all, so that another one's first place is free at once; nobody in particular (None: short look-ups of keys) may.
    """

    def __init__(self, size: int, seconds: float) -> None:
        self._seconds, self._size, self._free = seconds, size, size
        self._most = size - max(1, size // 4)
        self._taken: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self.refused = 0
        """how often somebody has waited in vain"""

    @property
    def taken(self) -> int:
        """Places that are in use."""
        return self._size - self._free

    @property
    def waiting(self) -> int:
        """Callers who wait."""
        return sum(len(queue) for queue in self._waiting.values())

    def enter_now(self, who: Hashable) -> bool:
        """Take a place without waiting, if there is one. While one is free, whoever waits has too many already."""
        if not self._free or not self._may_enter(who):
            return False
        self._enter(who)
        return True

    async def enter(self, who: Hashable) -> None:
        """Take a place, and wait for it. ``SQLAlchemyTimeout`` when none became free in time."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        try:
            async with asyncio.timeout(self._seconds):
                await turn
        except BaseException as error:
            self._withdraw(who, turn)
            if isinstance(error, TimeoutError):
                self.refused += 1
                raise SQLAlchemyTimeout(f"No connection became free within {self._seconds:g} s") from error
            raise

    def leave(self, who: Hashable) -> None:
        """Give a place back."""
        self._free += 1
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]
        self._let_in()

    def _may_enter(self, who: Hashable) -> bool:
        return who is None or self._taken[who] < self._most

    def _enter(self, who: Hashable) -> None:
        self._free -= 1
        self._taken[who] += 1

    def _let_in(self) -> None:
        while self._free and (able := [who for who in self._waiting if self._may_enter(who)]):
            who = min(able, key=self._taken.__getitem__)
            queue = self._waiting.pop(who)
            turn = queue.popleft()
            if queue:
                self._waiting[who] = queue  # behind the others
            if not turn.done():
                self._enter(who)
                turn.set_result(None)

    def _withdraw(self, who: Hashable, turn: "asyncio.Future[None]") -> None:
        """Wait no longer; a place that was given at this very moment goes to the next."""
        if turn.done() and not turn.cancelled():
            self.leave(who)
            return
        queue = self._waiting.get(who)
        if queue and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[who]


def gate_of(engine: AsyncEngine) -> Gate:
    """Who has this engine's connections, and who waits for them."""
    return cast("FairPool", engine.pool).gate


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool behind a gate: a connection is taken for the ``holder`` of the moment."""

    def __init__(self, creator: Any, pool_size: int = 5, **options: Any) -> None:
        super().__init__(creator, pool_size, **options)
        self.gate = Gate(pool_size, self.timeout())
        self._holders: dict[ConnectionPoolEntry, Hashable] = {}

    def _do_get(self) -> ConnectionPoolEntry:
        who = holder.get()
        if not self.gate.enter_now(who):
            await_only(self.gate.enter(who))
        try:
            entry = super()._do_get()
        except BaseException:
            self.gate.leave(who)
            raise
        self._holders[entry] = who
        return entry

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        self.gate.leave(self._holders.pop(record))
