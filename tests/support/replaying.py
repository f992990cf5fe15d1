"""Replaying all tickets of a test's database (C18), and counting what became of their deadlines."""

from app.core.db.engine import Sessions
from app.replay.compare import differences
from app.replay.snapshots import Scope, walk
from app.reports.facts.checking import miscounted


async def replayed(sessions: Sessions) -> list[str]:
    """Every difference between the tickets' rows and their history, and what reports would count of it."""
    found: list[str] = []
    async for _, batch in walk(sessions, Scope()):
        found += [str(difference) for each in batch for difference in differences(each)]
        async with sessions() as session:
            keys = [(each.ticket.account_id, each.ticket.id) for each in batch]
            found += [str(wrong) for wrong in await miscounted(session, keys)]
    return found
