"""Tickets that cannot be counted: reports leave them out after a few tries, and say so, until they can be counted."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import structlog
from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import SERVICE
from app.core.db.causes import Cause, cause_of
from app.core.db.session import driver
from app.core.db.tables import Row
from app.events.event import Event
from app.events.types import CountPostponed
from app.reports.facts.progress import HELD, TRIES
from app.reports.facts.storing import Faults, Key
from app.webhooks.outbox.telling import tell

LONGEST: Final = 3600
"""Seconds until a ticket that cannot be counted is tried again, at most."""
ENDED: Final = "ProcessEnded"
"""The error of a try with which its process ended, or was cut off."""
# The last part sees the rows as they were before.
_LEAVE_OUT: Final = f"""
WITH noted AS (
    INSERT INTO report_recounts AS r (account_id, ticket_id, since, due_at, failures, error)
    SELECT k.account_id, k.ticket_id, k.since, clock_timestamp() + interval '{LONGEST} seconds', {TRIES}, k.error
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) AS k (account_id, ticket_id, since, error)
    ON CONFLICT (account_id, ticket_id) DO UPDATE
    SET failures = greatest(r.failures, EXCLUDED.failures), error = EXCLUDED.error, due_at = EXCLUDED.due_at
    RETURNING account_id, ticket_id, due_at
)
SELECT n.*, clock_timestamp() AS now, NOT EXISTS (
    SELECT FROM report_recounts AS r
    WHERE r.account_id = n.account_id AND r.ticket_id = n.ticket_id AND NOT {HELD.format("r")}
) AS is_new FROM noted AS n
"""  # noqa: S608  our own numbers
_COUNTED: Final = """
DELETE FROM report_recounts WHERE (account_id, ticket_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_log = structlog.get_logger(__name__)


async def leave_out(session: AsyncSession, faults: Faults, since: Mapping[Key, datetime]) -> None:
    """Note that these tickets cannot be counted, and tell operators of those that are new among them.

    ``since``: when the first event of each was recorded that is not counted.
    """
    keys = sorted(faults)
    if keys:
        errors = [type(faults[key]).__name__ for key in keys]
        columns = (*zip(*keys, strict=True), [since[key] for key in keys], errors)
        for row in await (await driver(session)).fetch(_LEAVE_OUT, *columns):
            if row["is_new"]:
                await tell_of(session, row, row["now"], faults[row["account_id"], row["ticket_id"]])


async def forget(connection: Connection, keys: Iterable[Key]) -> None:
    """Nothing of these tickets waits to be counted."""
    if known := sorted(keys):
        await connection.execute(_COUNTED, *zip(*known, strict=True))


async def tell_of(session: AsyncSession, ticket: Row, now: datetime, error: Exception | None) -> None:
    """Tell operators that a ticket is left out until its ``due_at``; no error: the process ended with the try."""
    told = CountPostponed(
        account_id=ticket["account_id"],
        ticket_id=ticket["ticket_id"],
        reason="slow" if error and cause_of(error) is Cause.SLOW else "failed",
        error=type(error).__name__ if error else ENDED,
        retry_at=ticket["due_at"],
    )
    _log.error("reports leave out a ticket", ticket_id=told.ticket_id, error=repr(error) if error else ENDED)
    await tell(session, None, Event(now, told, SERVICE))
