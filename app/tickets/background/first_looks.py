"""How background passes find new tickets, each of which they look at once. Opening a ticket costs nothing by that.

A pass goes through tickets in the order in which they were opened, and knows of those of the last minute whether it
has looked at them: a transaction that opens a ticket may commit after one that began later. What is older than its
mark is done with, so a pass costs as much as there is new.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row

LATE: Final = timedelta(minutes=1)
"""How long after its opening a ticket may be committed: longer than any transaction of a request may take."""
_READ: Final = 8_000
"""Characters of a description that are looked at."""
_DUE: Final = f"""
SELECT
    t.account_id, t.id AS ticket_id, t.opened_at, t.title, left(t.description, {_READ}) AS description, t.product,
    t.requester, t.status
FROM tickets AS t
WHERE NOT t.sandbox AND t.opened_at >= coalesce(
    (SELECT opened_at FROM first_look_marks WHERE job = $1), clock_timestamp() - $2::interval
) AND NOT EXISTS (
    SELECT FROM first_looks AS l WHERE l.account_id = t.account_id AND l.ticket_id = t.id AND l.job = $1
)
ORDER BY t.opened_at, t.id LIMIT $3
"""  # noqa: S608  our own number
_TAKE: Final = """
INSERT INTO first_looks (account_id, ticket_id, job, opened_at)
SELECT account_id, ticket_id, $1, opened_at
FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS t (account_id, ticket_id, opened_at)
ORDER BY account_id, ticket_id
ON CONFLICT DO NOTHING RETURNING true
"""
_MARK: Final = """
INSERT INTO first_look_marks AS m (job, opened_at)
VALUES ($1, least($3::timestamptz, clock_timestamp() - $2::interval))
ON CONFLICT (job) DO UPDATE SET opened_at = greatest(m.opened_at, EXCLUDED.opened_at)
"""
_FORGET: Final = """
DELETE FROM first_looks AS l USING first_look_marks AS m WHERE m.job = $1 AND l.job = $1 AND l.opened_at < m.opened_at
"""


async def due(session: AsyncSession, job: str, limit: int) -> list[Row]:
    """Live tickets at which this job has not looked, the oldest first; not locked. None of before its first pass."""
    return list(await (await driver(session)).fetch(_DUE, job, LATE, limit))


async def take(session: AsyncSession, job: str, tickets: Sequence[Row]) -> int:
    """Look at tickets that were ``due``, in the transaction that does what follows; at how many nobody else has."""
    columns = [[ticket[name] for ticket in tickets] for name in ("account_id", "ticket_id", "opened_at")]
    return len(await (await driver(session)).fetch(_TAKE, job, *columns))


async def advance(session: AsyncSession, job: str) -> None:
    """Move the job's mark up to the first ticket at which it is yet to look, or to the last minute."""
    left = await due(session, job, 1)
    connection = await driver(session)
    await connection.execute(_MARK, job, LATE, left[0]["opened_at"] if left else None)
    await connection.execute(_FORGET, job)
