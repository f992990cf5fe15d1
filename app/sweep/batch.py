"""One transaction of the sweep: claim, process, save, within limits of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.core.clock import monotonic
from app.core.db.causes import Cause, cause_of, within
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.sweep.claims import Claim, Rows
from app.tickets.editing.load import caught_up
from app.tickets.save import save_what_can_be

_ROUNDS: Final = 5
"""How far a ticket that has very much to do is processed in one transaction: 100 firings of its clock."""
# A plan that reads all tickets is never right here, whatever the statistics of a fresh or a flooded table say.
BEGIN: Final = """
SELECT clock_timestamp() AS now, set_config('lock_timeout', $1, true),
       set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds: how long a batch processes tickets, waits for a lock, and works on what it has claimed in all.

    Waiting for a lock is not being slow, so the limit of that wait is shorter, and has an error of its own.
    """

    processing: float
    lock: float
    whole: float


@dataclass(slots=True)
class Batch:
    """What has become of one transaction."""

    began: datetime | None = None
    """the database's clock before the claim"""
    accounts: list[str] = field(default_factory=list)
    """of each ticket that was claimed"""
    tickets: list[str] = field(default_factory=list)
    """those of the claimed ones that were to be processed"""
    lags: list[float] = field(default_factory=list)
    """how late each ticket was claimed, in seconds; none of a ticket that was postponed"""
    caught_up: int = 0
    behind: bool = False
    """whether a ticket that was processed has so much to do that it is still due"""
    faulty: dict[str, Exception] = field(default_factory=dict)
    """what is wrong with tickets that cannot be processed, by id; the others are not affected"""
    error: Exception | None = None
    """why nothing of it was written, where it is not an outage"""
    seconds: float = 0.0
    """of the work on what was claimed"""
    beside: float = 0.0
    """seconds of the claim and the commit"""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left to do of what was claimed."""
        return self.error is None and not self.behind and self.caught_up + len(self.faulty) == len(self.accounts)


def _everything(rows: Rows) -> Rows:
    return rows


async def run_batch(
    sessions: Sessions, claim: Claim, limits: Limits, keep: Callable[[Rows], Rows] = _everything
) -> Batch:
    """Process and save the tickets of one claim, those of them that ``keep`` keeps.

    What fails is rolled back, and told in the result. An outage is raised: it says nothing about the tickets.
    """
    batch, started = Batch(), monotonic()
    try:
        async with transaction(sessions) as session:
            connection = await driver(session)
            batch.began = began = await connection.fetchval(BEGIN, f"{round(limits.lock * 1000)}ms")
            rows = await claim(connection)
            batch.accounts = [row["account_id"] for row in rows]
            batch.lags = [(began - row["wake_at"]).total_seconds() for row in rows if row["wake_at"]]
            kept = keep(rows)
            batch.tickets = [row["id"] for row in kept]
            claimed = monotonic()
            async with within(limits.whole):
                edits, batch.faulty = await caught_up(session, kept, seconds=limits.processing, rounds=_ROUNDS)
                if edits:
                    await save_what_can_be(session, edits)
            batch.seconds = monotonic() - claimed
        batch.caught_up, batch.behind = len(edits), any(edit.is_behind for edit in edits)
    except Exception as error:
        if cause_of(error) is Cause.OUTAGE or not batch.tickets:
            raise
        batch.error = error
    batch.beside = monotonic() - started - batch.seconds
    return batch
