"""Long work for whoever waits for its answer: it ends when they go, and when the service stops."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from fastapi import Request

from app.core.limits.streams import Stream
from app.core.problems import Unavailable
from app.core.text.messages import _

T = TypeVar("T")

SILENCE: Final = 0.5
"""Seconds without a result after which something is said all the same: only by it is it seen that a reader is gone who
closed the connection as one does who sends no more. What closes answers after a second of silence waits for longer."""
_BROKEN_OFF: Final = _("This was cut short: the service is stopping, or nobody is waiting for the answer any more")
_RETRY: Final = {"Retry-After": "5"}


@dataclass(frozen=True, slots=True)
class _Step(Generic[T]):
    """A result, a failure, or the end; silence has neither."""

    result: T | None = None
    error: Exception | None = None
    is_last: bool = False


async def while_read(request: Request, found: AsyncGenerator[T, None]) -> AsyncGenerator[T | None, None]:
    """What is found, for as long as the caller of the request is there; None after each ``SILENCE`` without it.

    Then whatever looks for more is cancelled, and ``Unavailable`` raised for those who still read an answer. The body
    of the request was read before. ``found`` is closed by a task of its own: a response that is cancelled would not
    wait for that.
    """
    steps: asyncio.Queue[_Step[T]] = asyncio.Queue(maxsize=1)
    finder, stream = asyncio.create_task(_find(found, steps), name="read"), Stream()
    try:
        while True:
            step = await stream.until_ended(_next(steps), request.scope, request.receive)
            ended = finder.done() and steps.empty() and step == _Step()  # cancelled: it says nothing more
            if step is None or ended:
                raise Unavailable(_BROKEN_OFF, headers=_RETRY)
            if step.error:
                raise step.error
            if step.is_last:
                return
            yield step.result
    finally:
        finder.cancel()
        await asyncio.gather(finder, return_exceptions=True)


async def _find(found: AsyncGenerator[T, None], steps: asyncio.Queue[_Step[T]]) -> None:
    try:
        async with aclosing(found):
            async for result in found:
                await steps.put(_Step(result))
    except Exception as error:  # noqa: BLE001  it is raised where the results are
        await steps.put(_Step(error=error))
    else:
        await steps.put(_Step(is_last=True))


async def _next(steps: asyncio.Queue[_Step[T]]) -> _Step[T]:
    try:
        async with asyncio.timeout(SILENCE):
            return await steps.get()
    except TimeoutError:
        return _Step()
