"""After a change of the roster: the tickets that it affects are staffed anew."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import ring_after_commit

# In the order of their ids, as every lock of several tickets is.
_WAKE: Final = text("""
WITH routed AS MATERIALIZED (
    SELECT t.account_id, t.id, coalesce(a.sandbox_now, clock_timestamp()) AS now
    FROM tickets AS t JOIN accounts AS a ON a.account_id = t.account_id
    WHERE t.routing IS NOT NULL
        AND (NOT t.sandbox AND cast(:account_id AS text) IS NULL OR t.account_id = :account_id)
    ORDER BY t.id FOR UPDATE OF t
)
UPDATE tickets AS t SET route_at = least(t.route_at, r.now), wake_at = least(t.wake_at, r.now)
FROM routed AS r WHERE t.account_id = r.account_id AND t.id = r.id
""")


async def wake_routed(session: AsyncSession, account_id: str | None) -> None:
    """Let the sweep process at once every ticket that has an expert or is queued: live ones, or a sandbox account's.

    Its expert may have left the shift, or somebody may have come on; an expert who still fits stays.
    """
    await session.execute(_WAKE, {"account_id": account_id})
    ring_after_commit(session, "sweep")
