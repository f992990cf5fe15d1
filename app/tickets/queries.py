"""Reading tickets. Each read is a fixed number of statements, whatever the number of tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Query
from sqlalchemy import ColumnElement, Select, and_, case, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.schemas import AccountId, EngineerId
from app.calls.models import Call
from app.core.auth import Principal
from app.core.db import Row
from app.core.paging import Page, in_order
from app.core.problems import NotFound
from app.core.schemas import Instant, Word
from app.events.models import EventRow
from app.events.types import INTERNAL_METRICS
from app.sla.models import DeadlineRow
from app.sla.terms import METRIC_ORDER
from app.tickets.models import Message, Ticket
from app.tickets.schemas import Priority, Status
from app.tickets.views import ticket_view

_METRIC_ORDER: Final = case(
    METRIC_ORDER,
    value=DeadlineRow.metric,
    else_=len(METRIC_ORDER),
)
_CURRENT: Final = or_(
    DeadlineRow.cycle == 1,
    DeadlineRow.cycle == Ticket.clock["cycles"][DeadlineRow.metric].as_integer(),
)
_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands in a cursor for a ticket that owes nothing; such tickets come last."""


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets a list shows, and in which order."""

    account_id: Annotated[AccountId | None, Query(description="With support keys; else the key's own account")] = None
    status: Annotated[list[Status] | None, Query(description="One or more")] = None
    priority: Annotated[list[Priority] | None, Query(description="One or more")] = None
    assignee_id: Annotated[EngineerId | None, Query()] = None
    tier: Annotated[int | None, Query(ge=1, le=9)] = None
    missed: Annotated[bool | None, Query(description="Whether any deadline is missed and still open")] = None
    due_before: Annotated[Instant | None, Query(description="Something that support owes is due before this")] = None
    updated_since: Annotated[Instant | None, Query()] = None
    external_ref: Annotated[Word | None, Query()] = None
    sandbox: Annotated[
        bool | None, Query(description="Default: for support, live tickets unless an account is named")
    ] = None
    q: Annotated[Word | None, Query(description="Words of the title, or the ticket's number")] = None
    sort: Annotated[str, Query(pattern="^(due|created|updated)$", description="due: missed ones first")] = "created"


async def _rows(session: AsyncSession, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in (await session.execute(query)).mappings()]


async def account_of_ticket(session: AsyncSession, principal: Principal, ticket_id: str) -> str:
    """The account of a ticket. 404 when the caller has no such ticket."""
    account_id = await session.scalar(select(Ticket.account_id).where(Ticket.id == ticket_id))
    if account_id is None or not principal.sees(account_id):
        raise NotFound
    return account_id


async def ticket_document(session: AsyncSession, principal: Principal, ticket_id: str) -> dict[str, Any]:
    """One ticket as the API shows it, in three statements. 404 when the caller has no such ticket."""
    rows = await _rows(session, select(Ticket.__table__).where(Ticket.id == ticket_id))
    if not rows or not principal.sees(rows[0]["account_id"]):
        raise NotFound
    return (await _documents(session, principal, rows))[0]


async def _documents(session: AsyncSession, principal: Principal, rows: Sequence[Row]) -> list[dict[str, Any]]:
    ids = [row["id"] for row in rows]
    accounts = {row["account_id"] for row in rows}
    deadlines = await _deadlines(session, _of(DeadlineRow, accounts, ids), _CURRENT)
    calls = await _rows(session, _calls(accounts, ids).ext(distinct_on(Call.ticket_id)))
    by_ticket: dict[str, list[Row]] = {ticket_id: [] for ticket_id in ids}
    for deadline in deadlines:
        by_ticket[deadline["ticket_id"]].append(deadline)
    call_of = {call["ticket_id"]: call for call in calls}
    return [ticket_view(row, by_ticket[row["id"]], call_of.get(row["id"]), principal) for row in rows]


def _of(table: type[DeadlineRow | Call], accounts: set[str], ids: Sequence[str]) -> ColumnElement[bool]:
    return and_(table.account_id.in_(accounts), table.ticket_id.in_(ids))


def _calls(accounts: set[str], ids: Sequence[str]) -> Select[Any]:
    return select(Call.__table__).where(_of(Call, accounts, ids)).order_by(Call.ticket_id, Call.sequence.desc())


async def _deadlines(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[Row]:
    joined = and_(Ticket.account_id == DeadlineRow.account_id, Ticket.id == DeadlineRow.ticket_id)
    query = select(DeadlineRow.__table__).join(Ticket, joined).where(*conditions)
    ordered = query.order_by(_METRIC_ORDER, DeadlineRow.subject, DeadlineRow.cycle)
    return await _rows(session, ordered)


async def list_tickets(
    session: AsyncSession, principal: Principal, wanted: TicketFilter, page: Page
) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """One page of tickets (one more than asked for, when there are more), each with its sort key."""
    query = select(Ticket.__table__).where(*_conditions(principal, wanted))
    rows = await _rows(session, _sorted(query, wanted.sort, page))
    documents = await _documents(session, principal, rows) if rows else []
    return [(_place(row, wanted.sort), document) for row, document in zip(rows, documents, strict=True)]


def _conditions(principal: Principal, wanted: TicketFilter) -> list[ColumnElement[bool]]:
    equal = {
        Ticket.account_id: wanted.account_id or principal.account_id,
        Ticket.assignee_id: wanted.assignee_id,
        Ticket.tier: wanted.tier,
        Ticket.missed: wanted.missed,
        Ticket.sandbox: _sandbox(principal, wanted),
        Ticket.external_ref: wanted.external_ref,
    }
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if wanted.account_id and not principal.sees(wanted.account_id):
        raise NotFound
    if wanted.status:
        conditions.append(Ticket.status.in_(wanted.status))
    if wanted.priority:
        conditions.append(Ticket.priority.in_(wanted.priority))
    if wanted.due_before:
        conditions.append(Ticket.support_due_at < wanted.due_before)
    if wanted.updated_since:
        conditions.append(Ticket.updated_at >= wanted.updated_since)
    if wanted.q:
        conditions.append(or_(Ticket.title.icontains(wanted.q, autoescape=True), Ticket.number == wanted.q.upper()))
    return conditions


def _sandbox(principal: Principal, wanted: TicketFilter) -> bool | None:
    """Test accounts' tickets are not support's work: only who asks for them sees them in a list of all."""
    if wanted.sandbox is None and not (wanted.account_id or principal.account_id):
        return False
    return wanted.sandbox


def _sorted(query: Select[Any], sort: str, page: Page) -> Select[Any]:
    """Keyset order: the next page begins after the place of the last row, whatever was inserted meanwhile."""
    if sort == "due":
        place = page.place(datetime, str)
        query = query.order_by(Ticket.support_due_at.asc().nulls_last(), Ticket.id).limit(page.limit + 1)
        return query.where(_after_due(*place)) if place else query
    column = Ticket.opened_at if sort == "created" else Ticket.updated_at
    return in_order(query, page, column, Ticket.id, newest_first=True)


def _after_due(at: datetime, ticket_id: str) -> ColumnElement[bool]:
    if at == _NEVER:
        return and_(Ticket.support_due_at.is_(None), Ticket.id > ticket_id)
    later = or_(Ticket.support_due_at > at, and_(Ticket.support_due_at == at, Ticket.id > ticket_id))
    return or_(later, Ticket.support_due_at.is_(None))


def _place(row: Row, sort: str) -> tuple[Any, ...]:
    if sort == "due":
        return (row["support_due_at"] or _NEVER, row["id"])
    return (row["opened_at" if sort == "created" else "updated_at"], row["id"])


async def list_deadlines(
    session: AsyncSession, principal: Principal, ticket_id: str, page: Page
) -> tuple[bool, Sequence[Row]]:
    """All cycles of a ticket in the order of their starts, and whether the ticket is a sandbox's."""
    account_id = await account_of_ticket(session, principal, ticket_id)
    conditions = [DeadlineRow.account_id == account_id, DeadlineRow.ticket_id == ticket_id]
    keys = (DeadlineRow.started_at, _METRIC_ORDER, DeadlineRow.cycle, DeadlineRow.id)
    if place := page.place(datetime, int, int, str):
        conditions.append(tuple_(*keys) > place)
    if not principal.is_support:
        conditions.append(DeadlineRow.metric.not_in(INTERNAL_METRICS))
    query = select(DeadlineRow.__table__, Ticket.sandbox).join(
        Ticket, and_(Ticket.account_id == DeadlineRow.account_id, Ticket.id == DeadlineRow.ticket_id)
    )
    ordered = query.where(*conditions).order_by(*keys).limit(page.limit + 1)
    rows = await _rows(session, ordered)
    return bool(rows and rows[0]["sandbox"]), rows


