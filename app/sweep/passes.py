"""Everybody's lane of the sweep: claim what is due, whosever it is; process each (C09, C15), write them in bulk (C17).

No account holds it up: one that fills more than a quarter of a batch is processed apart (``isolation``), and so is a
batch that fails.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import glance
from app.sweep import claims
from app.sweep.batch import Batch, Limits, run_batch
from app.sweep.claims import Claim, Rows
from app.sweep.isolation import Isolation
from app.sweep.lanes import Pace, heavy

BATCH: Final = 500
"""The most tickets of one transaction."""
_LEAST: Final = 64
_SECONDS: Final = 0.15
BUDGET: Final = 5.0
"""Seconds of a pass: each is a sign of life."""
LIMITS: Final = Limits(processing=0.15, lock=0.1, whole=1.0)
_WHOLE_EVERY: Final = 0.2
"""Seconds between two claims that read past all tickets of a storm; those in between begin where the last one ended."""


@dataclass(slots=True)
class Sweeper:
    """Everybody's lane. Replicas share the work: a ticket that another one holds is skipped.

    What it leaves to ``isolation`` has another connection, so that neither waits for the other.
    """

    sessions: Sessions
    isolation: Isolation
    limits: Limits = LIMITS
    _pace: Pace = field(default_factory=lambda: Pace(_SECONDS, _LEAST, BATCH))
    _since: datetime | None = None
    """while something is processed apart: all else that was due by then is done"""
    _whole_at: float = 0.0

    async def run_pass(self, *, most: int = BATCH) -> int:
        """Process what is due, in batches of at most ``most`` tickets; the number of tickets processed."""
        ends, done = monotonic() + BUDGET, 0
        while True:
            size = min(self._pace.size, most)
            batch = await run_batch(self.sessions, self._claim(size), self.limits, lambda rows: self._fair(rows, size))  # noqa: B023  it is called in this round
            exhausted = len(batch.accounts) < size and batch.is_whole
            self._note(batch, exhausted=exhausted)
            done += batch.caught_up
            if exhausted or monotonic() > ends:
                return done

    async def next_wake(self) -> datetime | None:
        """When the next ticket has something to do, of those that are not processed apart."""
        async with glance(self.sessions) as session:
            return await claims.next_wake(session, self.isolation.apart)

    def _claim(self, size: int) -> Claim:
        apart = self.isolation.apart
        if not apart:
            self._since = None
            return claims.of_all(size)
        if monotonic() - self._whole_at > _WHOLE_EVERY:
            self._since = None
        return claims.of_the_others(size, apart, self._since)

    def _fair(self, rows: Rows, size: int) -> Rows:
        """What is processed of a claim: nothing of an account that fills more than a quarter of it."""
        storms = heavy((row["account_id"] for row in rows), size)
        for account in storms:
            self.isolation.take_account(account)
        return [row for row in rows if row["account_id"] not in storms]

    def _note(self, batch: Batch, *, exhausted: bool) -> None:
        for lag in batch.lags:
            self.isolation.metrics.wake_lag.observe(lag)
        self._pace.note(batch.caught_up, batch.seconds, batch.beside)
        if batch.error:
            self._pace.halve()
        self.isolation.take_failed(batch)
        if exhausted and self.isolation.apart:
            if self._since is None:
                self._whole_at = monotonic()
            self._since = batch.began
