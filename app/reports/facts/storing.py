"""Writing what is counted of tickets: their facts and moments, and by what the sums of these are to change.

Whoever writes holds the mark, so that a ticket is never written by what somebody else read of it earlier.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.statements.bulk import to_json
from app.core.db.tables import Base
from app.core.process.cooperative import in_turns
from app.reports.facts.counting import READ, TEXTS, Counted, count
from app.reports.facts.summing import FACT_MOVES, MOMENT_MOVES, moved
from app.reports.models import ReportFactRow, ReportMomentRow

Key: TypeAlias = tuple[str, str]
"""``(account_id, id)`` of a ticket."""

MARK: Final = "reports"
"""The name of whoever follows the events for reports."""
_log = structlog.get_logger(__name__)

_EVENTS: Final = """
SELECT k.account_id, k.ticket_id, e.* FROM unnest($1::text[], $2::text[]) AS k (account_id, ticket_id)
CROSS JOIN LATERAL (
    SELECT e.id, e.type, e.timestamp, e.sandbox, e.data - $3::text[] AS data FROM events AS e
    WHERE e.account_id = k.account_id AND e.ticket_id = k.ticket_id AND e.type = ANY ($4) ORDER BY e.sequence
) AS e
"""


def _columns(table: type[Base], *but: str) -> list[str]:
    return [column.name for column in table.__table__.columns if column.name not in but]


def _upsert(table: type[Base]) -> str:
    """Insert the rows of ``$1``, or update those that are different."""
    name, columns, rest = table.__tablename__, _columns(table), _columns(table, "account_id", "id")
    return f"""
    INSERT INTO {name} AS t ({", ".join(columns)})
    SELECT {", ".join(columns)} FROM jsonb_populate_recordset(NULL::{name}, $1::jsonb)
    ON CONFLICT (account_id, id) DO UPDATE SET {", ".join(f"{each} = EXCLUDED.{each}" for each in rest)}
    WHERE ROW({", ".join(f"t.{each}" for each in rest)})
        IS DISTINCT FROM ROW({", ".join(f"EXCLUDED.{each}" for each in rest)})
    """  # noqa: S608  our own names


_PUT_FACTS: Final = moved(ReportFactRow.__tablename__, FACT_MOVES, _upsert(ReportFactRow))
_PUT_MOMENTS: Final = moved(ReportMomentRow.__tablename__, MOMENT_MOVES, _upsert(ReportMomentRow))


async def recount(session: AsyncSession, keys: Sequence[Key]) -> Counted:
    """Count these tickets by their events, and write what differs. The transaction holds the mark."""
    all_ = Counted([], [])
    async for counted in counts(session, keys):
        all_.facts.extend(counted.facts)
        all_.moments.extend(counted.moments)
    await put(session, all_)
    return all_


async def put(session: AsyncSession, counted: Counted) -> None:
    """Write what differs of these rows. The transaction holds the mark."""
    connection = await driver(session)
    await connection.execute(_PUT_FACTS, to_json(counted.facts))
    await connection.execute(_PUT_MOMENTS, to_json(counted.moments))


async def counts(session: AsyncSession, keys: Sequence[Key]) -> AsyncIterator[Counted]:
    """What is counted of each of these tickets; one whose events make no sense is logged, and left out."""
    if not keys:
        return
    accounts, tickets = zip(*keys, strict=True)
    events: list[Any] = await (await driver(session)).fetch(_EVENTS, accounts, tickets, TEXTS, READ)
    async for ticket_id, own in in_turns(groupby(events, key=lambda event: event["ticket_id"])):
        try:
            yield count(ticket_id, list(own))
        except (KeyError, TypeError, ValueError) as error:
            _log.error("a ticket cannot be counted", ticket_id=ticket_id, error=repr(error))
