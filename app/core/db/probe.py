"""One look at the database for all who ask whether the process can serve: a flood of probes costs no more than one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from app.core.db.pool import holder

Found: TypeAlias = tuple[dict[str, str], list[str]]
"""The checks by name, and what is wrong besides, in words."""

PATIENCE: Final = 5.0
"""Seconds after which a database that does not answer counts as away."""


class Probe:
    """Whoever asks while a look is under way gets what it finds."""

    def __init__(self) -> None:
        self._looking: asyncio.Task[Found] | None = None

    async def find(self, look: Callable[[], Awaitable[Found]]) -> Found:
        """What ``look`` finds; ``TimeoutError`` when it takes too long."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(_look(look), name="probe")
        return await asyncio.shield(self._looking)


async def _look(look: Callable[[], Awaitable[Found]]) -> Found:
    holder.set("probe")
    async with asyncio.timeout(PATIENCE):
        return await look()
