"""Long computations that leave the process room for everything else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from app.core.clock import monotonic

T = TypeVar("T")
Beat: TypeAlias = Callable[[], Awaitable[object]]
"""A sign of life to whoever waits for this task."""

TURN_SECONDS: Final = 0.004
"""A fifth of the 20 ms for which nothing may hold the event loop: a request waits for a turn at each of its steps."""


@dataclass(slots=True)
class _Pulse:
    """Who is given a sign of life by which task, how often in seconds, and when last."""

    beat: Beat
    task: asyncio.Task[Any] | None
    every: float
    last: float

    async def come(self) -> None:
        """Give the sign, if it is time and this is the task: another one of its may use the same connection."""
        if monotonic() - self.last >= self.every and asyncio.current_task() is self.task:
            await self.beat()
            self.last = monotonic()


_pulse: ContextVar[_Pulse | None] = ContextVar("pulse", default=None)


async def in_turns(items: Iterable[T], *, every: float = TURN_SECONDS) -> AsyncIterator[T]:
    """The items; after ``every`` so many seconds, whatever else waits for this process has its turn."""
    began = monotonic()
    for item in items:
        yield item
        if monotonic() - began >= every:
            await asyncio.sleep(0)
            if pulse := _pulse.get():
                await pulse.come()
            began = monotonic()


@contextmanager
def beating(beat: Beat, every: float) -> Iterator[None]:
    """Have ``beat`` called while this task computes ``in_turns`` in the block, after ``every`` so many seconds.

    However long others' turns take, whoever waits for this task sees that it goes on. Tasks that it starts are others.
    """
    token = _pulse.set(_Pulse(beat, asyncio.current_task(), every, monotonic()))
    try:
        yield
    finally:
        _pulse.reset(token)
