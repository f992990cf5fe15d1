"""The pass behind the sweep: tickets that need an expert, which the sweep left because others held the roster."""

from itertools import islice
from typing import Final

import structlog
from asyncpg import LockNotAvailableError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, run
from app.core.signals import Alarms
from app.tickets.saving import save
from app.tickets.settle import lock_left

BATCH: Final = 20
"""Tickets for which the roster is held at a time."""
_log = structlog.get_logger(__name__)


async def run_pass(sessions: Sessions, alarms: Alarms) -> int:
    """Settle what the sweep of this process has left, in its turn at the roster; the number of tickets settled.

    While the roster cannot be had at all they stay as they are: the sweep comes to them again, and leaves them again.
    """
    done = 0
    while alarms.left:
        ids = list(islice(alarms.left, BATCH))
        alarms.left.difference_update(ids)

        async def settle(session: AsyncSession, ids: list[str] = ids) -> int:
            works = await lock_left(session, ids)
            await save(session, works)
            return len(works)

        try:
            done += await run(sessions, settle)
        except LockNotAvailableError as error:
            _log.warning("tickets wait for the roster of experts", tickets=len(ids), error=str(error))
            break
    return done
