"""The sweep of one process, run by hand."""

from datetime import datetime
from typing import Final

from app.core.db.engine import Sessions
from app.core.metrics import Metrics
from app.sweep.batch import Limits
from app.sweep.isolation import Isolation
from app.sweep.passes import BATCH, Sweeper

PATIENT: Final = Limits(processing=20, lock=0.1, whole=30)
"""No ticket is slow because this machine has other things to do; a lock is waited for as long as in the service."""


def sweeper_of(sessions: Sessions) -> Sweeper:
    """The sweep of a process that has just started."""
    return Sweeper(sessions, Isolation(sessions, Metrics(), limits=PATIENT, alone=PATIENT), PATIENT)


async def run_pass(sessions: Sessions, *, batch: int = BATCH) -> int:
    """Catch up with what is due, in both lanes, until nothing is left to do; the number of tickets."""
    sweeper, total = sweeper_of(sessions), 0
    while done := await sweeper.run_pass(most=batch) + await sweeper.isolation.run_pass():
        total += done
    return total


async def next_wake(sessions: Sessions) -> datetime | None:
    """When the next ticket has something to do."""
    return await sweeper_of(sessions).next_wake()
