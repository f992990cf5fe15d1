"""Saving tickets: the end of every use case, and of the sweep."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.tables import Row
from app.tickets.editing.work import Work, write_works
from app.tickets.staffing.roster import see_to_experts, without_experts


async def save(session: AsyncSession, works: Sequence[Work], *, new: bool = False, standing: bool = False) -> list[Row]:
    """See to the tickets' experts (G2, G7, G8), then write all of it; the rows of the new events.

    ``standing``: the instant of the change was given, and is not the database's. Raises ``Again`` when the number of
    a ``new`` ticket is taken.
    """
    others, holds = await see_to_experts(session, works, standing=standing)
    events = await write_works(session, works, new=new, beside=holds)
    if others:
        events += await write_works(session, others)
    return events


async def save_what_can_be(session: AsyncSession, works: Sequence[Work]) -> None:
    """Save locked live tickets; those that need an expert while others hold the roster are left to a pass that waits.

    So nobody who holds the roster stops the sweep.
    """
    await save(session, await without_experts(session, works))
