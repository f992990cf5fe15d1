"""How the slots of a sender are shared: over the owners of endpoints, then over endpoints, then over lanes. Pure.

A lane is what waits for one endpoint of the events of one account. An account's endpoint has one lane; an operator's
has one for each account of whose events something waits, so that nobody's flood holds up the others there either.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final, NamedTuple, TypeAlias

from app.events.envelope import NO_ACCOUNT

Key: TypeAlias = tuple[str, str, str]
"""A lane's owner, endpoint and account."""

START: Final[Key] = ("", "", "")
"""Before every lane."""
_Place: TypeAlias = tuple[bool, float, int]
"""A place in line among equals: whether its endpoint was just found to be held, what was drawn, and who came first."""
_ACCOUNTS_PART: Final = 4
_PROBATION_PART: Final = 20


class Lane(NamedTuple):
    """What waits in one lane, at the least one delivery; ``retry``: one that was attempted before is among it.

    ``owner`` is the endpoint's account, or ``-`` for an operator's; ``concurrency`` is how many messages at once the
    endpoint takes, None for the default; ``places``: it has a rate, and so many are free for what has yet to get one;
    ``paced``: something in the lane has its own already.
    """

    owner: str
    endpoint_id: str
    account_id: str
    retry: bool = False
    concurrency: int | None = None
    places: int | None = None
    paced: bool = False

    @property
    def key(self) -> Key:
        """By which lanes are ordered."""
        return self.owner, self.endpoint_id, self.account_id

    @property
    def is_open(self) -> bool:
        """Whether anything in it can be claimed or get a place."""
        return self.places is None or self.places > 0 or self.paced


