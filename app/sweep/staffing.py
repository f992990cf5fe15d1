"""The pass behind the sweep: tickets that need an expert, which the sweep left because others held the roster."""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Final

import structlog
from asyncpg import LockNotAvailableError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.errors import is_outage
from app.core.db.session import run
from app.core.signals import WakeUps
from app.tickets.editing.load import lock_left
from app.tickets.save import staff_and_save, staff_queue

BATCH: Final = 20
"""Tickets for which the roster is held at a time."""
BUDGET: Final = 5.0
"""Seconds of a pass: each is a sign of life."""
_log = structlog.get_logger(__name__)


async def run_pass(sessions: Sessions, wake_ups: WakeUps) -> int:
    """Process what the sweep of this process has left, in its turn at the roster; the number of tickets processed.

    While the roster cannot be had at all they stay as they are: the sweep comes to them again, and leaves them again.
    """
    ends, done = monotonic() + BUDGET, 0
    while wake_ups.left:
        if monotonic() > ends:
            wake_ups.experts.ring()
            break
        ids = list(islice(wake_ups.left, BATCH))
        wake_ups.left.difference_update(ids)
        try:
            done += await _process(sessions, ids)
        except LockNotAvailableError as error:
            _log.warning("tickets wait for the roster of experts", tickets=len(ids), error=str(error))
            break
    return done


async def fill_room(sessions: Sessions) -> int:
    """Give what waits in the queue to engineers who have room for it by now; how many tickets have changed."""
    try:
        return await run(sessions, staff_queue)
    except LockNotAvailableError as error:
        _log.warning("the queue waits for the roster of experts", error=str(error))
        return 0


async def _process(sessions: Sessions, ids: Sequence[str]) -> int:
    """Process these tickets; each alone where that fails, so that one that cannot be processed holds up no other."""
    try:
        return await run(sessions, partial(_restaff, ids=ids))
    except Exception as error:
        if is_outage(error):
            raise
        if len(ids) == 1:  # the sweep comes to it, and puts it aside
            _log.exception("a ticket that needs an expert could not be processed", ticket_id=ids[0])
            return 0
    return sum([await _process(sessions, [each]) for each in ids])


async def _restaff(session: AsyncSession, *, ids: Sequence[str]) -> int:
    edits = await lock_left(session, ids)
    await staff_and_save(session, edits)
    return len(edits)
