"""Answers that stay open: how many there may be, and how they end before their reader goes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
from starlette.types import Receive, Scope

from app.core.auth import Principal
from app.core.db.errors import DATABASE_ERRORS
from app.core.db.pool import holder
from app.core.limits.inflight import DONE
from app.core.problems import TooManyRequests, Unavailable
from app.core.text.messages import Message, _

T = TypeVar("T")
StillValid = Callable[[Collection[str]], Awaitable[set[str]]]
"""Which of these keys (by id) are neither revoked nor expired, and which of these people have not left."""

DRAIN: Final = "heliodesk.drain"
"""In a request's scope: what the server calls, with the reason, so that an answer that stays open ends by itself."""
CHECK: Final = 2.0
"""Seconds between two checks of the keys and people of all open streams."""
_KEYS: Final = _("A key has at most {most} streams and waiting requests open")
_VISITORS: Final = _("A visitor has at most {most} streams and waiting requests open")
_ACCOUNTS: Final = _("An account has at most {most} streams and waiting requests open")
_LATER: Final = {"Retry-After": "10"}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How many streams and waiting requests are open: in this process, of an account, of a key, of a visitor."""

    all: int
    of_account: int
    of_key: int
    of_visitor: int = 10


class Stream:
    """One open answer, as long as its keys are valid and its person is one of the account's.

    It is counted for its ``owner``, and for an account where the owner belongs to one.
    """

    def __init__(self, *depends_on: str, owner: str = "", account_id: str | None = None) -> None:
        self.depends_on, self.owner, self.account_id = depends_on, owner, account_id
        self.reason: Message | None = None
        self._ended = asyncio.Event()

    def end(self, reason: Message) -> None:
        """Cut off what ``until_ended`` runs; ``reason`` is for its reader."""
        self.reason = self.reason or reason
        self._ended.set()

    async def until_ended(self, work: Awaitable[T], scope: Scope, receive: Receive) -> T | None:
        """What ``work`` returns; None when the stream ended before (it was ended, or its reader is gone)."""
        if done := scope.get(DONE):
            done()
        scope[DRAIN] = self.end
        task = asyncio.ensure_future(work)
        ended = asyncio.ensure_future(self._ended.wait())
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({task, ended, gone}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for each in (task, ended, gone):
                each.cancel()
            await asyncio.gather(task, ended, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Streams:
    """The open streams of this process. All that they depend on is looked at together, every two seconds."""

    def __init__(self, valid: StillValid, limits: StreamLimits, *, check: float = CHECK) -> None:
        self._valid, self._limits, self._check = valid, limits, check
        self._open: set[Stream] = set()
        self._of_owner: Counter[str] = Counter()
        self._of_account: Counter[str] = Counter()
        self._keeper: asyncio.Task[None] | None = None

    @contextmanager
    def opened(self, principal: Principal) -> Iterator[Stream]:
        """A stream for as long as the block runs.

        429 when the caller's key or account has too many already, 503 when the process has.
        """
        stream = self.open(principal)
        try:
            yield stream
        finally:
            self.close(stream)

    def open(self, principal: Principal) -> Stream:
        """A stream, which the caller has to close. 429 and 503 as above."""
        owner, visitor = principal.stream_owner, principal.visitor
        if visitor:
            _refuse_more(_VISITORS, "streams_per_visitor", self._of_owner[owner], self._limits.of_visitor)
        else:
            _refuse_more(_KEYS, "streams_per_key", self._of_owner[owner], self._limits.of_key)
        account_id = None if principal.is_unknown else principal.account_id
        if account_id:
            _refuse_more(_ACCOUNTS, "streams_per_account", self._of_account[account_id], self._limits.of_account)
        if len(self._open) >= self._limits.all:
            raise Unavailable(_("Too many streams are open"), headers=_LATER)
        stream = Stream(*principal.depends_on, owner=owner, account_id=account_id)
        self._open.add(stream)
        self._of_owner[owner] += 1
        if account_id:
            self._of_account[account_id] += 1
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep(), name="streams")
        return stream

    def close(self, stream: Stream) -> None:
        """The answer is over."""
        self._open.remove(stream)
        _count_down(self._of_owner, stream.owner)
        if stream.account_id:
            _count_down(self._of_account, stream.account_id)

    def of_account(self, account_id: str) -> int:
        """How many the account's keys have open."""
        return self._of_account.get(account_id, 0)

    def __len__(self) -> int:
        return len(self._open)

    async def _keep(self) -> None:
        """End the streams whose key was revoked or has expired, or whose person has left the account."""
        holder.set("streams")
        while self._open:
            await asyncio.sleep(self._check)
            looked_at = set(self._open)  # one that opens meanwhile has its turn at the next look
            try:
                valid = await self._valid({each for stream in looked_at for each in stream.depends_on})
            except DATABASE_ERRORS as error:
                _log.warning("the keys of open streams could not be looked at", error=repr(error))
                continue
            for stream in looked_at:
                if not valid.issuperset(stream.depends_on):
                    stream.end(_("the key, or whoever shows it, is no longer valid"))


def _refuse_more(detail: Message, name: str, used: int, most: int) -> None:
    if used >= most:
        raise TooManyRequests(
            detail.given(most=most),
            headers=_LATER,
            quota=name,
            value=most,
            used=used,
        )


def _count_down(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]
