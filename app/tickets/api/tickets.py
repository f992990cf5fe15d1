"""The ticket operations over HTTP: each reads its input, runs one use case, and answers."""

from functools import partial
from typing import Annotated, Final, Literal

from fastapi import Body, Depends, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting, as_editor
from app.accounts.reading import ReaderDep
from app.accounts.schemas import AccountId
from app.core.problems import Conflict, NotFound, QuotaExceeded
from app.core.web.kit.idempotency import Answer, keeping_of
from app.core.web.kit.merge_patch import PatchDep
from app.core.web.kit.operations import CallDep, Document, OnceCall, ResourceRouter, account_of
from app.core.web.kit.paging import PageDep, as_written, written
from app.core.web.kit.queries import Filled
from app.core.web.kit.visits import EVERYBODY, FOLLOWERS, OPENERS, PERSONS
from app.core.web.replies import etag, reply, reply_text
from app.events.envelope_sql import current
from app.events.log import record_last
from app.events.schemas import Event
from app.tickets.api import examples
from app.tickets.api.kit import TicketPath, act_on_ticket, caller_of, count_reopening, count_unknown, may_write
from app.tickets.api.suggesting import with_suggestions
from app.tickets.editing.edit import TicketEdit
from app.tickets.link_schemas import OpenedTicket
from app.tickets.numbers import TicketNumber
from app.tickets.read import queries, statements
from app.tickets.read.listing import list_tickets as page_of_tickets
from app.tickets.read.views import DEADLINE, deadline_view, localizer, message_view, ticket_view
from app.tickets.read.ways import TicketFilter
from app.tickets.rules import status_table
from app.tickets.schemas import (
    Deadline,
    Message,
    NewMessage,
    NewTicket,
    Ticket,
    TicketPatch,
)
from app.tickets.status_schemas import StatusTable
from app.tickets.usecases import fields, message
from app.tickets.usecases.open import open_ticket
from app.tickets.usecases.people.guests import Guest, as_visitor
from app.tickets.usecases.tags import OF_VISITORS, take_tags

router = ResourceRouter("tickets", prefix="/v1", tags=["Tickets"])
_COLUMNS: Final = (*DEADLINE, "subject")


@router.create(
    "/tickets",
    OpenedTicket,
    summary="Create a ticket",
    problems=[NotFound, Conflict, QuotaExceeded],
    example=examples.TICKET,
    headers=["Location"],
    visitors=OPENERS,
)
async def create_ticket(
    call: OnceCall,
    command: Annotated[NewTicket, Body(examples=[examples.OPEN_P1])],
    include: Annotated[Literal["suggestions"] | None, Query(description="Answer what may solve it, too")] = None,
) -> Response:
    """Open a ticket: its clocks start, and at the plan's call priorities a live call is requested.

    A visitor of the help widget who shows an identity token is its requester. A guest gets the plan's default priority,
    whatever they ask for, and in `access` what opens the ticket for them. Their Idempotency-Key cannot be guessed: it
    has at least 32 characters, as a UUID has.
    """
    account_id, quota = account_of(call.principal, command.account_id), call.state.limits.tickets
    command = as_visitor(command, call.principal)
    key = call.request.headers.get("idempotency-key")
    guest = Guest.of(call.principal, command, call.state.limits.guests, key)
    # What support opens for a customer is not the customer's doing, and neither is what a guest opens.
    counted = call.principal.account_id is not None and guest is None

    def shown(opened: TicketEdit) -> Answer:
        ticket = opened.ticket
        deadlines = [{name: getattr(deadline, name) for name in _COLUMNS} for deadline in opened.clock.deadlines]
        view = ticket_view(ticket.row(), deadlines, next(iter(opened.calls), None), call.principal)
        headers = etag(ticket.version) | {"Location": f"/v1/tickets/{ticket.id}"}
        return Answer(view | (guest.access if guest else {}), 201, headers)

    async def work(session: AsyncSession, who: Acting) -> Answer:
        if counted:
            call.state.limits.visitors.require(call.principal)
            quota.require(account_id)
        share = OF_VISITORS if call.principal.visitor else 1
        await take_tags(session, call.state.settings, account_id, command.tags, share=share)
        if guest:
            await guest.prepare(session)
        keeping = keeping_of(session)
        opened = await open_ticket(
            session,
            command,
            account_id=account_id,
            acting=who,
            beside=lambda opened: keeping.beside(shown(opened)),
        )
        if counted:
            call.state.limits.visitors.take(call.principal)
            quota.take(account_id)
        if guest:
            await guest.follow(session, opened.ticket)
        return keeping.answer

    answer = await call.once_as(as_editor(call.principal, command.actor), work)
    if guest and guest.is_suppressed:
        call.state.metrics.notices.labels("suppressed").inc()
    return await with_suggestions(call, answer, command) if include else answer


