"""How much memory a service takes meanwhile."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx

_RESIDENT: Final = re.compile(r"^process_resident_memory_bytes (\S+)$", re.MULTILINE)
_EVERY: Final = 0.25


class Memory:
    """Resident memory of the process that answers, in MiB: before, and the most since."""

    def __init__(self, before: float) -> None:
        self.before = self.most = before


async def resident(client: httpx.AsyncClient) -> float:
    """The resident memory of the process that answers, in MiB."""
    found = _RESIDENT.search((await client.get("/metrics")).raise_for_status().text)
    assert found
    return float(found[1]) / 2**20


@asynccontextmanager
async def watched(client: httpx.AsyncClient) -> AsyncIterator[Memory]:
    """The memory while the block runs, sampled four times a second."""
    memory = Memory(await resident(client))

    async def sample() -> None:
        while True:
            memory.most = max(memory.most, await resident(client))
            await asyncio.sleep(_EVERY)

    sampling = asyncio.create_task(sample())
    try:
        yield memory
        memory.most = max(memory.most, await resident(client))
    finally:
        sampling.cancel()
