"""Waiting in this process for one's turn at a lock of the database: in order, and without a connection.

Of those who want the same lock, two are at the database: one waits there, in the order among processes, while the next
one gets as far as that.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Final
from weakref import WeakValueDictionary

from asyncpg import LockNotAvailableError

from app.core.clock import monotonic

PATIENCE: Final = 30.0
"""Seconds for which a turn is waited for; all who wait give up sooner when the first of them waited in vain."""
_FRESH: Final = 30.0
"""Seconds for which operators are told of a lock that was waited for in vain."""


_TURNS: Final = 2
_aside: Final[ContextVar[Callable[[], AbstractContextManager[None]]]] = ContextVar("aside", default=nullcontext)


@contextmanager
def stepping_aside(aside: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """In the block, ``aside()`` is entered for as long as a turn is waited for: others may work in the meantime."""
    before = _aside.set(aside)
    try:
        yield
    finally:
        _aside.reset(before)


class LockQueue:
    """Those of this process who want one lock. Whoever has a turn waits for it at the database."""

    def __init__(self, turns: int = _TURNS) -> None:
        self._turns = turns
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def busy(self) -> bool:
        """Whether somebody waits for a turn: whoever comes now is behind them."""
        return bool(self._waiting)

    def enter_now(self) -> bool:
        """Take a turn, if there is one; then nobody waits for it."""
        if not self._turns:
            return False
        self._turns -= 1
        return True

    async def enter(self, seconds: float) -> None:
        """Wait for a turn. ``LockNotAvailableError`` when it does not come in time, or the lock is not to be had."""
        if self.enter_now():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException as error:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:
                self.leave()  # it came at this very moment
            if isinstance(error, TimeoutError):
                raise LockNotAvailableError("too many wait for this lock") from error
            raise

    def leave(self) -> None:
        """Hand the turn to the next."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._turns += 1

    def give_up(self) -> None:
        """The lock is not to be had: tell all who wait for a turn, too."""
        waiting, self._waiting = self._waiting, deque()
        for turn in waiting:
            if not turn.done():
                turn.set_exception(LockNotAvailableError("this lock is held"))


class LockQueues:
    """The queues of one kind of work, by lock; and which locks were waited for in vain lately."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[str, LockQueue] = WeakValueDictionary()
        self._in_vain: dict[str, float] = {}

    def of(self, lock: str) -> LockQueue:
        """The queue for this lock."""
        return self._queues.setdefault(lock, LockQueue())

    def note(self, lock: str, *, got: bool) -> None:
        """Remember that a lock of this name was had, or that it was waited for in vain."""
        self._in_vain.pop(lock, None)
        if not got:
            self._in_vain[lock] = monotonic()

    def trouble(self) -> str | None:
        """What operators should know, in words."""
        held = [lock for lock, at in self._in_vain.items() if monotonic() - at < _FRESH]
        return f"Others hold for long what requests and passes wait for: {', '.join(held)}" if held else None


class Turn:
    """The place of one piece of work in the queue of the lock that it needs."""

    def __init__(self, patience: float | None = None) -> None:
        self.patience = patience
        self._queue: LockQueue | None = None
        self._has = False

    def is_at(self, queue: LockQueue) -> bool:
        """Whether we have a turn in this queue."""
        return self._has and self._queue is queue

    def enter_now(self, queue: LockQueue) -> bool:
        """Whether it is our turn now; if not, ``come`` waits for it."""
        if self._queue is not queue:
            self.leave()
            self._queue = queue
        self._has = self._has or queue.enter_now()
        return self._has

    async def come(self) -> None:
        """Wait for the turn that ``enter_now`` did not get; without such a one, for nothing."""
        if self._queue and not self._has:
            with _aside.get()():
                await self._queue.enter(self.patience or PATIENCE)
            self._has = True

    def leave(self) -> None:
        """Let the next one have it."""
        if self._queue and self._has:
            self._queue.leave()
        self._queue, self._has = None, False
