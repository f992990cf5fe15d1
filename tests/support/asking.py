"""A client of an application over a real socket, by the protocol of the service."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from app.core.web.edge.connections import ConnectionLimits
from app.core.web.edge.protocol import Connections

LIMITS = ConnectionLimits(
    header_bytes=2**16,
    header_fields=100,
    header_timeout=60,
    body_timeout=60,
    write_timeout=60,
    keep_alive=60,
    unread_bytes=2**26,
    body_bytes=2**26,
    connections=10,
    of_address=0,
)


@asynccontextmanager
async def asking(desk: ASGIApp, *sent: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that has sent this, and reads nothing by itself beyond a few kilobytes."""
    loop = asyncio.get_running_loop()
    config, state, make = Config(desk, lifespan="off", ws="none"), ServerState(), Connections(LIMITS)
    config.load()
    server = await loop.create_server(lambda: make(config, state, {}), "127.0.0.1", 0)
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await loop.sock_connect(raw, server.sockets[0].getsockname())
        reader, writer = await asyncio.open_connection(sock=raw, limit=2**12)
        try:
            writer.write(b"".join(sent))
            yield reader, writer
        finally:
            writer.transport.abort()
            server.close()
