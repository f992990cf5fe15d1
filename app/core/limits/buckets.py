"""Token buckets: so many requests in so many seconds, by a process that asks nobody. Pure; ``now`` is monotonic.

Each process takes from a full bucket of its own. What replicas have used together is told from outside (``adopt``), and
only for buckets that are more than half empty: see ``app/core/limits/rates.py``.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_MOST: Final = 20_000
"""Buckets of one rate in one process. Full ones say nothing and are dropped first."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of ``amount`` tokens that refills evenly over ``seconds``; ``name`` is the setting that says so."""

    name: str
    amount: int
    seconds: int = 60
    policy: str = field(init=False, default="")
    """the rate as a member of ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers)"""

    def __post_init__(self) -> None:
        if self.amount < 1 or self.seconds < 1:
            raise ValueError("A rate has at least one token and one second")
        object.__setattr__(self, "policy", f'"{self.name}";q={self.amount};w={self.seconds}')


class Bucket:
    """What has been taken and has not come back yet. It may owe: ``used`` can exceed the amount."""

    __slots__ = ("_at", "_taken", "_used", "rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self.rate, self._used, self._taken, self._at = rate, 0.0, 0.0, now

    def used(self, now: float) -> float:
        """The tokens that are missing at ``now``."""
        if now > self._at:
            left = self._used - (now - self._at) * self.rate.amount / self.rate.seconds
            self._used, self._at = left if left > 0 else 0.0, now
        return self._used

    def left(self, now: float) -> int:
        """The whole tokens that can be taken at ``now``."""
        left = int(self.rate.amount - self.used(now))
        return max(0, left)

    def take(self, now: float, number: int = 1) -> None:
        """Take tokens, whether they are there or not: ask ``left`` before."""
        self._used = self.used(now) + number
        self._taken += number

    def wait(self, now: float) -> float:
        """Seconds until there is a token."""
        return max(0.0, (self.used(now) - self.rate.amount + 1) * self.rate.seconds / self.rate.amount)

    def is_low(self, now: float) -> bool:
        """Whether more than half of it is used: from here on replicas tell each other."""
        return self.used(now) * 2 > self.rate.amount

    def share(self, now: float) -> float:
        """The part of the bucket that was taken here since this was last asked, without what has come back; from 0."""
        part = min(self._taken, self.used(now)) / self.rate.amount
        self._taken = 0.0
        return part

    def adopt(self, now: float, share: float) -> None:
        """Take over what all replicas have used, as a part of the bucket; what was taken here since counts too."""
        self._used, self._at = share * self.rate.amount + self._taken, now


class Buckets:
    """The buckets of one process, by rate and by whom it holds for; those of one rate never displace another's."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: defaultdict[str, dict[str, Bucket]] = defaultdict(dict)

    def kept(self, rate: Rate, whom: str) -> Bucket | None:
        """The bucket, where there is one."""
        return self._kept[rate.name].get(whom)

    def of(self, rate: Rate, whom: str, now: float) -> Bucket:
        """The bucket, full when it was not used for long."""
        kept = self._kept[rate.name]
        bucket = kept.get(whom)
        if bucket is None:
            if len(kept) >= self._most:
                kept = self._kept[rate.name] = self._worth_keeping(kept, now)
            bucket = kept[whom] = Bucket(rate, now)
        return bucket

    def _worth_keeping(self, kept: dict[str, Bucket], now: float) -> dict[str, Bucket]:
        """Those that are not full; where that is more than half of them, those that were made last."""
        used = [(whom, bucket) for whom, bucket in kept.items() if bucket.used(now) > 0]
        return dict(used[-(self._most // 2) :])

    def low(self, now: float) -> Iterator[tuple[str, Bucket]]:
        """Those that replicas tell each other of, each with a name that is the same in all of them."""
        for rate, kept in self._kept.items():
            for whom, bucket in kept.items():
                if bucket.is_low(now):
                    yield f"{rate}:{whom}", bucket

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))
