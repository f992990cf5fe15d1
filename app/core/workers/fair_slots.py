"""A few slots for many: whoever waits gets one in turn, so that nobody who asks for much keeps others waiting."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from app.core.problems import Crowded, Problem, TooManyRequests
from app.core.text.messages import _

_RETRY: Final = {"Retry-After": "1"}
_Place: TypeAlias = "asyncio.Future[None]"


class FairSlots:
    """``slots`` are taken at a time, at most ``waiting`` callers wait, at most ``share`` of them of one owner.

    No owner has all of several slots: whoever comes to the last one has none yet. A free slot goes to an owner who has
    fewest, and among these round, each time to the one that has waited longest for its turn. Where the queue is full,
    an owner with fewer waiting than another takes the place of the other's last.
    """

    def __init__(self, slots: int, *, waiting: int, share: int) -> None:
        self._free, self._most, self._share = slots, waiting, share
        self._part = max(1, slots - 1)
        self._taken: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[_Place]] = OrderedDict()

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def taken(self, owner: str, *, within: float) -> AsyncIterator[None]:
        """A slot for as long as the block runs.

        429 when so many of this owner wait already; 503 when the queue is full, and after ``within`` seconds in it.
        """
        await self._take(owner, within)
        try:
            yield
        finally:
            self._give_back(owner)

    async def _take(self, owner: str, within: float) -> None:
        if self._free and self._taken[owner] < self._part:  # then nobody waits who could have it
            self._give(owner)
            return
        self._make_room(owner)
        place: _Place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(place)
        try:
            async with asyncio.timeout(within):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._give_back(owner)  # the slot came at the very moment at which the caller left
            self._forget(owner, place)
            if isinstance(error, TimeoutError):
                raise _busy() from error
            raise

    def _make_room(self, owner: str) -> None:
        """See that one more may wait."""
        own = len(self._waiting.get(owner, ()))
        if own >= self._share:
            detail = _("At most {share} of your requests wait for a heavy computation at a time", share=self._share)
            raise TooManyRequests(detail, headers=_RETRY)
        if len(self) < self._most:
            return
        longest, places = max(self._waiting.items(), key=lambda item: len(item[1]))
        if len(places) <= own + 1:
            raise _busy()
        last = places[-1]
        self._forget(longest, last)
        if not last.done():
            last.set_exception(_busy())

    def _give(self, owner: str) -> None:
        self._free -= 1
        self._taken[owner] += 1

    def _give_back(self, owner: str) -> None:
        """Hand the slot on to the owner whose turn it is, or keep it free."""
        self._free += 1
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
        while self._free and (next_one := self._next()):
            places = self._waiting[next_one]
            place = places.popleft()
            self._waiting.move_to_end(next_one)
            if not places:
                del self._waiting[next_one]
            if not place.done():
                self._give(next_one)
                place.set_result(None)

    def _next(self) -> str | None:
        """Whose turn it is; None where nobody waits who may have one more."""
        may = [owner for owner in self._waiting if self._taken[owner] < self._part]
        return min(may, key=self._taken.__getitem__, default=None)

    def _forget(self, owner: str, place: _Place) -> None:
        places = self._waiting.get(owner)
        if places and place in places:
            places.remove(place)
            if not places:
                del self._waiting[owner]


def _busy() -> Problem:
    return Crowded(_("Too many heavy computations are waiting"), headers=_RETRY)
