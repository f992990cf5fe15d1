"""What gathers for mails to customers: one row of a ticket, written with its events, until its mail is due."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.statements.bulk import Write
from app.core.db.tables import Row

GATHERING: Final = timedelta(seconds=60)
"""What happens in this time after the first thing is told in the same mail."""
# A mailing that is there is locked all the same: whoever makes mails of it waits for what this transaction tells.
_GATHER: Final = f"""
INSERT INTO mailings AS m (account_id, ticket_id, since, due_at)
SELECT r.account_id, r.ticket_id, r.since, statement_timestamp()
    + CASE WHEN r.urgent THEN interval '0' ELSE interval '{GATHERING.total_seconds()} seconds' END
FROM jsonb_to_recordset($1::jsonb) AS r (account_id text, ticket_id text, since integer, urgent boolean)
ON CONFLICT (account_id, ticket_id) DO UPDATE SET due_at = EXCLUDED.due_at WHERE m.due_at > EXCLUDED.due_at
"""  # noqa: S608  a number of ours
_NEXT: Final = "SELECT due_at FROM mailings ORDER BY due_at LIMIT 1"
_SECRET: Final = "SELECT mail_secret FROM installations"  # noqa: S105  a query


def gathering(rows: Sequence[Row]) -> Write:
    """The write of what is to gather: ``account_id``, ``ticket_id``, ``since`` and ``urgent``, one row for a ticket.

    The events from the sequence ``since`` on are told, at once where one of them is urgent. A ticket that has a mailing
    keeps it.
    """
    return Write(_GATHER, rows)


async def next_mailing(session: AsyncSession) -> datetime | None:
    """When the next mail is to be made, by the database's clock."""
    due: datetime | None = await (await driver(session)).fetchval(_NEXT)
    return due


async def mail_secret(session: AsyncSession) -> str:
    """What signs addresses and links in mails."""
    secret: str = await (await driver(session)).fetchval(_SECRET)
    return secret
