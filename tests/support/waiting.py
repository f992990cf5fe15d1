"""Waiting for something that another task, process or server brings about."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

PATIENCE = 30.0


async def until(true: Callable[[], Any], *, within: float = PATIENCE, every: float = 0.01) -> None:
    """Return when ``true()``, which may be a coroutine, is. Fails with a timeout after ``within`` seconds."""
    async with asyncio.timeout(within):
        while not await _value(true):  # noqa: ASYNC110  it is brought about elsewhere, where no event can be set
            await asyncio.sleep(every)


async def _value(ask: Callable[[], Any]) -> Any:
    answer = ask()
    return await answer if isawaitable(answer) else answer
