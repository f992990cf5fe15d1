"""The problem behind a ticket, as the ticket shows it: what everybody may know of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.statements.json_sql import object_of
from app.events.schemas import TicketProblem

_SHOWN: Final = object_of({name: f"p.{name}" for name in TicketProblem.model_fields})
_OPENED: Final = "p.state NOT IN ('suggested', 'dismissed')"
PROBLEM_SQL: Final = f"""(
SELECT {_SHOWN} FROM problem_tickets AS l JOIN problems AS p ON p.id = l.problem_id AND {_OPENED}
WHERE l.account_id = t.account_id AND l.ticket_id = t.id
)"""  # noqa: S608  names of ours
"""The problem behind the ticket ``t``; null where there is none."""
_OF_TICKETS: Final = f"""
SELECT l.ticket_id, p.* FROM problem_tickets AS l JOIN problems AS p ON p.id = l.problem_id AND {_OPENED}
WHERE l.account_id = ANY ($1::text[]) AND l.ticket_id = ANY ($2::text[])
"""  # noqa: S608  names of ours


async def problems_of(
    session: AsyncSession, accounts: Sequence[str], tickets: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    """The problems behind these tickets of these accounts, by ticket."""
    rows = await (await driver(session)).fetch(_OF_TICKETS, accounts, tickets)
    return {row["ticket_id"]: {name: row[name] for name in TicketProblem.model_fields} for row in rows}
