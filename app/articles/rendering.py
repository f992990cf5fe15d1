"""An article's Markdown as HTML and as plain text: half a second of work at worst, once in a process.

What somebody writes is rendered by a worker process, before the transaction that holds rows and, in its end, the feed
(``render``). What was written before this process began is rendered by one thread: others would take turns with the
event loop, and threads that look up names are not kept from it.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.markdown import rendered
from app.core.db.engine import Sessions
from app.core.db.session import memory_of
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


async def render(sessions: Sessions, offload: Offload, owner: str, body: str) -> None:
    """See that a text that ``owner`` writes is rendered when a transaction asks for it."""
    async with sessions() as session:
        memory = memory_of(session)
    if len(body) > _SHORT and memory.recall(Rendered, _key(body)) is None:
        memory.keep(_key(body), Rendered(*await offload.run(owner, rendered, body)))


async def rendered_once(session: AsyncSession, body: str) -> Rendered:
    """The text as it is shown and searched."""
    memory: Memory = memory_of(session)
    known = memory.recall(Rendered, key := _key(body))
    if known is None and len(body) <= _SHORT:
        known = memory.keep(key, Rendered(*rendered(body)))
    if known is None:
        made = await asyncio.get_running_loop().run_in_executor(_THREAD, rendered, body)
        known = memory.keep(key, Rendered(*made))
    return known


def _key(body: str) -> bytes:
    return sha256(body.encode()).digest()
