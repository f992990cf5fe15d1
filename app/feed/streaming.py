"""The feed as it grows: for requests that wait, and as server-sent events (WHATWG HTML, 9.2).

Each reader pulls from the database at its own pace: what it does not take is not read, and while it waits it holds no
connection.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final

import structlog
from fastapi import Response
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

from app.core.clock import monotonic
from app.core.db.errors import DATABASE_ERRORS, is_outage
from app.core.limits.streams import Stream, Streams
from app.core.state import State
from app.core.web.callers import language_of
from app.feed.cursors import cursor_of
from app.feed.reading import Page, Wanted, read

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a stream says that it is alive."""
PAGE: Final = 50
"""Events that a stream reads at a time."""
_RETRY: Final = 1000
"""Milliseconds after which a browser comes back."""
_PAUSE: Final = 1.0
"""Seconds between two tries while the database is away."""
_FAREWELL: Final = 1.0
"""Seconds that a reader has for taking the end of its stream."""
_log = structlog.get_logger(__name__)


async def pages(
    state: State, wanted: Wanted, after: int, *, until: float, limit: int = PAGE, silence: float = HEARTBEAT
) -> AsyncGenerator[Page, None]:
    """What there is behind ``after``, and what comes, until the monotonic instant ``until``.

    What there is is read as requests read; what comes, with the background's connections, so that those who follow the
    feed do not wait for requests.
    A page is empty where as many events were passed over as one page looks at, after so many seconds of ``silence``,
    and at the end.
    """
    spoke = monotonic()
    reader = state
    while True:
        page = await _read(reader, wanted, after, limit)
        after, now = page.after, monotonic()
        over = now >= until and not page.more
        if page.rows or page.more or over or now - spoke >= silence:
            yield page
            spoke = monotonic()
        if over:
            return
        if not page.more and not await state.feed.news(after, wanted.account_id, min(until, spoke + silence) - now):
            after = max(after, state.feed.position or 0)
        reader = state if page.more else state.on(state.background)


async def _read(state: State, wanted: Wanted, after: int, limit: int) -> Page:
    """The next page; a database that is away is waited for: a browser takes an error for the end of it all."""
    while True:
        try:
            return await read(state.engine, wanted, after=after, upto=state.feed.position or 0, limit=limit)
        except DATABASE_ERRORS as error:
            if not is_outage(error):
                raise
            _log.warning("the feed waits for the database", error=repr(error))
        await asyncio.sleep(_PAUSE)


def frames(page: Page) -> bytes:
    """The events of a page as they are sent; of an empty page its place alone, which ``Last-Event-ID`` follows."""
    if not page.rows:
        return _place(page.after)
    return b"".join(
        format_sse_event(event=row["type"], data_str=row["body"], id=cursor_of(row["position"])) for row in page.rows
    )


def _place(position: int, retry: int | None = None) -> bytes:
    """How far the feed has come, as an ``id`` and as a comment: many parsers pass on no ``id`` without data."""
    cursor = cursor_of(position)
    return format_sse_event(comment=f"cursor {cursor}", id=cursor, retry=retry)


class EventStream(Response):
    """An answer that stays open until its reader goes, its pages end, or its ``stream`` is ended."""

    media_type = "text/event-stream"

    def __init__(self, begin: int, told: AsyncGenerator[Page, None], streams: Streams, stream: Stream) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._begin, self._told, self._streams, self._stream = begin, told, streams, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream, and its end in order."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._stream.until_ended(self._tell(send), scope, receive)
            reason = self._stream.reason
            farewell = format_sse_event(comment=reason.to(language_of(scope))) if reason else b""
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await _send(send, farewell, more=False)
        finally:
            self._streams.close(self._stream)

    async def _tell(self, send: Send) -> None:
        await _send(send, _place(self._begin, retry=_RETRY))  # so that one that begins with `latest` can be continued
        async with aclosing(self._told) as told:
            async for page in told:
                await _send(send, frames(page))


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