def deadline_place(row: Row) -> tuple[Any, ...]:
    """Where a deadline stands among those of its ticket."""
    return (row["started_at"], METRIC_ORDER[row["metric"]], row["cycle"], row["id"])


async def list_events(session: AsyncSession, principal: Principal, ticket_id: str, page: Page) -> Sequence[Row]:
    """The ticket's timeline by sequence: what this caller may see of it."""
    return await _in_sequence(session, principal, ticket_id, page, EventRow, EventRow.audience)


async def list_messages(session: AsyncSession, principal: Principal, ticket_id: str, page: Page) -> Sequence[Row]:
    """The ticket's messages, oldest first: what this caller may see of them."""
    return await _in_sequence(session, principal, ticket_id, page, Message, Message.visibility)


async def _in_sequence(
    session: AsyncSession,
    principal: Principal,
    ticket_id: str,
    page: Page,
    table: type[EventRow | Message],
    audience: InstrumentedAttribute[str],
) -> Sequence[Row]:
    """A page of what happened on a ticket, by sequence: the rows whose ``audience`` this caller belongs to."""
    account_id = await account_of_ticket(session, principal, ticket_id)
    conditions = [table.account_id == account_id, table.ticket_id == ticket_id, audience.in_(principal.audiences)]
    if place := page.place(int):
        conditions.append(table.sequence > place[0])
    query = select(table.__table__).where(*conditions).order_by(table.sequence).limit(page.limit + 1)
    return await _rows(session, query)


async def list_calls(session: AsyncSession, principal: Principal, ticket_id: str) -> Sequence[Row]:
    """The ticket's calls, newest first."""
    account_id = await account_of_ticket(session, principal, ticket_id)
    return await _rows(session, _calls({account_id}, [ticket_id]).limit(200))
