"""Long computations that leave the process room for everything else."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")


async def in_turns(items: Iterable[T], every: int = 50) -> AsyncIterator[T]:
    """The items; after ``every`` so many, whatever else waits for this process has its turn."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % every == 0:
            await asyncio.sleep(0)
