"""How often callers may ask: token buckets in memory, which replicas reconcile once a second.

Each process takes from a full bucket of its own, so a request asks nobody. Buckets that are more than half empty are
reconciled: one statement adds what this process took to what the others did, and gives back the sum. So a caller that
spreads its requests over replicas gets more than its rate for about a second.
"""

import asyncio
from collections.abc import Sequence
from math import ceil
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.clock import monotonic
from app.core.db.engine import Sessions, lookup
from app.core.db.errors import DATABASE_ERRORS
from app.core.db.session import driver, transaction
from app.core.limits.buckets import Bucket, Buckets, Rate

EVERY: Final = 1.0
"""Seconds between two reconciliations."""
# A share is the used part of a bucket. It comes back evenly over the bucket's seconds. What all replicas took in the
# second before they knew of each other may exceed the bucket, and is waited for, but no longer than for a second one.
_RECONCILE: Final = """
INSERT INTO rate_levels AS l (name, share, seconds, at)
SELECT name, share, seconds, clock_timestamp()
FROM unnest($1::text[], $2::float8[], $3::int[]) AS t(name, share, seconds) ORDER BY name
ON CONFLICT (name) DO UPDATE SET
    share = least(2, excluded.share
                     + greatest(0, l.share - extract(epoch FROM excluded.at - l.at)::float8 / excluded.seconds)),
    seconds = excluded.seconds, at = excluded.at
RETURNING name, share
"""
_FORGET: Final = "DELETE FROM rate_levels WHERE at < clock_timestamp() - 2 * seconds * interval '1 second'"
_log = structlog.get_logger(__name__)


class Rates:
    """The buckets of one process, and their reconciliation with those of its replicas."""

    def __init__(self, engine: AsyncEngine, every: float = EVERY) -> None:
        self._engine, self._every = engine, every
        self._buckets = Buckets()
        self._keeper: asyncio.Task[None] | None = None

    def bucket(self, rate: Rate, whom: str) -> Bucket:
        """The bucket of this rate for whom it limits."""
        return self._buckets.kept(rate, whom) or self._buckets.of(rate, whom, monotonic())

    def take(self, bucket: Bucket, number: int = 1, now: float | None = None) -> None:
        """Take tokens, whether they are there or not; ``now``, if it has just been asked for."""
        now = monotonic() if now is None else now
        bucket.take(now, number)
        if bucket.is_low(now) and (self._keeper is None or self._keeper.done()):
            self._keeper = asyncio.create_task(self._keep(), name="rates")

    def used(self, rate: Rate | None, whom: str) -> int:
        """How many tokens are taken at this instant; none where there is no limit."""
        return used_of(self.bucket(rate, whom), monotonic()) if rate else 0

    def __len__(self) -> int:
        return len(self._buckets)

    def stop(self) -> None:
        """Tell the others nothing more."""
        if self._keeper:
            self._keeper.cancel()

    async def _keep(self) -> None:
        """Reconcile for as long as there is a bucket that is low."""
        while True:
            await asyncio.sleep(self._every)
            low = dict(self._buckets.low(monotonic()))
            if not low:
                return
            try:
                await self._reconcile(low)
            except DATABASE_ERRORS as error:
                _log.warning("rates are those of this process alone", error=repr(error))

    async def _reconcile(self, low: dict[str, Bucket]) -> None:
        now = monotonic()
        shares = {name: bucket.share(now) for name, bucket in low.items()}
        seconds = [bucket.rate.seconds for bucket in low.values()]
        async with lookup(self._engine) as connection:
            rows = await connection.fetch(_RECONCILE, list(shares), list(shares.values()), seconds)
        for row in rows:
            low[row["name"]].adopt(monotonic(), row["share"])


def used_of(bucket: Bucket, now: float) -> int:
    """How many tokens are taken, as callers are told: never more than there are."""
    return min(bucket.rate.amount, ceil(bucket.used(now)))


def tightest(buckets: Sequence[Bucket], now: float) -> tuple[Bucket, float]:
    """Of what limits one request, the bucket with the least left, and what is used of it."""
    bucket = buckets[0]
    used = bucket.used(now)
    for other in buckets[1:]:
        others = other.used(now)
        if others * bucket.rate.amount > used * other.rate.amount:
            bucket, used = other, others
    return bucket, used


async def forget_levels(sessions: Sessions) -> None:
    """Drop the levels of buckets that are full again."""
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_FORGET)
