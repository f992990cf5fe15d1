"""The ticket operations over HTTP: each reads its input, runs one use case, and answers."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Body, Depends, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import acting, require_editor
from app.core.auth import Principal
from app.core.db import transaction
from app.core.deps import PrincipalDep
from app.core.http import IF_MATCH, Router, check_if_match, etag, reply, responses
from app.core.idempotency import IDEMPOTENT, Answer, once
from app.core.merge_patch import PatchDep, patch_body
from app.core.paging import PageDep, listing
from app.core.problems import (
    Conflict,
    Fault,
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    PreconditionFailed,
    RequestInFlight,
)
from app.core.schemas import Listing
from app.core.state import State, StateDep
from app.events.envelope import envelope
from app.events.examples import ENGINEER
from app.events.schemas import EventView
from app.tickets import examples, lifecycle, queries
from app.tickets.intake import open_ticket
from app.tickets.rules import status_table
from app.tickets.schemas import (
    Assign,
    ChangeTicket,
    DeadlineView,
    MessageView,
    OpenTicket,
    PostMessage,
    SetPriority,
    SetStatus,
    StatusTable,
    TicketId,
    TicketView,
)
from app.tickets.views import deadline_view, message_view, ticket_view
from app.tickets.work import Work

router = Router(tags=["Tickets"])

TicketPath = Annotated[TicketId, Path(description="The ticket's id")]
ACTIONS: Final = responses(Forbidden, NotFound, Conflict, PreconditionFailed, RequestInFlight, IdempotencyMismatch)
ACTION_HEADERS: Final = {"parameters": [*IDEMPOTENT["parameters"], *IF_MATCH["parameters"]]}
Action = Callable[[AsyncSession, lifecycle.Caller], Awaitable[Work]]


async def act(request: Request, state: State, principal: Principal, action: Action) -> Response:
    """Run an action on a ticket and answer with the ticket: once for an Idempotency-Key, 412 for a stale If-Match."""

    async def work(session: AsyncSession) -> Answer:
        done = await action(session, caller_of(request, principal))
        document = await queries.ticket_document(session, principal, done.ticket.id)
        return Answer(document, 200, etag(done.ticket.version))

    return await once(request, state, principal, work)


def caller_of(request: Request, principal: Principal) -> lifecycle.Caller:
    """The caller, with the version check that the request asks for."""
    return lifecycle.Caller(principal, lambda version: check_if_match(request, version))


@router.post(
    "/v1/tickets",
    status_code=201,
    response_model=TicketView,
    summary="Open a ticket",
    responses=responses(Forbidden, NotFound, Conflict, RequestInFlight, IdempotencyMismatch)
    | examples.shown(examples.TICKET, 201),
    openapi_extra=IDEMPOTENT,
)
async def create_ticket(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    command: Annotated[OpenTicket, Body(examples=[examples.OPEN_P1])],
) -> Response:
    """Open a ticket: its clocks start, and at the plan's call priorities a live call is asked for."""
    account_id = _account_of(principal, command)

    async def work(session: AsyncSession) -> Answer:
        who = await acting(session, principal, command.actor)
        require_editor(who)
        opened = await open_ticket(session, command, account_id=account_id, acting=who)
        ticket = opened.ticket
        deadlines = [_deadline_columns(deadline) for deadline in opened.clock.deadlines]
        view = ticket_view(ticket.row(), deadlines, next(iter(opened.calls), None), principal)
        return Answer(view, 201, etag(ticket.version) | {"Location": f"/v1/tickets/{ticket.id}"})

    return await once(request, state, principal, work)


def _deadline_columns(deadline: Any) -> dict[str, Any]:
    names = DeadlineView.model_fields.keys() - {"lag_ms"}
    return {name: getattr(deadline, name) for name in names}


def _account_of(principal: Principal, command: OpenTicket) -> str:
    """The account that the ticket is for: the key's own, or the one that a support key names."""
    account_id = command.account_id or principal.account_id
    if account_id is None:
        fault = Fault(pointer="/account_id", detail="An admin's or agent's key names the account")
        raise Invalid(errors=[fault])
    if not principal.sees(account_id):
        raise NotFound
    return account_id


