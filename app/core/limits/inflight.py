"""How many requests are worked on at once, and whose turn is next.

The more a process works on at once, the longer each takes, whoever sent it. So every lane (an account, a support key,
an address) has few requests that run and some that wait; the rest is refused before anything is done for it. All lanes
together have a limit too, and take turns where it is reached: a lane with much to do delays the others by one request
each.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 10.0
"""Seconds that a request waits for its turn."""
DONE: Final = "heliodesk.done"
"""In a request's scope: what an answer that stays open calls once it has begun, for it is no work any more."""


class Full(Exception):
    """The lane has as many requests as it may."""


class TooLong(Exception):
    """The turn did not come in time; ``alone``: because of the lane's own requests, not of others'."""

    def __init__(self, *, alone: bool) -> None:
        super().__init__()
        self.alone = alone


@dataclass(frozen=True, slots=True)
class Size:
    """How many requests of a lane run at once, and how many more may wait."""

    running: int
    waiting: int

    @property
    def places(self) -> int:
        """Both together."""
        return self.running + self.waiting


class _Lane:
    __slots__ = ("in_ring", "name", "places", "running", "size", "waiting")

    def __init__(self, name: str, size: Size) -> None:
        self.name, self.size = name, size
        self.places, self.running, self.in_ring = 0, 0, False
        self.waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_ready(self) -> bool:
        return bool(self.waiting) and self.running < self.size.running


class Place:
    """A request's place in its lane, from its head to the last byte of its answer."""

    __slots__ = ("_in_flight", "_lane", "_left", "_runs")

    def __init__(self, in_flight: "InFlight", lane: _Lane) -> None:
        self._in_flight, self._lane, self._runs, self._left = in_flight, lane, False, False

    async def turn(self) -> None:
        """Return when the request may be worked on. Raises ``TooLong``."""
        await self._in_flight.turn(self._lane)
        self._runs = True

    def move(self, name: str, size: Size) -> None:
        """Take a place in another lane and give up this one, before its turn. Raises ``Full``: then nothing moves."""
        if name != self._lane.name:
            lane = self._in_flight.join(name, size)
            self._in_flight.leave(self._lane, runs=False)
            self._lane = lane

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others of the lane run while the block waits for something else, then go on at once."""
        if self._left or not self._runs:
            yield
            return
        self._in_flight.stop(self._lane)
        self._runs = False
        try:
            yield
        finally:
            if not self._left:
                self._in_flight.start(self._lane)
                self._runs = True

    def rest(self) -> None:
        """Keep the place alone: what is left to be done costs little, and others run meanwhile."""
        if self._runs and not self._left:
            self._runs = False
            self._in_flight.stop(self._lane)

    def leave(self) -> None:
        """The work is done; it may be said more than once."""
        if not self._left:
            self._left = True
            self._in_flight.leave(self._lane, runs=self._runs)


class InFlight:
    """The requests of one process by lane; ``most`` of them run at once."""

    def __init__(self, most: int, patience: float = PATIENCE) -> None:
        self.running = 0
        self._most, self._patience = most, patience
        self._lanes: dict[str, _Lane] = {}
        self._ring: deque[_Lane] = deque()

    @property
    def waiting(self) -> int:
        """The requests that wait for their turn or for the rest of their body."""
        return sum(lane.places for lane in self._lanes.values()) - self.running

    def enter(self, name: str, size: Size) -> Place:
        """A place in this lane. Raises ``Full``."""
        return Place(self, self.join(name, size))

    def join(self, name: str, size: Size) -> _Lane:
        """The lane of this name with one more place taken. Raises ``Full``."""
        self.require_room(name, size)
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(name, size)
        lane.places += 1
        return lane

    def require_room(self, name: str, size: Size) -> None:
        """Raise ``Full`` where the lane has no place left."""
        lane = self._lanes.get(name)
        if (lane.places if lane else 0) >= size.places:
            raise Full

    async def turn(self, lane: _Lane) -> None:
        """Count one more request of the lane as running, as soon as it may; in the lane's order."""
        if lane.running < lane.size.running and self.running < self._most:
            self.start(lane)  # nobody waits who could run: `leave` would have let them
            return
        granted = asyncio.get_running_loop().create_future()
        lane.waiting.append(granted)
        self._line_up(lane)
        try:
            async with asyncio.timeout(self._patience):
                await granted
        except BaseException as error:
            self._give_up(lane, granted)
            if isinstance(error, TimeoutError):
                raise TooLong(alone=lane.running >= lane.size.running) from error
            raise

    def leave(self, lane: _Lane, *, runs: bool) -> None:
        """Give up a place; whose turn has come goes on."""
        lane.places -= 1
        if runs:
            self.stop(lane)
        if not lane.places:
            del self._lanes[lane.name]

    def start(self, lane: _Lane) -> None:
        """Count one more request of the lane as running."""
        lane.running += 1
        self.running += 1

    def stop(self, lane: _Lane) -> None:
        """Count one less, and let whose turn has come go on."""
        lane.running -= 1
        self.running -= 1
        self._line_up(lane)
        self._dispatch()

    def _line_up(self, lane: _Lane) -> None:
        if lane.is_ready and not lane.in_ring:
            lane.in_ring = True
            self._ring.append(lane)

    def _dispatch(self) -> None:
        while self._ring and self.running < self._most:
            lane = self._ring.popleft()
            lane.in_ring = False
            if lane.is_ready:
                granted = lane.waiting.popleft()
                if not granted.cancelled():
                    self.start(lane)
                    granted.set_result(None)
                self._line_up(lane)

    def _give_up(self, lane: _Lane, granted: "asyncio.Future[None]") -> None:
        """It was cancelled: out of the line, or back with a turn that came at the same instant."""
        if granted.done() and not granted.cancelled():
            self.stop(lane)
        elif granted in lane.waiting:
            lane.waiting.remove(granted)


class Pace:
    """Holds refusals back where there are many, so that refusing is not what keeps the process busy. ``now`` is given.

    The first of a second are at once; further ones go out at the same rate, each held for ``longest`` seconds at most.
    """

    def __init__(self, a_second: int = 50, longest: float = 1.0, most: int = 10_000) -> None:
        self._step, self._longest, self._most = 1 / a_second, longest, most
        self._next: dict[str, float] = {}

    def hold(self, whom: str, now: float) -> float:
        """Seconds to wait before this refusal goes out."""
        following = max(now - 1.0, self._next.get(whom, now - 1.0)) + self._step
        if len(self._next) >= self._most:
            self._next.clear()
        self._next[whom] = min(following, now + self._longest)
        return max(0.0, self._next[whom] - now)
