"""An article's Markdown as HTML and as plain text: half a second of work at worst, once in a process.

What somebody writes is rendered by a worker process, before the transaction that holds rows and, in its end, the feed
(``render``). What was written before this process began, or while the worker processes were busy, is rendered by one
thread: others would take turns with the event loop, and threads that look up names are not kept from it.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.markdown import rendered
from app.core.db.engine import Sessions
from app.core.db.session import memory_of
from app.core.problems import TooManyRequests, Unavailable
from app.core.process.memory import Memory
from app.core.workers.offload import Offload

_SHORT: Final = 500
"""Characters that take some milliseconds, whatever they are."""
_THREAD: Final = ThreadPoolExecutor(1, "markdown")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is shown of a text, and what is searched."""

    html: str
    plain: str


_underway: Final[dict[tuple[Memory, bytes], asyncio.Task[Rendered]]] = {}
"""What the thread has to render: each text once, however many wait for it."""


async def render(sessions: Sessions, offload: Offload, owner: str, body: str) -> None:
    """See that a text that ``owner`` writes is rendered when a transaction asks for it.

    Where the worker processes are too busy, nobody is refused: the thread renders it then.
    """
    async with sessions() as session:
        memory = memory_of(session)
    if len(body) > _SHORT and memory.recall(Rendered, _key(body)) is None:
        with suppress(TooManyRequests, Unavailable):
            memory.keep(_key(body), Rendered(*await offload.run(owner, rendered, body)))


async def rendered_once(session: AsyncSession, body: str) -> Rendered:
    """The text as it is shown and searched."""
    memory: Memory = memory_of(session)
    known = memory.recall(Rendered, key := _key(body))
    if known is None and len(body) <= _SHORT:
        known = memory.keep(key, Rendered(*rendered(body)))
    if known is None:
        known = await asyncio.shield(_underway.get((memory, key)) or _begun(memory, key, body))
    return known


def _begun(memory: Memory, key: bytes, body: str) -> asyncio.Task[Rendered]:
    """The rendering of a text by the thread: it goes on, and is remembered, also when who asked for it leaves."""
    task = _underway[memory, key] = asyncio.create_task(_by_thread(memory, key, body), name="markdown")
    task.add_done_callback(lambda _: _underway.pop((memory, key)))
    return task


async def _by_thread(memory: Memory, key: bytes, body: str) -> Rendered:
    made = await asyncio.get_running_loop().run_in_executor(_THREAD, rendered, body)
    return memory.keep(key, Rendered(*made))


def _key(body: str) -> bytes:
    return sha256(body.encode()).digest()
