"""The ways through the tickets of a list: which index leads to what is asked, and in which order.

Each way is an index in its order. Where it is in the order of the list, a page is read from it as it is; where it is
not, it is of use as long as it leads to few tickets.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import AfterValidator
from sqlalchemy import ColumnElement, Select, String, and_, any_, literal, literal_column, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from app.accounts.models import AccountRow
from app.accounts.schemas import AccountId, EngineerId
from app.core.problems import invalid_value
from app.core.schemas.shared import Instant, Word
from app.core.text.messages import _
from app.core.web.kit.paging import Columns, Filter, Order, Page
from app.tickets.models import ACTIVE, ENDED, TicketRow, TicketTitleRow
from app.tickets.numbers import TicketNumber
from app.tickets.schemas import Priority, Status
from app.tickets.wording import can_be_searched, pattern

TICKETS: Final = TicketRow.__table__
LISTED: Final = tuple(
    TICKETS.c[name]
    for name in (
        *("account_id", "id", "opened_at", "updated_at", "support_due_at"),
        *("status", "priority", "assignee_id", "tier", "missed", "external_ref", "sandbox", "visitor_marks"),
    )
)
"""What lists look at: the rest of a ticket is read once it is on a page."""
_ACTIVE: Final[ColumnElement[bool]] = literal_column(ACTIVE)
_RAISED: Final[ColumnElement[bool]] = literal_column("tier > 1")
"""Conditions of partial indexes are spelt out: a plan for any parameters could not use the index for parameters."""
NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands in a cursor for a ticket that owes nothing; such tickets come last."""
MAX_NAMED: Final = 50
"""Statuses, and priorities, that a list is asked for."""
CREATED: Final = Order(("opened_at", "id"), newest_first=True)
_BY_ACCOUNT: Final = Order(("account_id", "opened_at", "id"), newest_first=True)
_DUE: Final = Order(("support_due_at", "id"))
_OWING_NOTHING: Final = Order(("id",), same=("support_due_at",))
ORDERS: Final = {"created": CREATED, "updated": Order(("updated_at", "id"), newest_first=True), "due": _DUE}


def _searchable(term: str) -> str:
    if not can_be_searched(term):
        raise invalid_value("search", _("A search takes three letters or digits in a row, or a ticket's number"))
    return term


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets a list shows, and in which order. Can be a key of what is remembered of lists."""

    account_id: Annotated[
        AccountId | None, Query(description="For support's keys; an account's key lists its own account")
    ] = None
    status: Annotated[Sequence[Status] | None, Query(max_length=MAX_NAMED, description="One or more")] = None
    priority: Annotated[Sequence[Priority] | None, Query(max_length=MAX_NAMED, description="One or more")] = None
    assignee_id: Annotated[EngineerId | None, Query()] = None
    tier: Annotated[int | None, Query(ge=1, le=9)] = None
    missed: Annotated[bool | None, Query(description="Whether any deadline is missed and still open")] = None
    due_before: Annotated[Instant | None, Query(description="Something that support owes is due before this")] = None
    updated_since: Annotated[Instant | None, Query()] = None
    external_ref: Annotated[Word | None, Query()] = None
    number: Annotated[
        TicketNumber | None, Query(description="As it is said on the phone: any case, with or without hyphen")
    ] = None
    sandbox: Annotated[
        bool | None, Query(description="Default: for support, live tickets unless an account is named")
    ] = None
    q: Annotated[
        Annotated[Word, AfterValidator(_searchable)] | None,
        Query(description="A part of the title, whatever its case and accents, or the ticket's number"),
    ] = None
    sort: Annotated[str, Query(pattern="^(due|created|updated)$", description="due: missed ones first")] = "created"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller asks for: the filters, the account whose tickets these are (None: all accounts'), and the page.

    ``marks``: of a visitor for whom only the tickets with one of them exist.
    """

    wanted: TicketFilter
    account_id: str | None
    page: Page
    marks: tuple[str, ...] | None = None

    @property
    def sandbox(self) -> bool:
        """Test accounts' tickets are not support's work: only who asks for them sees them in a list of all."""
        return bool(self.wanted.sandbox)

    @property
    def order(self) -> Order:
        """The order of the list."""
        return ORDERS[self.wanted.sort]

    @property
    def place(self) -> tuple[datetime, str] | None:
        """The sort key of the last ticket on the page before. 422 if the cursor is broken."""
        place: tuple[datetime, str] | None = self.page.place(datetime, str)
        return place

    def scope(self) -> list[ColumnElement[bool]]:
        """The tickets that the caller means, as each index of lists begins."""
        if self.account_id is None:
            return [TICKETS.c.sandbox == self.sandbox]
        own: list[ColumnElement[bool]] = [TICKETS.c.account_id == self.account_id]
        if self.wanted.sandbox is not None:
            is_sandbox = select(AccountRow.sandbox_now.is_not(None)).where(AccountRow.account_id == self.account_id)
            own.append(is_sandbox.scalar_subquery() == self.wanted.sandbox)
        return own

    def meant(self, columns: Columns) -> ColumnElement[bool]:
        """The scope, of tickets that were found by an index which does not begin with it."""
        name, value = ("sandbox", self.sandbox) if self.account_id is None else ("account_id", self.account_id)
        return columns[name] == value

    def behind(self, columns: Columns) -> list[ColumnElement[bool]]:
        """The condition of being on this page or a later one, in an order that nothing serves."""
        if self.place is None or self.wanted.sort != "due":
            return self.order.behind(columns, self.place)
        (at, ticket_id), nothing = self.place, columns.support_due_at.is_(None)
        if at == NEVER:
            return [and_(nothing, columns.id > ticket_id)]
        return [or_(tuple_(columns.support_due_at, columns.id) > (at, ticket_id), nothing)]


