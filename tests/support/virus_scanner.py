"""A peer that speaks the part of ClamAV's protocol that scans a stream, as clamd does: it knows one virus, EICAR's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Daemon:
    """What it was sent; ``says`` is what it answers instead of its verdict."""

    url: str = ""
    seen: list[bytes] = field(default_factory=list)
    says: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Scan one stream."""
        command = await reader.readuntil(b"\0")
        content = b""
        while command == b"zINSTREAM\0" and (size := int.from_bytes(await reader.readexactly(4), "big")):
            content += await reader.readexactly(size)
        self.seen.append(content)
        verdict = b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        writer.write(self.says or verdict)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def virus_scanner(url: str) -> AsyncIterator[Daemon]:
    """The daemon at ``unix:/path``, or at a port of its own for an empty address."""
    daemon = Daemon(url)
    if url:
        server = await asyncio.start_unix_server(daemon.serve, url.removeprefix("unix:"))
    else:
        server = await asyncio.start_server(daemon.serve, "127.0.0.1", 0)
        daemon.url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield daemon