@router.list("/tickets", Ticket, summary="List tickets", problems=[NotFound], example=examples.TICKET, visitors=PERSONS)
async def list_tickets(
    reader: ReaderDep, page: PageDep, wanted: Annotated[TicketFilter, Depends(Filled(TicketFilter))]
) -> Response:
    """Tickets that the caller sees: newest first, or by what support owes next (`sort=due`)."""
    found = await page_of_tickets(reader, wanted, page)
    return as_written(reader.request, page, found, localizer(reader.language()))


@router.show("/tickets/{ticket_id}", Ticket, summary="Get a ticket", example=examples.TICKET, visitors=FOLLOWERS)
async def get_ticket(reader: ReaderDep, ticket_id: TicketPath) -> Response:
    """The ticket with its current deadlines and its call."""
    found = await reader.read(partial(statements.ticket, ticket_id=ticket_id))
    if found["body"] is None:
        raise NotFound
    return reply_text(localizer(reader.language())(found["body"]), headers=etag(found["version"]))


@router.show("/tickets/by-number/{number}", Ticket, summary="Get a ticket by its number", example=examples.TICKET)
async def get_ticket_by_number(
    call: CallDep,
    number: Annotated[TicketNumber, Path(description="The number, in any case, with or without its hyphen")],
    account_id: Annotated[
        AccountId | None, Query(description="With support keys: needed where several accounts have this number")
    ] = None,
) -> Response:
    """The ticket that a person means by the number they say on the phone: the same answer as by its id."""
    query = partial(queries.numbered_document, principal=call.principal, number=number, account_id=account_id)
    return await call.read(query)


@router.update(
    "/tickets/{ticket_id}",
    Ticket,
    TicketPatch,
    {"impact": "large", "tags": ["backup"]},
    summary="Update a ticket",
    problems=[Conflict, QuotaExceeded],
    repeatable=True,
    example=examples.TICKET,
)
async def update_ticket(call: OnceCall, ticket_id: TicketPath, patch: PatchDep) -> Response:
    """A JSON Merge Patch (RFC 7396). Priority, status and assignee have operations of their own."""
    return await act_on_ticket(call, partial(fields.update_ticket, settings=call.state.settings), ticket_id, patch)


@router.create(
    "/tickets/{ticket_id}/messages",
    Message,
    summary="Create a message",
    problems=[Conflict],
    if_match=True,
    example=examples.MESSAGE,
    visitors=FOLLOWERS,
)
async def create_message(
    call: OnceCall,
    ticket_id: TicketPath,
    command: Annotated[NewMessage, Body(examples=[{"body": "We are on it."}])],
) -> Response:
    """Reply to a ticket, or add an internal note. A public message of an engineer stops the reply clocks."""

    async def post(session: AsyncSession) -> Document:
        count_unknown(call)
        record_last(session)
        edit, posted = await message.post_message(session, caller_of(call), ticket_id, command)
        count_reopening(call, edit)
        return message_view(posted, internal=call.principal.is_support)

    return await call.once(post, may=may_write(call, command))


@router.list(
    "/tickets/{ticket_id}/messages",
    Message,
    summary="List a ticket's messages",
    example=examples.MESSAGE,
    visitors=FOLLOWERS,
)
async def list_messages(call: CallDep, page: PageDep, ticket_id: TicketPath) -> Response:
    """Oldest first; internal notes are for support only."""
    query = partial(queries.list_messages, principal=call.principal, ticket_id=ticket_id, page=page)
    view = partial(message_view, internal=call.principal.is_support)
    return await call.page(page, query, place=lambda row: (row["sequence"],), document=view)


@router.list(
    "/tickets/{ticket_id}/timeline",
    Event,
    summary="List a ticket's events",
    example=examples.EVENT,
    visitors=FOLLOWERS,
)
async def list_ticket_events(reader: ReaderDep, page: PageDep, ticket_id: TicketPath) -> Response:
    """All events of the ticket by `sequence`; customers see the public ones."""
    found = await reader.read(partial(statements.timeline, ticket_id=ticket_id, page=page))
    if found["ticket_id"] is None:
        raise NotFound
    return written(reader.request, page, found, partial(current, internal=reader.principal.is_support))


@router.list(
    "/tickets/{ticket_id}/deadlines",
    Deadline,
    summary="List a ticket's deadlines",
    example=examples.DEADLINE,
    visitors=FOLLOWERS,
)
async def list_deadlines(call: CallDep, page: PageDep, ticket_id: TicketPath) -> Response:
    """Every cycle of every metric, in the order in which they started."""
    query = partial(queries.list_deadlines, principal=call.principal, ticket_id=ticket_id, page=page)
    return await call.page(
        page, query, place=queries.deadline_place, document=lambda row: deadline_view(row, sandbox=row["sandbox"])
    )


@router.show("/statuses", StatusTable, summary="List statuses", example={"items": status_table()}, visitors=EVERYBODY)
async def list_statuses(_: CallDep) -> Response:
    """The table of statuses: to which ones support and customers can change each of them.

    A ticket that waits for its customer becomes `open` by the customer's next public message or escalation.
    """
    return reply({"items": status_table()})