@dataclass(frozen=True, slots=True)
class Way:
    """An index, and what it is an index of: the tickets of a scope in an order.

    ``covers`` names the filter that the scope is; ``serves`` the list whose order it is in; ``meant``: whether it
    begins with the account, or with live tickets.
    """

    scope: Sequence[ColumnElement[bool]]
    order: Order
    covers: str = ""
    serves: str = ""
    meant: bool = True
    place: tuple[Any, ...] | None = None

    def tickets(self) -> Select[Any]:
        """All its tickets behind its place, in its order."""
        behind = self.order.behind(TICKETS.c, self.place)
        return select(*LISTED).where(*self.scope, *behind).order_by(*self.order.of(TICKETS.c))


def filters(wanted: TicketFilter, marks: Sequence[str] | None = None) -> dict[str, Filter]:
    """The conditions on a ticket, by the names of their filters; that it bears one of these ``marks`` is one too."""
    every: Mapping[str, tuple[Any, Filter]] = {
        "status": (wanted.status, lambda c: c.status == _any(wanted.status or ())),
        "priority": (wanted.priority, lambda c: c.priority == _any(wanted.priority or ())),
        "assignee_id": (wanted.assignee_id, lambda c: c.assignee_id == wanted.assignee_id),
        "tier": (wanted.tier, lambda c: c.tier == wanted.tier),
        "missed": (wanted.missed, lambda c: c.missed == wanted.missed),
        "due_before": (wanted.due_before, lambda c: c.support_due_at < wanted.due_before),
        "updated_since": (wanted.updated_since, lambda c: c.updated_at >= wanted.updated_since),
        "external_ref": (wanted.external_ref, lambda c: c.external_ref == wanted.external_ref),
        "q": (wanted.q, lambda c: _titled(c, wanted.q or "")),
        "marks": (marks, lambda c: marked(c, marks or ())),
    }
    return {name: one for name, (value, one) in every.items() if value is not None}


def marked(columns: Columns, marks: Sequence[str]) -> ColumnElement[bool]:
    """Whether a visitor with these marks has opened the ticket."""
    return and_(columns.visitor_marks.is_not(None), columns.visitor_marks.has_any(literal(list(marks), ARRAY(String))))


def own_tickets(marks: Sequence[str]) -> Way:
    """The way to a visitor's own tickets, which usually are few."""
    return Way([marked(TICKETS.c, marks)], Order(()), "marks", meant=False)


def _any(texts: Sequence[str]) -> ColumnElement[Any]:
    return any_(literal(list(texts), ARRAY(String)))


def _titled(columns: Columns, term: str) -> ColumnElement[bool]:
    """Looked up ticket by ticket: as a join, it could be planned as one with all titles that match."""
    title = select(TicketTitleRow.folded.like(pattern(term))).where(
        TicketTitleRow.account_id == columns.account_id, TicketTitleRow.ticket_id == columns.id
    )
    return title.scalar_subquery()


def selective(ask: Ask) -> Iterator[Way]:
    """The ways that filters open, those that usually lead to the fewest tickets first."""
    wanted, scope, column = ask.wanted, ask.scope(), TICKETS.c
    of_one = ask.account_id is not None
    active = bool(wanted.status) and not set(wanted.status or ()) & set(ENDED)
    if wanted.external_ref:
        own = [column.account_id == ask.account_id] if of_one else []
        yield Way([column.external_ref == wanted.external_ref, *own], _BY_ACCOUNT, "external_ref", meant=False)
    if wanted.missed:
        yield Way([*scope, column.missed], CREATED, "missed", "created")
    if wanted.assignee_id:
        of_engineer = column.assignee_id == wanted.assignee_id
        yield Way([of_engineer], CREATED, "assignee_id", "" if of_one else "created", meant=False)
        if active:
            yield Way([of_engineer, _ACTIVE], Order(()), "assignee_id", meant=False)
    if wanted.tier and wanted.tier > 1:
        of_tier = [column.tier == wanted.tier, _RAISED]
        if of_one:
            yield Way([*of_tier, *scope], CREATED, "tier", "created")
        else:
            yield Way(of_tier, _BY_ACCOUNT, "tier", meant=False)
    if wanted.updated_since:
        since = column.updated_at >= wanted.updated_since
        yield Way([*scope, since], ORDERS["updated"], "updated_since", "updated")
    if wanted.due_before:
        yield Way([*scope, column.support_due_at < wanted.due_before], _DUE, "due_before", "due")
    if active:
        yield Way([*scope, _ACTIVE], CREATED, serves="created")


def in_order(ask: Ask, way: Way | None) -> list[Way]:
    """The parts of the list, each with an index in its order: along ``way``, or through all tickets that are meant."""
    place = ask.place
    if ask.wanted.sort != "due":
        return [replace(way or Way(ask.scope(), ask.order), place=place)]
    owing = way or Way([*ask.scope(), TICKETS.c.support_due_at.is_not(None)], _DUE)
    nothing = Way([*ask.scope(), TICKETS.c.support_due_at.is_(None)], _OWING_NOTHING)
    if place is not None and place[0] == NEVER:
        return [] if way else [replace(nothing, place=place[1:])]
    return [replace(owing, place=place)] if way else [replace(owing, place=place), nothing]
