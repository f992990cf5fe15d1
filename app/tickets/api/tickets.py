"""The ticket operations over HTTP: each reads its input, runs one use case, and answers."""

from typing import Annotated, Any

from fastapi import Body, Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import editor
from app.accounts.schemas import AccountId
from app.core.auth import Principal
from app.core.db.session import transaction
from app.core.problems import (
    Conflict,
    Fault,
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    RequestInFlight,
)
from app.core.schemas import Listing
from app.core.state import StateDep
from app.core.text.messages import _
from app.core.web.deps import PrincipalDep
from app.core.web.http import IF_MATCH, Router, etag, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.core.web.merge_patch import PatchDep, patch_body
from app.core.web.paging import PageDep, listing
from app.events.envelope import envelope
from app.events.schemas import EventView
from app.tickets.api import examples
from app.tickets.api.kit import ACTION_HEADERS, ACTIONS, OnTicketDep, TicketPath, caller_of
from app.tickets.numbers import TicketNumber
from app.tickets.read import queries
from app.tickets.read.listing import list_tickets as page_of_tickets
from app.tickets.read.views import deadline_view, message_view, ticket_view
from app.tickets.read.ways import TicketFilter
from app.tickets.rules import status_table
from app.tickets.schemas import (
    ChangeTicket,
    DeadlineView,
    MessageView,
    OpenTicket,
    PostMessage,
    StatusTable,
    TicketView,
)
from app.tickets.usecases import lifecycle
from app.tickets.usecases.open import open_ticket

router = Router(tags=["Tickets"])


@router.post(
    "/v1/tickets",
    scope="tickets:write",
    status_code=201,
    response_model=TicketView,
    summary="Open a ticket",
    responses=responses(Forbidden, NotFound, Conflict, RequestInFlight, IdempotencyMismatch)
    | examples.shown(examples.TICKET, 201, "Location"),
    openapi_extra=IDEMPOTENT,
)
async def create_ticket(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    command: Annotated[OpenTicket, Body(examples=[examples.OPEN_P1])],
) -> Response:
    """Open a ticket: its clocks start, and at the plan's call priorities a live call is asked for."""
    account_id, quota = _account_of(principal, command), state.limits.tickets
    counted = principal.account_id is not None  # what support opens for a customer is not the customer's doing

    async def work(session: AsyncSession) -> Answer:
        who = await editor(session, principal, command.actor)
        if counted:
            quota.require(account_id)
        opened = await open_ticket(session, command, account_id=account_id, acting=who)
        if counted:
            quota.take(account_id)
        ticket = opened.ticket
        deadlines = [_deadline_columns(deadline) for deadline in opened.clock.deadlines]
        view = ticket_view(ticket.row(), deadlines, next(iter(opened.calls), None), principal)
        return Answer(view, 201, etag(ticket.version) | {"Location": f"/v1/tickets/{ticket.id}"})

    return await once(request, state, principal, work, may=lambda session: editor(session, principal, command.actor))


def _deadline_columns(deadline: Any) -> dict[str, Any]:
    names = DeadlineView.model_fields.keys() - {"lag_ms"}
    return {name: getattr(deadline, name) for name in names}


def _account_of(principal: Principal, command: OpenTicket) -> str:
    """The account that the ticket is for: the key's own, or the one that a support key names."""
    account_id = command.account_id or principal.account_id
    if account_id is None:
        fault = Fault(pointer="/account_id", detail=_("An admin's or agent's key names the account"))
        raise Invalid(errors=[fault])
    if not principal.sees(account_id):
        raise NotFound
    return account_id


@router.get(
    "/v1/tickets",
    scope="tickets:read",
    response_model=Listing[TicketView],
    summary="List tickets",
    responses=responses(NotFound) | examples.shown(examples.page_of(examples.TICKET)),
)
async def list_tickets(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    wanted: Annotated[TicketFilter, Depends()],
) -> Response:
    """Tickets that the caller sees: newest first, or by what support owes next (`sort=due`)."""
    async with transaction(state.sessions) as session:
        rows = await page_of_tickets(session, principal, wanted, page)
    return listing(request, page, rows, place=lambda row: row[0], document=lambda row: row[1])


@router.get(
    "/v1/tickets/{ticket_id}",
    scope="tickets:read",
    response_model=TicketView,
    summary="Read a ticket",
    responses=responses(NotFound) | examples.shown(examples.TICKET),
)
async def read_ticket(state: StateDep, principal: PrincipalDep, ticket_id: TicketPath) -> Response:
    """The ticket with its current deadlines and its call."""
    async with transaction(state.sessions) as session:
        document = await queries.ticket_document(session, principal, ticket_id)
    return reply(document, headers=etag(document["version"]))


