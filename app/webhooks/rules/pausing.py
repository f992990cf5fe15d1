"""How many endpoints of an owner are sent to directly, and which pause when too much is pending. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.events.envelope import NO_ACCOUNT

DIRECT: Final = 20
"""So many endpoints of an owner are sent to directly: more would make its tickets' writes slow, and so everybody's."""
OPERATORS: Final = 10
"""Operators' endpoints hear all accounts, and may have so many times what one account may have pending."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many deliveries of an endpoint are pending, and whether new ones are made as events are recorded."""

    endpoint_id: str
    pending: int
    direct: bool = True


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
