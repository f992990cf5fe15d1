"""ClamAV's daemon looks at files: its INSTREAM command, over TCP or a socket of this machine (clamd(8))."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from app.core.files import StoreFailed
from app.core.outgoing.connector import open_stream

_COMMAND: Final = b"zINSTREAM\0"
_CLEAN: Final = "OK"
_FOUND: Final = " FOUND"
_LONGEST: Final = 1000
_SECONDS: Final = 120.0
"""For one file: the daemon's own limit."""


class ScanFailed(StoreFailed):
    """The daemon did not say whether the file is clean."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """The daemon at an address: ``tcp://host:port`` or ``unix:/path``."""

    address: str

    async def finding(self, chunks: AsyncIterator[bytes]) -> str | None:
        """What is wrong with a file, by the daemon's name for it; None: nothing. Raises ``ScanFailed``."""
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._asked(chunks)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise ScanFailed(f"{self.address}: {type(error).__name__}: {error}") from error
        said = answer.removeprefix("stream: ")
        if said == _CLEAN:
            return None
        if said.endswith(_FOUND):
            return said.removesuffix(_FOUND)
        raise ScanFailed(f"{self.address}: {said[:_LONGEST]!r}")

    async def _asked(self, chunks: AsyncIterator[bytes]) -> str:
        reader, writer = await open_stream(self.address)
        try:
            writer.write(_COMMAND)
            async for chunk in chunks:
                writer.write(len(chunk).to_bytes(4, "big") + chunk)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            return (await reader.read(_LONGEST)).rstrip(b"\0\n").decode(errors="replace")
        finally:
            writer.close()
