"""The users in whose names rooms are made: each may make only so many a minute. Pure.

What is counted is what this process made. Other replicas make rooms in the same names: a user that they have used up
is found out by its refusal, and passed over just the same.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

PER_MINUTE: Final = 10
"""Rooms that one user may make in a minute (Google Meet's quota; a project may make 100)."""
MINUTE: Final = 60.0


class Hosts:
    """A pool of users; instants are seconds of a monotonic clock."""

    def __init__(self, users: Sequence[str], per_minute: int = PER_MINUTE) -> None:
        self._made: dict[str, deque[float]] = {user: deque(maxlen=per_minute) for user in users}
        self._passed_over: dict[str, float] = {}

    def take(self, now: float) -> str | None:
        """The free user who has made the fewest rooms in the last minute, counted as making one; None: all are busy."""
        free = [user for user in self._made if self._free_at(user) <= now]
        if not free:
            return None
        user = min(free, key=lambda user: sum(now - made < MINUTE for made in self._made[user]))
        self._made[user].append(now)
        return user

    def pass_over(self, user: str, until: float) -> None:
        """Leave a user alone until then."""
        self._passed_over[user] = until

    def wait(self, now: float) -> float:
        """Seconds until a user is free."""
        return max(min(self._free_at(user) for user in self._made) - now, 0.0)

    def _free_at(self, user: str) -> float:
        made = self._made[user]
        used_up = made[0] + MINUTE if len(made) == made.maxlen else 0.0
        return max(used_up, self._passed_over.get(user, 0.0))
