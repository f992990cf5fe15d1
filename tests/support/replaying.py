"""Replaying all tickets of a test's database (C18)."""

from app.core.db.engine import Sessions
from app.replay.compare import differences
from app.replay.snapshots import Scope, walk


async def replayed(sessions: Sessions) -> list[str]:
    """Every difference between the tickets' rows and their history."""
    return [str(found) async for _, batch in walk(sessions, Scope()) for each in batch for found in differences(each)]
