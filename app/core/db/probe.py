"""One check of the database for all who ask whether the process can serve: a flood of probes costs no more than one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from app.core.db.pool import holder

Found: TypeAlias = tuple[dict[str, str], list[str]]
"""The checks by name, and what is wrong besides, in words."""

PATIENCE: Final = 5.0
"""Seconds after which a database that does not answer counts as away."""


class Probe:
    """Whoever asks while a check is under way gets what it finds."""

    def __init__(self) -> None:
        self._checking: asyncio.Task[Found] | None = None

    async def find(self, check: Callable[[], Awaitable[Found]]) -> Found:
        """What ``check`` finds; ``TimeoutError`` when it takes too long."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(_check(check), name="probe")
        return await asyncio.shield(self._checking)


async def _check(check: Callable[[], Awaitable[Found]]) -> Found:
    holder.set("probe")
    async with asyncio.timeout(PATIENCE):
        return await check()
