"""How many endpoints of an owner are sent to directly, and which pause when too much is pending. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.limits.buckets import Bucket, Rate
from app.events.envelope import NO_ACCOUNT

DIRECT: Final = 50
"""So many endpoints of an owner are sent to directly: more would make its tickets' writes slow, and so everybody's."""
BUSY_DIRECT: Final = 20
"""So many are while its events make many deliveries: then it is the number of writes that costs the others."""
_CALM: Final = Rate("deliveries", 400, 1)
"""What an owner's events may make without being many, in deliveries and seconds."""
OPERATORS: Final = 10
"""Operators' endpoints hear all accounts, and may have so many times what one account may have pending."""
_OPERATORS_DIRECT: Final = 5
"""So many times as many of the operators' endpoints are sent to directly: what these cost, no customer decides.

So they are never busy either, however many deliveries the events of all accounts make.
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many deliveries of an endpoint are pending, and whether new ones are made as events are recorded."""

    endpoint_id: str
    pending: int
    direct: bool = True


class Loads:
    """How many deliveries the events of each owner make, as far as this process sends them."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._busy: set[str] = set()

    def add(self, owner_id: str, number: int, now: float) -> bool:
        """So many more at the monotonic instant ``now``; whether the owner, who was not, is busy by that."""
        if owner_id == NO_ACCOUNT:
            return False
        bucket = self._buckets.setdefault(owner_id, Bucket(_CALM, now))
        bucket.take(now, number)
        if bucket.left(now) or owner_id in self._busy:
            return False
        self._busy.add(owner_id)
        return True

    def busy(self, now: float) -> set[str]:
        """The busy owners: from too many at once until all of it could have been made calmly."""
        self._buckets = {owner: bucket for owner, bucket in self._buckets.items() if bucket.used(now)}
        self._busy &= self._buckets.keys()
        return set(self._busy)


def direct_of(owner_id: str, *, busy: bool = False) -> int:
    """How many endpoints of an owner are sent to directly."""
    most = BUSY_DIRECT if busy else DIRECT
    return most * _OPERATORS_DIRECT if owner_id == NO_ACCOUNT else most


def quota_of(owner_id: str, of_account: int) -> int:
    """How many deliveries of an owner's endpoints may be pending together."""
    return of_account * OPERATORS if owner_id == NO_ACCOUNT else of_account


def to_pause(waiting: Sequence[Waiting], quota: int) -> list[str]:
    """The endpoints that pause, those with most first, until the others have no more than the quota.

    Only such as have more than an even share of it: a backlog of one endpoint pauses no other.
    """
    if sum(one.pending for one in waiting) <= quota:
        return []
    share = quota / len(waiting)
    left = sum(one.pending for one in waiting if one.direct)
    chosen: list[str] = []
    for one in sorted((one for one in waiting if one.direct), key=lambda one: -one.pending):
        if one.pending <= share or (chosen and left <= quota):
            break
        chosen.append(one.endpoint_id)
        left -= one.pending
    return chosen
