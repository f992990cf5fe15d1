"""The broken promises of a ticket that an escalation names (G5): also those that have been kept late by now."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.escalations.rules import PROMISES, SHOWN, Breach, broken
from app.tickets.editing.edit import TicketEdit

_STORED: Final = """
SELECT d.metric, d.cycle, d.missed_at, d.ended_at
FROM deadlines AS d
WHERE d.account_id = $1 AND d.ticket_id = $2 AND d.metric = ANY ($3::text[]) AND d.missed_at IS NOT NULL
"""
_ACCEPTED: Final = """
SELECT max(ended_at) FROM escalations
WHERE account_id = $1 AND ticket_id = $2 AND reason = $3 AND state = 'accepted'
"""


async def breaches_of(session: AsyncSession, edit: TicketEdit, reason: str) -> tuple[Breach, ...]:
    """Each missed cycle of what the reason names since the last escalation for it was accepted, by instant.

    One that is still open counts, whenever it was missed.
    """
    metrics = PROMISES.get(reason)
    if not metrics:
        return ()
    key = (edit.ticket.account_id, edit.ticket.id)
    connection = await driver(session)
    stored = await connection.fetch(_STORED, *key, list(metrics))
    known = {(row["metric"], row["cycle"]): Breach(**dict(row)) for row in stored}
    known |= {
        (d.metric, d.cycle): Breach(d.metric, d.cycle, d.missed_at, d.ended_at)
        for d in edit.deadlines
        if d.missed_at and d.metric in metrics
    }
    return broken(reason, known.values(), since=await connection.fetchval(_ACCEPTED, *key, reason))


def documents(breaches: tuple[Breach, ...]) -> list[dict[str, Any]]:
    """The last of them as JSON."""
    return [breach.document() for breach in breaches[-SHOWN:]]
