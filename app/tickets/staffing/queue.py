"""The queue for experts: which tickets are looked at when somebody is free, however many wait.

An account costs one probe of an index and its first few tickets, so a long queue of one account costs the others
nothing, and tickets that nobody who is free may take never stand in the way of others.
"""

from collections.abc import Collection
from typing import Any, Final

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.roster.choose import places
from app.tickets.editing.load import SELECT
from app.tickets.staffing.route import MAX_EXPERTS
from app.tickets.staffing.staff import Staff

BATCH: Final = 20
"""Tickets that are looked at together."""
MOST: Final = 100
"""Tickets of the queue that one transaction looks at."""
_DEPTH: Final = 50
"""Tickets of one account that are considered: those that wait the longest at its most urgent priority."""

# Accounts with something in the queue: a live roster's one after the other by the index, else the sandbox account.
# They are sorted by more than their ids so that no other index will do, whatever the statistics say.
_LIVE: Final = """
WITH RECURSIVE waiting AS (
    (
        SELECT account_id FROM tickets WHERE queued_at IS NOT NULL AND NOT sandbox
        ORDER BY account_id, (routing ->> 'rank')::int, queued_at, id LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT t.account_id FROM tickets AS t
        WHERE t.queued_at IS NOT NULL AND NOT t.sandbox AND t.account_id > w.account_id
        ORDER BY t.account_id, (t.routing ->> 'rank')::int, t.queued_at, t.id LIMIT 1
    ) FROM waiting AS w WHERE w.account_id IS NOT NULL
)"""
_SANDBOX: Final = "WITH waiting AS (SELECT $7::text AS account_id)"
# In the order of Dispatcher.place, with each further ticket of an account counted as if the ones before it were placed.
_HEADS: Final = f"""
SELECT h.id FROM waiting AS w
LEFT JOIN unnest($1::text[], $2::int[]) AS held (account_id, experts) ON held.account_id = w.account_id
CROSS JOIN LATERAL (
    SELECT q.*, row_number() OVER (ORDER BY q.rank, q.queued_at, q.id) AS place FROM (
        SELECT t.id, (t.routing ->> 'rank')::int AS rank, t.queued_at, t.region_lock, t.routing FROM tickets AS t
        WHERE {{scope}} AND t.account_id = w.account_id AND t.queued_at IS NOT NULL AND t.id <> ALL ($3::text[])
        ORDER BY (t.routing ->> 'rank')::int, t.queued_at, t.id LIMIT {_DEPTH}
    ) AS q
    WHERE (q.region_lock IS NULL OR q.region_lock = ANY ($4::text[]))
        AND ($5::text[] IS NULL OR NOT q.routing -> 'tried' ?& $5)
        AND (q.routing ->> 'reason' IS DISTINCT FROM '{MAX_EXPERTS}' OR w.account_id = ANY ($6::text[]))
    ORDER BY q.rank, q.queued_at, q.id LIMIT {BATCH}
) AS h
ORDER BY coalesce(held.experts, 0) + h.place, h.rank, h.queued_at, h.id LIMIT {BATCH}
"""  # noqa: S608  our own names
OF_LIVE: Final = _LIVE + _HEADS.format(scope="NOT t.sandbox")
_OF_SANDBOX: Final = _SANDBOX + _HEADS.format(scope="t.sandbox")
_LOCK: Final = f"""
{SELECT} WHERE t.id = ANY ($1::text[]) AND t.queued_at IS NOT NULL ORDER BY t.id FOR UPDATE SKIP LOCKED
"""


async def lock_first(
    session: AsyncSession, staff: Staff, scope: str | None, known: Collection[str]
) -> tuple[list["Record[Any]"], int]:
    """Lock the tickets whose turn it is, but for those ``known``; and how many others hold at this moment.

    Only those are looked at that somebody who is free may take, as far as their rows tell. Nothing when nobody is free.
    """
    idle = staff.idle()
    if not idle:
        return [], 0
    held = staff.held_by_account()
    anybody = any(one.id in staff.moves.back for one in idle)
    values: list[Any] = [
        list(held),
        list(held.values()),
        list(known),
        sorted({region for one in idle for region in places(one, staff.now) if region}),
        None if anybody else [one.id for one in idle],
        sorted(staff.moves.released),
    ]
    connection = await driver(session)
    rows = await connection.fetch(_OF_SANDBOX, *values, scope) if scope else await connection.fetch(OF_LIVE, *values)
    heads = [row["id"] for row in rows]
    if not heads:
        return [], 0
    locked = await connection.fetch(_LOCK, heads)
    return locked, len(heads) - len(locked)
