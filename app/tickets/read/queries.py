"""Reading tickets. Each read is a fixed number of statements, whatever the number of tickets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, case, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.calls.models import CallRow
from app.core.auth import Principal
from app.core.db.tables import Row
from app.core.problems import Fault, Invalid, NotFound
from app.core.text.messages import _
from app.core.web.kit.paging import Filter, Order, Page, Slice, within_reach
from app.events.types import INTERNAL_METRICS
from app.sla.clock.terms import METRIC_ORDER
from app.sla.models import DeadlineRow
from app.tickets.models import MessageRow, TicketRow, TicketTitleRow
from app.tickets.read.problems import problems_of
from app.tickets.read.views import ticket_view

_SEQUENCE: Final = Order(("sequence",))
_METRIC_ORDER: Final = case(
    METRIC_ORDER,
    value=DeadlineRow.metric,
    else_=len(METRIC_ORDER),
)
_CURRENT: Final = or_(
    DeadlineRow.cycle == 1,
    DeadlineRow.cycle == TicketRow.clock["cycles"][DeadlineRow.metric].as_integer(),
)


async def _rows(session: AsyncSession, query: Select[Any] | CompoundSelect[Any]) -> list[Row]:
    return [dict(row) for row in (await session.execute(query)).mappings()]


async def account_of_ticket(session: AsyncSession, principal: Principal, ticket_id: str) -> str:
    """The account of a ticket. 404 when the caller has no such ticket."""
    account_id = await session.scalar(select(TicketRow.account_id).where(TicketRow.id == ticket_id))
    if account_id is None or not principal.sees(account_id):
        raise NotFound
    return account_id


async def ticket_document(session: AsyncSession, principal: Principal, ticket_id: str) -> dict[str, Any]:
    """One ticket as the API shows it, in four statements. 404 when the caller has no such ticket."""
    rows = await _rows(session, select(TicketRow.__table__).where(TicketRow.id == ticket_id))
    if not rows or not principal.sees(rows[0]["account_id"]):
        raise NotFound
    return (await documents(session, principal, rows))[0]


async def numbered_document(
    session: AsyncSession, principal: Principal, number: str, account_id: str | None
) -> dict[str, Any]:
    """The ticket with this number, of the account that is named or is the caller's own.

    404 when the caller has no such ticket; 422 when several accounts have one and none is named.
    """
    account_id = account_id or principal.account_id
    if account_id and not principal.sees(account_id):
        raise NotFound
    same = and_(TicketTitleRow.account_id == TicketRow.account_id, TicketTitleRow.ticket_id == TicketRow.id)
    of_account = [TicketRow.account_id == account_id] if account_id else []
    query = select(TicketRow.__table__).join(TicketTitleRow, same).where(TicketTitleRow.number == number, *of_account)
    rows = await _rows(session, query.limit(2))
    if not rows:
        raise NotFound
    if len(rows) > 1:
        detail = _("Several accounts have a ticket with this number: name the account")
        raise Invalid(errors=[Fault(pointer="#/query/account_id", detail=detail)])
    return (await documents(session, principal, rows))[0]


async def documents(session: AsyncSession, principal: Principal, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Tickets as the API shows them, in three statements."""
    ids = [row["id"] for row in rows]
    accounts = {row["account_id"] for row in rows}
    deadlines = await _deadlines(session, _of(DeadlineRow, accounts, ids), _CURRENT)
    calls = await _rows(session, _calls(accounts, ids).ext(distinct_on(CallRow.ticket_id)))
    problems = await problems_of(session, list(accounts), ids)
    by_ticket: dict[str, list[Row]] = {ticket_id: [] for ticket_id in ids}
    for deadline in deadlines:
        by_ticket[deadline["ticket_id"]].append(deadline)
    call_of = {call["ticket_id"]: call for call in calls}
    return [
        ticket_view(row, by_ticket[row["id"]], call_of.get(row["id"]), principal, problems.get(row["id"]))
        for row in rows
    ]


def _of(table: type[DeadlineRow | CallRow], accounts: set[str], ids: Sequence[str]) -> ColumnElement[bool]:
    return and_(table.account_id.in_(accounts), table.ticket_id.in_(ids))


def _calls(accounts: set[str], ids: Sequence[str]) -> Select[Any]:
    return (
        select(CallRow.__table__)
        .where(_of(CallRow, accounts, ids))
        .order_by(CallRow.ticket_id, CallRow.sequence.desc())
    )


async def _deadlines(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[Row]:
    joined = and_(TicketRow.account_id == DeadlineRow.account_id, TicketRow.id == DeadlineRow.ticket_id)
    query = select(DeadlineRow.__table__).join(TicketRow, joined).where(*conditions)
    ordered = query.order_by(_METRIC_ORDER, DeadlineRow.subject, DeadlineRow.cycle)
    return await _rows(session, ordered)


async def list_deadlines(session: AsyncSession, principal: Principal, ticket_id: str, page: Page) -> Sequence[Row]:
    """All cycles of a ticket in the order of their starts, each with whether the ticket is a sandbox's."""
    account_id = await account_of_ticket(session, principal, ticket_id)
    conditions = [DeadlineRow.account_id == account_id, DeadlineRow.ticket_id == ticket_id]
    keys = (DeadlineRow.started_at, _METRIC_ORDER, DeadlineRow.cycle, DeadlineRow.id)
    if place := page.place(datetime, int, int, str):
        conditions.append(tuple_(*keys) > place)
    if not principal.is_support:
        conditions.append(DeadlineRow.metric.not_in(INTERNAL_METRICS))
    query = select(DeadlineRow.__table__, TicketRow.sandbox).join(
        TicketRow, and_(TicketRow.account_id == DeadlineRow.account_id, TicketRow.id == DeadlineRow.ticket_id)
    )
    ordered = query.where(*conditions).order_by(*keys).limit(page.limit + 1)
    return await _rows(session, ordered)


def deadline_place(row: Row) -> tuple[Any, ...]:
    """Where a deadline stands among those of its ticket."""
    return (row["started_at"], METRIC_ORDER[row["metric"]], row["cycle"], row["id"])


async def list_messages(session: AsyncSession, principal: Principal, ticket_id: str, page: Page) -> Slice[Row]:
    """The ticket's messages, oldest first: what this caller may see of them."""
    account_id = await account_of_ticket(session, principal, ticket_id)
    own = select(MessageRow.__table__).where(MessageRow.account_id == account_id, MessageRow.ticket_id == ticket_id)
    if place := page.place(int):
        own = own.where(MessageRow.sequence > place[0])
    filters: list[Filter] = [lambda columns: columns.visibility.in_(principal.audiences)]
    ordered = own.order_by(MessageRow.sequence)
    query = within_reach(ordered, _SEQUENCE, [] if principal.is_support else filters, page.limit)
    rows = await _rows(session, query)
    edges = [(row["sequence"],) for row in rows if row["beyond_reach"]]
    return Slice([row for row in rows if not row["beyond_reach"]], edges[0] if edges else None)


async def list_calls(session: AsyncSession, principal: Principal, ticket_id: str) -> Sequence[Row]:
    """The ticket's calls, newest first."""
    account_id = await account_of_ticket(session, principal, ticket_id)
    return await _rows(session, _calls({account_id}, [ticket_id]).limit(200))
