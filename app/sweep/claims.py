"""The sweep's claims: which due tickets a transaction locks. Each is one statement on one partial index.

``ix_tickets_wakes`` has the keys of the tickets beside their instants, so that a claim that leaves out an account
reads past its tickets in the index alone, and the unit of a claim can be an account, or the accounts of one shard.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from asyncpg import Connection, Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.tickets.editing.load import SELECT
from app.tickets.record import columns_but_texts

Rows: TypeAlias = "list[Record[Any]]"
Claim: TypeAlias = Callable[["Connection[Any]"], Awaitable[Rows]]
"""Locks due tickets that nobody else holds, and gives their rows (``SELECT``)."""

_DUE: Final = "t.wake_at <= statement_timestamp() AND NOT t.sandbox"
# What other replicas hold is passed over: keys are found without a lock, and so several claims' worth of them. The
# lateral subquery locks one ticket after the other by its key, under whatever plan, until there are enough.
_FOUND: Final = f"""
WITH found AS MATERIALIZED (
    SELECT t.account_id, t.id FROM tickets AS t WHERE {_DUE} AND {{where}} ORDER BY t.wake_at LIMIT 4 * $1
)
SELECT {", ".join(f"t.{name}" for name in columns_but_texts())} FROM found CROSS JOIN LATERAL (
    SELECT * FROM tickets AS t WHERE t.account_id = found.account_id AND t.id = found.id AND {_DUE}
    FOR UPDATE SKIP LOCKED
) AS t LIMIT $1
"""  # noqa: S608  our own column names
ALL: Final = f"{SELECT} WHERE {_DUE} ORDER BY t.wake_at LIMIT $1 FOR UPDATE SKIP LOCKED"
WITHOUT: Final = _FOUND.format(
    where="t.wake_at > coalesce($2, '-infinity'::timestamptz)"
    " AND t.account_id <> ALL ($3::text[]) AND t.id <> ALL ($4::text[])"
)
OF_ACCOUNT: Final = _FOUND.format(where="t.account_id = $2 AND t.id <> ALL ($3::text[])")
OF_TICKETS: Final = f"""
{SELECT} WHERE t.id = ANY ($1::text[]) AND NOT t.sandbox AND (t.wake_at <= statement_timestamp() OR EXISTS (
    SELECT FROM postponements AS p
    WHERE p.account_id = t.account_id AND p.ticket_id = t.id AND p.retry_at <= statement_timestamp()
)) FOR UPDATE OF t SKIP LOCKED
"""
# Only as far ahead as somebody may want to set a timer: a storm leaves many later ones behind, of its own account.
NEXT: Final = "SELECT wake_at FROM tickets WHERE wake_at IS NOT NULL AND NOT sandbox ORDER BY wake_at LIMIT 1"
NEXT_WITHOUT: Final = """
SELECT t.wake_at FROM tickets AS t
WHERE t.wake_at > statement_timestamp() AND t.wake_at < statement_timestamp() + interval '1 second' AND NOT t.sandbox
    AND t.account_id <> ALL ($1::text[]) AND t.id <> ALL ($2::text[])
ORDER BY t.wake_at LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Apart:
    """What is processed apart from everybody's tickets: whole accounts, and single tickets."""

    accounts: Collection[str] = field(default_factory=tuple)
    tickets: Collection[str] = field(default_factory=tuple)

    def __bool__(self) -> bool:
        return bool(self.accounts or self.tickets)


def of_all(limit: int) -> Claim:
    """The longest due tickets, whosever they are."""
    return lambda connection: connection.fetch(ALL, limit)


def of_the_others(limit: int, apart: Apart, since: datetime | None) -> Claim:
    """The longest due tickets that are not processed apart; only those due after ``since``, if it is given."""
    return lambda connection: connection.fetch(WITHOUT, limit, since, list(apart.accounts), list(apart.tickets))


def of_account(limit: int, account_id: str, apart: Apart) -> Claim:
    """The longest due tickets of one account, but none that is processed by itself."""
    return lambda connection: connection.fetch(OF_ACCOUNT, limit, account_id, list(apart.tickets))


def of_tickets(ids: Collection[str]) -> Claim:
    """Those of these tickets that are due, or postponed and due to be tried again."""
    return lambda connection: connection.fetch(OF_TICKETS, list(ids))


async def next_wake(session: AsyncSession, apart: Apart = Apart()) -> datetime | None:
    """The earliest instant at which a live ticket has something to do: one probe of one partial index.

    Where something is processed ``apart``, the earliest future one of all else within a second.
    """
    if apart:
        later: datetime | None = await (await driver(session)).fetchval(
            NEXT_WITHOUT, list(apart.accounts), list(apart.tickets)
        )
        return later
    wake_at: datetime | None = await (await driver(session)).fetchval(NEXT)
    return wake_at