@dataclass(slots=True)
class Grant:
    """How many deliveries of a lane may be claimed: ``many``, of which no more than ``firsts`` are first attempts."""

    many: int = 0
    firsts: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """How much one claim may take: ``limit`` deliveries, of one endpoint no more than ``per_endpoint`` at once.

    All but ``reserved`` of them may be first attempts: a retry finds a slot at its instant, whatever the backlog is.
    Of what is in flight, ``in_flight`` counts by endpoint, ``by_owner`` by owner, and ``on_probation`` by owner what
    goes to endpoints on probation. ``probation`` has those endpoints: how many each may have at once. ``busy`` are the
    endpoints that have all that they take. Of those ``held`` somebody was just found to hold the rows: they get no
    places at their rates. Of all ``slots`` each owner has a part at most; None: as many as it takes.
    """

    limit: int
    per_endpoint: int
    slots: int | None = None
    reserved: int = 0
    in_flight: Mapping[str, int] = field(default_factory=dict)
    by_owner: Mapping[str, int] = field(default_factory=dict)
    on_probation: Mapping[str, int] = field(default_factory=dict)
    probation: Mapping[str, int] = field(default_factory=dict)
    busy: Sequence[str] = ()
    held: Collection[str] = ()

    @property
    def firsts(self) -> int:
        """How many of them may be first attempts."""
        return max(0, self.limit - self.reserved)

    def most_of(self, owner: str) -> int:
        """How many slots one owner may hold: an account a quarter of them, so that operators always leave a quarter."""
        if self.slots is None:
            return self.limit
        part = max(1, self.slots // _ACCOUNTS_PART)
        return max(1, self.slots - part) if owner == NO_ACCOUNT else part

    @property
    def most_on_probation(self) -> int:
        """How many slots the endpoints on probation of one owner may hold together."""
        return self.limit if self.slots is None else max(1, self.slots // _PROBATION_PART)

    @property
    def is_short(self) -> bool:
        """Whether something may wait for a slot to become free."""
        probation_is_full = any(number >= self.most_on_probation for number in self.on_probation.values())
        return not self.firsts or probation_is_full or bool(self.busy or self.full)

    @property
    def full(self) -> list[str]:
        """The owners who hold as many slots as they may."""
        return [owner for owner, number in self.by_owner.items() if number >= self.most_of(owner)]


class Probation:
    """Endpoints that get few messages at once for now: one after a timeout or a request for less, one more a success.

    What a hanging receiver costs is slots, so it is to hold as few as show that it hangs.
    """

    def __init__(self) -> None:
        self.allowed: dict[str, int] = {}

    def fail(self, endpoint_id: str) -> None:
        """It did not answer in time, or asked for less."""
        self.allowed[endpoint_id] = 1

    def succeed(self, endpoint_id: str, concurrency: int) -> None:
        """It took a message; ``concurrency`` is what it has when it is over."""
        if endpoint_id in self.allowed:
            self.allowed[endpoint_id] += 1
            if self.allowed[endpoint_id] >= concurrency:
                self.forget(endpoint_id)

    def forget(self, endpoint_id: str) -> None:
        """Its probation is over."""
        self.allowed.pop(endpoint_id, None)


def granted(lanes: Iterable[Lane], share: Share, draw: Callable[[], float] = lambda: 0.0) -> dict[Key, Grant]:
    """How many deliveries each lane gets, one at a time to the owner and then to the endpoint that has fewest.

    Among equals the smallest that was drawn comes first, however many lanes each has, and then the first one. How many
    wait in a lane is not known, so that a lane may get more than it can use.
    """
    given: dict[Key, Grant] = {}
    left, firsts = share.limit, share.firsts
    turns = _turns(lanes, share, draw)
    while left > 0 and turns:
        number, place, owner = turns[0]
        lane = owner.next_lane(firsts_left=firsts > 0)
        if lane is not None:
            grant = given.get(lane.key) or given.setdefault(lane.key, Grant())
            grant.many += 1
            left -= 1
            if firsts > 0:
                grant.firsts += 1
                firsts -= 1
            heapreplace(turns, (number + 1, place, owner))
        else:
            heappop(turns)
    return given


def _turns(lanes: Iterable[Lane], share: Share, draw: Callable[[], float]) -> "list[tuple[int, _Place, _Owner]]":
    """The owners of these lanes in a heap: who has fewest comes first, with the number and the place in line."""
    owners: dict[str, _Owner] = {}
    turns: list[tuple[int, _Place, _Owner]] = []
    for lane in lanes:
        owner = owners.get(lane.owner)
        if owner is None:
            owner = owners[lane.owner] = _Owner(lane.owner, share, draw)
            place = lane.endpoint_id in share.held, draw(), len(turns)
            turns.append((share.by_owner.get(lane.owner, 0), place, owner))
        owner.add(lane)
    heapify(turns)
    return turns


class _Owner:
    """What is left for an owner's endpoints while slots are given out, and whose turn it is among them."""

    def __init__(self, name: str, share: Share, draw: Callable[[], float]) -> None:
        self._share, self._draw = share, draw
        self._left = share.most_of(name) - share.by_owner.get(name, 0)
        self._left_on_probation = share.most_on_probation - share.on_probation.get(name, 0)
        self._lanes: dict[str, deque[Lane]] = {}
        self._turns: list[tuple[int, _Place, str]] = []

    def add(self, lane: Lane) -> None:
        """Have something wait in this lane; before the first turn."""
        waiting = self._lanes.get(lane.endpoint_id)
        if waiting is None:
            waiting = self._lanes[lane.endpoint_id] = deque()
            place = lane.endpoint_id in self._share.held, self._draw(), len(self._lanes)
            heappush(self._turns, (self._share.in_flight.get(lane.endpoint_id, 0), place, lane.endpoint_id))
        waiting.append(lane)

    def next_lane(self, *, firsts_left: bool) -> Lane | None:
        """The lane that gets one more; None: there is no room for any. One that gets none gets none later either."""
        while self._turns and self._left > 0:
            number, place, endpoint_id = self._turns[0]
            waiting = self._lanes[endpoint_id]
            lane = waiting.popleft()
            if (firsts_left or lane.retry) and self._has_room(lane, number):
                waiting.append(lane)
                heapreplace(self._turns, (number + 1, place, endpoint_id))
                self._left -= 1
                self._left_on_probation -= endpoint_id in self._share.probation
                return lane
            if not waiting:
                heappop(self._turns)
        return None

    def _has_room(self, lane: Lane, number: int) -> bool:
        if lane.endpoint_id in self._share.probation:
            return number < self._share.probation[lane.endpoint_id] and self._left_on_probation > 0
        return number < (lane.concurrency or self._share.per_endpoint)