@router.get(
    "/v1/tickets",
    response_model=Listing[TicketView],
    summary="List tickets",
    responses=responses(NotFound) | examples.shown(examples.page_of(examples.TICKET)),
)
async def list_tickets(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    wanted: Annotated[queries.TicketFilter, Depends()],
) -> Response:
    """Tickets that the caller sees: newest first, or by what support owes next (`sort=due`)."""
    async with transaction(state.sessions) as session:
        rows = await queries.list_tickets(session, principal, wanted, page)
    return listing(request, page, rows, place=lambda row: row[0], document=lambda row: row[1])


@router.get(
    "/v1/tickets/{ticket_id}",
    response_model=TicketView,
    summary="Read a ticket",
    responses=responses(NotFound) | examples.shown(examples.TICKET),
)
async def read_ticket(state: StateDep, principal: PrincipalDep, ticket_id: TicketPath) -> Response:
    """The ticket with its current deadlines and its call."""
    async with transaction(state.sessions) as session:
        document = await queries.ticket_document(session, principal, ticket_id)
    return reply(document, headers=etag(document["version"]))


@router.patch(
    "/v1/tickets/{ticket_id}",
    response_model=TicketView,
    summary="Change what a ticket says",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=patch_body(ChangeTicket, {"impact": "large", "tags": ["backup"]}) | IF_MATCH,
)
async def update_ticket(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    patch: PatchDep,
) -> Response:
    """A JSON Merge Patch (RFC 7396). Priority, status and assignee have operations of their own."""
    return await act(request, state, principal, lambda s, c: lifecycle.change_ticket(s, c, ticket_id, patch))


@router.post(
    "/v1/tickets/{ticket_id}/messages",
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

    return await once(request, state, principal, work)


@router.get(
    "/v1/tickets/{ticket_id}/messages",
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
    return listing(request, page, rows, place=lambda row: (row["id"],), document=message_view)


@router.post(
    "/v1/tickets/{ticket_id}/status",
    response_model=TicketView,
    summary="Set the status",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=ACTION_HEADERS,
)
async def set_ticket_status(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    command: Annotated[SetStatus, Body(examples=[{"status": "resolved", "message": "The lock is gone."}])],
) -> Response:
    """By the table at `/v1/statuses`. An engineer resolves with a public message."""
    return await act(request, state, principal, lambda s, c: lifecycle.set_status(s, c, ticket_id, command))


@router.post(
    "/v1/tickets/{ticket_id}/priority",
    response_model=TicketView,
    summary="Set the priority",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=ACTION_HEADERS,
)
async def set_ticket_priority(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    command: Annotated[
        SetPriority,
        Body(examples=[{"priority": "P1", "reason": "Now all shops are hit", "business_impact": "No sales"}]),
    ],
) -> Response:
    """Override the priority. Customers do so as far as their plan lets them; the clocks move by rule C11."""
    return await act(request, state, principal, lambda s, c: lifecycle.set_priority(s, c, ticket_id, command))


@router.post(
    "/v1/tickets/{ticket_id}/assign",
    response_model=TicketView,
    summary="Assign a ticket",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=ACTION_HEADERS,
)
async def assign_ticket(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    command: Annotated[Assign, Body(examples=[{"engineer_id": ENGINEER}])],
) -> Response:
    """Give the ticket to an engineer (null: to nobody), move it to another tier, or both. Support only."""
    return await act(request, state, principal, lambda s, c: lifecycle.assign(s, c, ticket_id, command))


@router.get(
    "/v1/tickets/{ticket_id}/timeline",
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
    response_model=Listing[DeadlineView],
    summary="List all deadlines of a ticket",
    responses=responses(NotFound) | examples.shown(examples.page_of(examples.DEADLINE)),
)
async def list_deadlines(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, ticket_id: TicketPath
) -> Response:
    """Every cycle of every metric, in the order in which they were made."""
    async with transaction(state.sessions) as session:
        sandbox, rows = await queries.list_deadlines(session, principal, ticket_id, page)
    return listing(
        request,
        page,
        rows,
        place=lambda row: (row["id"],),
        document=lambda row: deadline_view(row, sandbox=sandbox),
    )


@router.get(
    "/v1/statuses",
    response_model=StatusTable,
    summary="Which status can follow which",
    responses=responses() | examples.shown({"items": status_table()}),
)
async def list_statuses(_principal: PrincipalDep) -> Response:
    """The table of statuses: what support and customers can make of each."""
    return reply({"items": status_table()})
