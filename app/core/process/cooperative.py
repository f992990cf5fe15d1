"""Long computations that leave the process room for everything else."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

from app.core.clock import monotonic

T = TypeVar("T")

TURN_SECONDS: Final = 0.004
"""A fifth of the 20 ms for which nothing may hold the event loop: a request waits for a turn at each of its steps."""


async def in_turns(items: Iterable[T], *, every: float = TURN_SECONDS) -> AsyncIterator[T]:
    """The items; after ``every`` so many seconds, whatever else waits for this process has its turn."""
    began = monotonic()
    for item in items:
        yield item
        if monotonic() - began >= every:
            await asyncio.sleep(0)
            began = monotonic()
