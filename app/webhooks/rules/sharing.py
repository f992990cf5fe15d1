"""How the slots of a sender are shared: over the owners of endpoints, then over endpoints, then over lanes. Pure.

A lane is what waits for one endpoint of the events of one account. An account's endpoint has one lane; an operator's
has one for each account of whose events something waits, so that nobody's flood holds up the others there either.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final, TypeAlias

from app.events.envelope import NO_ACCOUNT

Key: TypeAlias = tuple[str, str, str]
"""A lane's owner, endpoint and account."""

START: Final[Key] = ("", "", "")
"""Before every lane."""
_ACCOUNTS_PART: Final = 4
_PROBATION_PART: Final = 20


@dataclass(frozen=True, slots=True)
class Lane:
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


def granted(lanes: Iterable[Lane], share: Share) -> dict[Key, Grant]:
    """How many deliveries each lane gets, one at a time to the owner and then to the endpoint that has fewest.

    Among equals the first ones get theirs first. How many wait in a lane is not known, so that a lane may get more than
    it can use.
    """
    room = _Room(share)
    waiting: dict[str, dict[str, deque[Lane]]] = {}
    for lane in lanes:
        waiting.setdefault(lane.owner, {}).setdefault(lane.endpoint_id, deque()).append(lane)
    owners = _Turns(waiting, share.by_owner)
    endpoints = {owner: _Turns(lanes_of, share.in_flight) for owner, lanes_of in waiting.items()}
    given: dict[Key, Grant] = {}
    while room.left and (owner := owners.next()):
        endpoint_id = endpoints[owner].next()
        if endpoint_id is None:
            continue
        lane = waiting[owner][endpoint_id].popleft()
        grant = given.get(lane.key) or Grant()
        got = room.give(lane, grant)
        if got:
            given[lane.key] = grant
            waiting[owner][endpoint_id].append(lane)
        if waiting[owner][endpoint_id]:
            endpoints[owner].back(endpoint_id, got)
        owners.back(owner, got)
    return given


class _Turns:
    """Whose turn it is: who has fewest comes next."""

    def __init__(self, names: Iterable[str], present: Mapping[str, int]) -> None:
        self._queue = [(present.get(name, 0), place, name) for place, name in enumerate(names)]
        self._taken = 0, 0
        heapify(self._queue)

    def next(self) -> str | None:
        """Who comes next, and is out of the queue until it is put ``back``; None: nobody."""
        if not self._queue:
            return None
        number, place, name = heappop(self._queue)
        self._taken = number, place
        return name

    def back(self, name: str, more: int) -> None:
        """The one whose turn it was has ``more`` than before."""
        number, place = self._taken
        heappush(self._queue, (number + more, place, name))


class _Room:
    """What is left while slots are given out."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self.left, self._firsts = share.limit, share.firsts
        self._endpoints, self._owners = Counter(share.in_flight), Counter(share.by_owner)
        self._on_probation = Counter(share.on_probation)

    def give(self, lane: Lane, grant: Grant) -> int:
        """One more, where there is room, else 0; a lane that gets none gets none later either."""
        if not self._has_room(lane):
            return 0
        if self._firsts > 0:
            self._firsts -= 1
            grant.firsts += 1
        elif not lane.retry:
            return 0
        grant.many += 1
        self.left -= 1
        self._endpoints[lane.endpoint_id] += 1
        self._owners[lane.owner] += 1
        self._on_probation[lane.owner] += lane.endpoint_id in self._share.probation
        return 1

    def _has_room(self, lane: Lane) -> bool:
        share = self._share
        most = share.probation.get(lane.endpoint_id, lane.concurrency or share.per_endpoint)
        if self._endpoints[lane.endpoint_id] >= most or self._owners[lane.owner] >= share.most_of(lane.owner):
            return False
        return lane.endpoint_id not in share.probation or self._on_probation[lane.owner] < share.most_on_probation
