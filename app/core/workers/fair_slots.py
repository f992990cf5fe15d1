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


class _Queue:
    """Who waits in one owner's name: apart, those for whom somebody waits in turn."""

    __slots__ = ("hurried", "unhurried")

    def __init__(self) -> None:
        self.hurried: deque[_Place] = deque()
        self.unhurried: deque[_Place] = deque()

    def of(self, *, hurried: bool) -> deque[_Place]:
        """Those of one kind."""
        return self.hurried if hurried else self.unhurried

    def __len__(self) -> int:
        return len(self.hurried) + len(self.unhurried)


class FairSlots:
    """``slots`` are taken at a time; of each kind at most ``waiting`` callers wait, ``share`` of them of one owner.

    No owner has all of several slots: whoever comes to the last one has none yet. Nor have they all that are not
    ``hurried``, for whom nobody waits. A free slot goes to an owner who has fewest, and among these round, each time to
    the one that has waited longest for its turn; of one owner, to what is hurried first. Where the queue is full, an
    owner with fewer waiting than another takes the place of the other's last.
    """

    def __init__(self, slots: int, *, waiting: int, share: int) -> None:
        self._free, self._most, self._share = slots, waiting, share
        self._part = max(1, slots - 1)
        self._taken: Counter[str] = Counter()
        self._unhurried = 0
        self._waiting: OrderedDict[str, _Queue] = OrderedDict()

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def taken(self, owner: str, *, within: float, hurried: bool = True) -> AsyncIterator[None]:
        """A slot for as long as the block runs.

        429 when so many of this owner wait already; 503 when the queue is full, and after ``within`` seconds in it.
        """
        await self._take(owner, within, hurried=hurried)
        try:
            yield
        finally:
            self._give_back(owner, hurried=hurried)

    async def _take(self, owner: str, within: float, *, hurried: bool) -> None:
        if self._free and self._may(owner, hurried=hurried):  # then nobody waits who could have it
            self._give(owner, hurried=hurried)
            return
        self._make_room(owner, hurried=hurried)
        place: _Place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, _Queue()).of(hurried=hurried).append(place)
        try:
            async with asyncio.timeout(within):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._give_back(owner, hurried=hurried)  # the slot came at the very moment at which the caller left
            self._forget(owner, place, hurried=hurried)
            if isinstance(error, TimeoutError):
                raise _busy() from error
            raise

    def _may(self, owner: str, *, hurried: bool) -> bool:
        return self._taken[owner] < self._part and (hurried or self._unhurried < self._part)

    def _make_room(self, owner: str, *, hurried: bool) -> None:
        """See that one more may wait."""
        numbers = {each: len(queue.of(hurried=hurried)) for each, queue in self._waiting.items()}
        own = numbers.get(owner, 0)
        if own >= self._share:
            detail = _("At most {share} of your requests wait for a heavy computation at a time", share=self._share)
            raise TooManyRequests(detail, headers=_RETRY)
        if sum(numbers.values()) < self._most:
            return
        longest = max(numbers, key=numbers.__getitem__)
        if numbers[longest] <= own + 1:
            raise _busy()
        last = self._waiting[longest].of(hurried=hurried)[-1]
        self._forget(longest, last, hurried=hurried)
        if not last.done():
            last.set_exception(_busy())

    def _give(self, owner: str, *, hurried: bool) -> None:
        self._free -= 1
        self._taken[owner] += 1
        self._unhurried += not hurried

    def _give_back(self, owner: str, *, hurried: bool) -> None:
        """Hand the slot on to the owner whose turn it is, or keep it free."""
        self._free += 1
        self._unhurried -= not hurried
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
        while self._free and (following := self._next()):
            next_one, is_hurried = following
            place = self._waiting[next_one].of(hurried=is_hurried)[0]
            self._waiting.move_to_end(next_one)
            self._forget(next_one, place, hurried=is_hurried)
            if not place.done():
                self._give(next_one, hurried=is_hurried)
                place.set_result(None)

    def _next(self) -> tuple[str, bool] | None:
        """Whose turn it is, and of which kind; None where nobody waits who may have one more."""
        may = [
            (owner, hurried)
            for owner, queue in self._waiting.items()
            for hurried in (True, False)
            if queue.of(hurried=hurried) and self._may(owner, hurried=hurried)
        ]
        return min(may, key=lambda each: self._taken[each[0]], default=None)

    def _forget(self, owner: str, place: _Place, *, hurried: bool) -> None:
        queue = self._waiting.get(owner)
        if queue and place in queue.of(hurried=hurried):
            queue.of(hurried=hurried).remove(place)
            if not queue:
                del self._waiting[owner]


def _busy() -> Problem:
    return Crowded(_("Too many heavy computations are waiting"), headers=_RETRY)
