"""One pass of the sweep: claim due tickets in batches, settle each (C09, C15), write them back in bulk (C17)."""

from datetime import datetime
from typing import Final

from sqlalchemy import select

from app.core.db import Sessions, transaction
from app.tickets.models import Ticket
from app.tickets.saving import save_what_can_be
from app.tickets.settle import claim_due

BATCH: Final = 500
"""Tickets of one transaction; larger claims flip to a sequential scan."""
_BATCHES: Final = 20
"""Batches of one pass: a storm takes many passes, and each is a sign of life."""


async def run_pass(sessions: Sessions, *, batch: int = BATCH) -> int:
    """Settle what is due now, up to 20 batches of it; the number of tickets settled.

    Replicas share the work: a ticket that another one holds is skipped, and its own pass takes what is left.
    """
    settled = 0
    for _ in range(_BATCHES):
        async with transaction(sessions) as session:
            works = await claim_due(session, batch)
            await save_what_can_be(session, works)
        settled += len(works)
        if len(works) < batch:
            break
    return settled


async def next_wake(sessions: Sessions) -> datetime | None:
    """The earliest instant at which a live ticket has something to do: one probe of one partial index."""
    query = select(Ticket.wake_at).where(Ticket.wake_at.is_not(None), ~Ticket.sandbox).order_by(Ticket.wake_at).limit(1)
    async with sessions() as session:
        return await session.scalar(query)