@router.get(
    "/v1/tickets/by-number/{number}",
    scope="tickets:read",
    response_model=TicketView,
    summary="Get a ticket by its number",
    responses=responses(NotFound) | examples.shown(examples.TICKET),
)
async def get_ticket_by_number(
    state: StateDep,
    principal: PrincipalDep,
    number: Annotated[TicketNumber, Path(description="The number, in any case, with or without its hyphen")],
    account_id: Annotated[
        AccountId | None, Query(description="With support keys: needed where several accounts have this number")
    ] = None,
) -> Response:
    """The ticket that a person means by the number they say on the phone: the same answer as by its id."""
    async with transaction(state.sessions) as session:
        document = await queries.numbered_document(session, principal, number, account_id)
    return reply(document, headers=etag(document["version"]))


@router.patch(
    "/v1/tickets/{ticket_id}",
    scope="tickets:write",
    response_model=TicketView,
    summary="Change what a ticket says",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=patch_body(ChangeTicket, {"impact": "large", "tags": ["backup"]}) | IF_MATCH,
)
async def update_ticket(on_ticket: OnTicketDep, patch: PatchDep) -> Response:
    """A JSON Merge Patch (RFC 7396). Priority, status and assignee have operations of their own."""
    return await on_ticket(lifecycle.change_ticket, patch)


@router.post(
    "/v1/tickets/{ticket_id}/messages",
    scope="tickets:write",
    status_code=201,
    response_model=MessageView,
    summary="Post a message",
    responses=ACTIONS | examples.shown(examples.MESSAGE, 201),
    openapi_extra=ACTION_HEADERS,
)
async def create_message(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    command: Annotated[PostMessage, Body(examples=[{"body": "We are on it."}])],
) -> Response:
    """Reply to a ticket, or add an internal note. A public message of an engineer stops the reply clocks."""

    async def work(session: AsyncSession) -> Answer:
        _, message = await lifecycle.post_message(session, caller_of(request, principal), ticket_id, command)
        return Answer(message_view(message), 201)

    return await once(request, state, principal, work, may=lambda session: editor(session, principal, command.actor))


@router.get(
    "/v1/tickets/{ticket_id}/messages",
    scope="tickets:read",
    response_model=Listing[MessageView],
    summary="List a ticket's messages",
    responses=responses(NotFound) | examples.shown(examples.page_of(examples.MESSAGE)),
)
async def list_messages(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, ticket_id: TicketPath
) -> Response:
    """Oldest first; internal notes are for support only."""
    async with transaction(state.sessions) as session:
        rows = await queries.list_messages(session, principal, ticket_id, page)
    return listing(request, page, rows, place=lambda row: (row["sequence"],), document=message_view)


@router.get(
    "/v1/tickets/{ticket_id}/timeline",
    scope="tickets:read",
    response_model=Listing[EventView],
    summary="Read a ticket's history",
    responses=responses(NotFound) | examples.shown(examples.page_of(examples.EVENT)),
)
async def read_timeline(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, ticket_id: TicketPath
) -> Response:
    """All events of the ticket by `sequence`; customers see the public ones."""
    async with transaction(state.sessions) as session:
        rows = await queries.list_events(session, principal, ticket_id, page)
    return listing(request, page, rows, place=lambda row: (row["sequence"],), document=envelope)


@router.get(
    "/v1/tickets/{ticket_id}/deadlines",
    scope="tickets:read",
    response_model=Listing[DeadlineView],
    summary="List all deadlines of a ticket",
    responses=responses(NotFound) | examples.shown(examples.page_of(examples.DEADLINE)),
)
async def list_deadlines(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, ticket_id: TicketPath
) -> Response:
    """Every cycle of every metric, in the order in which they started."""
    async with transaction(state.sessions) as session:
        sandbox, rows = await queries.list_deadlines(session, principal, ticket_id, page)
    return listing(
        request,
        page,
        rows,
        place=queries.deadline_place,
        document=lambda row: deadline_view(row, sandbox=sandbox),
    )


@router.get(
    "/v1/statuses",
    scope="tickets:read",
    response_model=StatusTable,
    summary="Which status can follow which",
    responses=responses() | examples.shown({"items": status_table()}),
)
async def list_statuses(_principal: PrincipalDep) -> Response:
    """The table of statuses: what support and customers can make of each."""
    return reply({"items": status_table()})
