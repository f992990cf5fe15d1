"""A receiver of webhooks as a process of its own: plain ASGI, so that it costs little beside what is measured.

``/ok/...`` takes everything, ``/hang``, ``/drip``, ``/flood`` and ``/redirect`` do what their names say, ``/flaky``
fails each message's first attempt. ``GET /arrivals`` tells and forgets what has come: path, webhook-id, wall clock.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import orjson

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

FLOOD = 10 * 2**30
METADATA = b"http://169.254.169.254/latest/meta-data"

arrivals: list[tuple[str, str, float]] = []
seen: set[str] = set()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    came, path = time.time(), scope["path"]
    while (await receive()).get("more_body"):
        pass
    if path == "/arrivals":
        told = orjson.dumps(arrivals)
        arrivals.clear()
        await _answer(send, 200, told)
        return
    message = next((value.decode() for name, value in scope["headers"] if name == b"webhook-id"), "")
    arrivals.append((path, message, came))
    if path.startswith("/hang"):
        await receive()  # returns when the caller has gone
    elif path == "/drip":
        await _stream(receive, send, _drops(), length=1_000_000)
    elif path == "/flood":
        await _stream(receive, send, _flood(), length=FLOOD)
    elif path == "/redirect":
        await _answer(send, 302, headers=[(b"location", METADATA)])
    elif path.startswith("/flaky") and path + message not in seen:
        seen.add(path + message)
        await _answer(send, 500)
    else:
        await _answer(send, 204)


async def _answer(send: Send, status: int, body: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers or []})
    await send({"type": "http.response.body", "body": body})


async def _stream(receive: Receive, send: Send, chunks: AsyncIterator[bytes], length: int) -> None:
    """Send chunks until the caller has gone: the server itself would let us go on."""
    gone = asyncio.ensure_future(receive())
    headers = [(b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for chunk in chunks:
        if gone.done():
            return
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    gone.cancel()


async def _drops() -> AsyncIterator[bytes]:
    for _ in range(1_000_000):
        yield b"."
        await asyncio.sleep(0.1)


async def _flood() -> AsyncIterator[bytes]:
    for _ in range(FLOOD // 2**16):
        yield b"x" * 2**16
        await asyncio.sleep(0)
