"""Requests that are sent ahead of their answers, on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from app.core.web.edge.connections import ConnectionLimits
from app.core.web.edge.protocol import Connections
from tests.support.waiting import until

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LONG = b"x" * 2**22
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


class Desk:
    """An application that answers at length, or waits until its caller has gone; it counts what it was asked."""

    def __init__(self, *, answers: bool) -> None:
        self.answers, self.begun, self.answered, self.left = answers, 0, 0, 0

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        if self.answers:
            fields = [(b"content-length", str(len(LONG)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": fields})
            await send({"type": "http.response.body", "body": LONG})
            self.answered += 1
            return
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left += 1


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


async def test_a_request_begins_when_the_answer_before_it_has_been_taken() -> None:
    desk = Desk(answers=True)
    async with asyncio.timeout(60), asking(desk, REQUEST, REQUEST) as (reader, writer):
        await until(lambda: desk.answered)
        writer.write(REQUEST)
        await writer.drain()
        for _ in range(20):
            await asyncio.sleep(0)
        assert desk.begun == 1
        read = 0
        while read < 3 * len(LONG):
            read += len(await reader.read(2**16))
        assert (desk.begun, desk.answered) == (3, 3)


async def _refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer without looking at the body."""
    await send({"type": "http.response.start", "status": 429, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _post(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length


async def test_a_body_whose_request_was_answered_already_is_passed_over() -> None:
    async with asyncio.timeout(60), asking(_refuse, _post(1000)) as (reader, writer):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 429")
        writer.write(b"x" * 1000 + REQUEST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 429")


async def test_a_long_one_is_not() -> None:
    async with asyncio.timeout(60), asking(_refuse, _post(len(LONG))) as (reader, writer):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 429")
        writer.write(LONG + REQUEST)
        assert await reader.read() == b""


async def test_all_requests_of_a_client_that_leaves_are_told() -> None:
    desk = Desk(answers=False)
    async with asyncio.timeout(60), asking(desk, REQUEST, REQUEST) as (_, writer):
        await until(lambda: desk.begun)
        writer.transport.abort()
        await until(lambda: desk.left)
        assert (desk.begun, desk.left) == (1, 1)


async def test_a_body_behind_a_wish_for_another_protocol_is_no_request() -> None:
    desk = Desk(answers=True)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 31\r\n\r\n"
    async with asking(desk, head, b"GET / HTTP/1.1\r\nHost: smuggled\r\n\r\n") as (reader, _writer):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    assert desk.begun == 0
