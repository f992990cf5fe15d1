"""Waiting for something that another task, process or server brings about."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from sqlalchemy import text

from app.core.db.engine import Sessions

PATIENCE = 30.0
_BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def until(true: Callable[[], Any], *, within: float = PATIENCE, every: float = 0.01) -> None:
    """Return when ``true()``, which may be a coroutine, is. Fails with a timeout after ``within`` seconds."""
    async with asyncio.timeout(within):
        while not await _value(true):  # noqa: ASYNC110  it is brought about elsewhere, where no event can be set
            await asyncio.sleep(every)


async def until_blocked(sessions: Sessions, count: int = 1) -> None:
    """Return when so many statements of this database wait for another transaction's lock."""

    async def blocked() -> bool:
        async with sessions() as session:
            return bool(await session.scalar(_BLOCKED) == count)

    await until(blocked)


async def _value(ask: Callable[[], Any]) -> Any:
    answer = ask()
    return await answer if isawaitable(answer) else answer
