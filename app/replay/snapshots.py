"""Tickets as they stand in the database, with all that their clocks have left there: for checks that change nothing."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from asyncpg import Record
from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, snapshot
from app.core.db.tables import Row
from app.core.problems import NotFound
from app.sla.compiled import Promise, promise_of
from app.sla.history import INPUTS, pins_in
from app.sla.pins import Pins
from app.tickets.editing.load import pins_of
from app.tickets.models import TicketRow
from app.tickets.record import TicketRecord, columns

Key: TypeAlias = tuple[str, str]
"""``(account_id, id)`` of a ticket."""

BATCH: Final = 100
"""Tickets of one statement, and so of one snapshot of the database."""
_PAGE: Final = 1_000
_READ: Final = (*INPUTS, "deadline.missed")
_TEXTS: Final = ("body", "title", "description", "business_impact", "priority_reason", "requester")
_COLUMNS: Final = ", ".join(f"t.{name}" for name in columns())
_SNAPSHOTS: Final = f"""
SELECT {_COLUMNS}, coalesce(a.sandbox_now, clock_timestamp()) AS now, d.deadlines, e.events, e.told, e.told_at, e.stub,
       to_jsonb(p) AS postponed
FROM unnest($1::text[], $2::text[]) AS k (account_id, id)
JOIN tickets AS t ON t.account_id = k.account_id AND t.id = k.id
JOIN accounts AS a ON a.account_id = t.account_id
LEFT JOIN postponements AS p ON p.account_id = t.account_id AND p.ticket_id = t.id
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(to_jsonb(d)), '[]') AS deadlines
    FROM deadlines AS d WHERE d.account_id = t.account_id AND d.ticket_id = t.id
) AS d
CROSS JOIN LATERAL (
    SELECT count(*) AS told, max(e.timestamp) AS told_at, (array_agg(e.ticket ORDER BY e.sequence DESC))[1] AS stub,
           coalesce(jsonb_agg(jsonb_build_object(
        'type', e.type, 'timestamp', e.timestamp, 'actor', e.actor, 'data', e.data - $4::text[]
    ) ORDER BY e.sequence) FILTER (WHERE e.type = ANY ($3)), '[]') AS events
    FROM events AS e WHERE e.account_id = t.account_id AND e.ticket_id = t.id
) AS e
ORDER BY t.account_id, t.id
"""  # noqa: S608  our own column names


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One ticket, all its deadlines and what its events tell a replay, as of one instant."""

    ticket: TicketRecord
    now: datetime
    """the database's clock, or the sandbox's; never before what the ticket has seen"""
    deadlines: list[Row]
    events: list[Row]
    """by sequence: those that ``history`` reads, and the misses, without long texts"""
    told: int
    """how many events the ticket has in all"""
    stub: Row | None
    """what its last event says of the ticket; None, where that was recorded without it"""
    promises: Mapping[Pins, Promise]
    """at least what the ticket is, and ever was, bound to; what is not stored any more is absent"""
    postponed: Row | None = None
    """its row of ``postponements``: then it has no timer of its own"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tickets are meant; all of them unless something is given."""

    account_id: str | None = None
    ticket_id: str | None = None
    since: datetime | None = None
    """only those whose ``updated_at`` is not before it"""


async def count(sessions: Sessions, scope: Scope) -> int:
    """How many tickets a walk goes through, those before ``since`` included."""
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(TicketRow).where(*_named(scope))) or 0


async def walk(sessions: Sessions, scope: Scope) -> AsyncIterator[tuple[int, list[Snapshot]]]:
    """Batches of snapshots by account and id, each with the number of tickets that it went through.

    Each batch is one read-only transaction that has ended when the batch is handed out.
    """
    last: Key | None = None
    while page := await _page(sessions, scope, last):
        for start in range(0, len(page), BATCH):
            part = page[start : start + BATCH]
            wanted = [key for key, updated_at in part if scope.since is None or updated_at >= scope.since]
            yield len(part), await read(sessions, wanted)
        last = page[-1][0]


async def _page(sessions: Sessions, scope: Scope, last: Key | None) -> list[tuple[Key, datetime]]:
    """The next keys with their ``updated_at``. ``since`` is no condition: looking for it could take long."""
    query = select(TicketRow.account_id, TicketRow.id, TicketRow.updated_at).where(*_named(scope))
    if last is not None:
        query = query.where(tuple_(TicketRow.account_id, TicketRow.id) > last)
    async with sessions() as session:
        rows = await session.execute(query.order_by(TicketRow.account_id, TicketRow.id).limit(_PAGE))
        return [((row.account_id, row.id), row.updated_at) for row in rows]


def _named(scope: Scope) -> list[ColumnElement[bool]]:
    names = ((TicketRow.account_id, scope.account_id), (TicketRow.id, scope.ticket_id))
    return [column == name for column, name in names if name is not None]


async def read(sessions: Sessions, keys: Sequence[Key]) -> list[Snapshot]:
    """Snapshots of these tickets, all of one instant; one that is gone is absent."""
    if not keys:
        return []
    accounts, ids = zip(*keys, strict=True)
    async with snapshot(sessions) as session:
        rows = await (await driver(session)).fetch(_SNAPSHOTS, accounts, ids, _READ, _TEXTS)
        tickets = [TicketRecord(**{name: row[name] for name in columns()}) for row in rows]
        bound = {pins for ticket, row in zip(tickets, rows, strict=True) for pins in _bound(ticket, row["events"])}
        promises = await _promises(session, bound)
    return [_snapshot(ticket, row, promises) for ticket, row in zip(tickets, rows, strict=True)]


def _bound(ticket: TicketRecord, events: list[Row]) -> list[Pins]:
    """All that a ticket is and was bound to. Events that make no sense are for the replay to tell of."""
    try:
        return [pins_of(ticket), *pins_in(events)]
    except (KeyError, TypeError):
        return [pins_of(ticket)]


async def _promises(session: AsyncSession, bound: Iterable[Pins]) -> dict[Pins, Promise]:
    promises: dict[Pins, Promise] = {}
    for pins in bound:
        try:
            promises[pins] = await promise_of(session, pins)
        except NotFound:
            continue  # its absence is told with each ticket that needs it
    return promises


def _snapshot(ticket: TicketRecord, row: "Record[Any]", promises: Mapping[Pins, Promise]) -> Snapshot:
    facts = ticket.clock or {}
    seen = [datetime.fromisoformat(facts["last_at"])] if facts.get("last_at") else []
    seen += [row["told_at"]] if row["told_at"] else []
    now = max(row["now"], *seen)
    return Snapshot(ticket, now, row["deadlines"], row["events"], row["told"], row["stub"], promises, row["postponed"])
