"""Saving tickets, the end of every use case and of the sweep: an expert is chosen, held and alerted here."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.tables import Row
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.write import Following, write_edits
from app.tickets.staffing.roster import see_to_experts, see_to_queue, without_experts


async def staff_and_save(
    session: AsyncSession,
    edits: Sequence[TicketEdit],
    *,
    new: bool = False,
    standing: bool = False,
    following: Following = tuple,
) -> list[Row]:
    """Choose and alert the experts that the tickets need (G2, G7, G8), then write it all; the rows of the new events.

    A ticket that is to have an expert, as a P1 is, gives the roster to a ``Dispatcher``. It chooses who takes the
    ticket, holds the expert for it and adds the alert to the edit, so that the alert, its page and its clock are
    written in the statement that writes the ticket. Other tickets cost nothing.

    ``standing``: the instant of the change was given, and is not the database's. ``following``: see ``write_edits``.
    Raises ``Again`` when the number of a ``new`` ticket is taken.
    """
    others, holds = await see_to_experts(session, edits, standing=standing)
    events = await write_edits(session, edits, new=new, beside=holds, following=following)
    if others:
        events += await write_edits(session, others)
    return events


async def staff_queue(session: AsyncSession) -> int:
    """Give tickets that wait for an engineer to whoever has room for them; how many tickets have changed."""
    changed, holds = await see_to_queue(session)
    if changed:
        await write_edits(session, changed, beside=holds)
    return len(changed)


async def save_what_can_be(session: AsyncSession, edits: Sequence[TicketEdit]) -> None:
    """Save locked live tickets; those that need an expert while others hold the roster are left to a pass that waits.

    So nobody who holds the roster stops the sweep.
    """
    await staff_and_save(session, await without_experts(session, edits))
