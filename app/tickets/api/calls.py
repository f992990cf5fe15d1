"""The live call, and escalations of a ticket, over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

from fastapi import Body, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.web.kit.operations import CallDep, Document, ResourceRouter
from app.core.web.kit.visits import CUSTOMERS, FOLLOWERS
from app.tickets.api import examples
from app.tickets.api.kit import OnTicket, TicketPath, act_on_ticket, action
from app.tickets.editing import calls
from app.tickets.editing.edit import TicketEdit
from app.tickets.read import queries
from app.tickets.read.views import call_view
from app.tickets.schemas import ActingPerson, CallParticipation, CallRefusal, TicketCalls
from app.tickets.usecases.caller import Caller, finish, start

router = ResourceRouter("tickets", tags=["Tickets"])
Told = TypeVar("Told", ActingPerson, CallParticipation, CallRefusal)


def _use_case(change: Callable[[AsyncSession, TicketEdit, Actor, Told], Awaitable[None]]) -> OnTicket[Told]:
    """A use case of the ticket from a change of its call."""

    async def use_case(session: AsyncSession, caller: Caller, ticket_id: str, told: Told) -> TicketEdit:
        edit, who = await start(session, caller, ticket_id, told.actor)
        await change(session, edit, who, told)
        return await finish(session, edit)

    return use_case


_ASK: Final[OnTicket[ActingPerson]] = _use_case(lambda s, edit, who, _: calls.request(s, edit, who))
_JOIN: Final[OnTicket[CallParticipation]] = _use_case(
    lambda s, edit, who, told: calls.join(s, edit, who, told.participant)
)
_DECLINE: Final[OnTicket[CallRefusal]] = _use_case(lambda s, edit, who, told: calls.decline(s, edit, who, told.reason))
_END: Final[OnTicket[ActingPerson]] = _use_case(lambda s, edit, who, _: calls.end(s, edit, who))


@router.show(
    "/v1/tickets/{ticket_id}/call",
    TicketCalls,
    summary="Get a ticket's call",
    visitors=FOLLOWERS,
    example={"call": examples.CALL, "earlier": []},
)
async def get_call(call: CallDep, ticket_id: TicketPath) -> Response:
    """The active call (or the last one), and the earlier ones."""

    async def read(session: AsyncSession) -> Document:
        views = [call_view(row) for row in await queries.list_calls(session, call.principal, ticket_id)]
        return {"call": views[0] if views else None, "earlier": views[1:]}

    return await call.read(read)


@action(router, "call", "Request a call")
async def request_call(
    call: CallDep, ticket_id: TicketPath, command: Annotated[ActingPerson, Body(examples=[{}])]
) -> Response:
    """Start a new call, unless one is active. The customer's own link is used where there is one."""
    return await act_on_ticket(call, _ASK, ticket_id, command)


@action(router, "call/join", "Join the call", CUSTOMERS)
async def join_call(
    call: CallDep,
    ticket_id: TicketPath,
    command: Annotated[CallParticipation, Body(examples=[{"participant": "customer"}])],
) -> Response:
    """Report that somebody is in the call. The customer is expected by `join_by`."""
    return await act_on_ticket(call, _JOIN, ticket_id, command)


@action(router, "call/decline", "Decline the call", CUSTOMERS)
async def decline_call(
    call: CallDep,
    ticket_id: TicketPath,
    command: Annotated[CallRefusal, Body(examples=[{"reason": "Our network is down, call our desk instead"}])],
) -> Response:
    """The customer will not join the call, and says why."""
    return await act_on_ticket(call, _DECLINE, ticket_id, command)


@action(router, "call/end", "End the call")
async def end_call(
    call: CallDep, ticket_id: TicketPath, command: Annotated[ActingPerson, Body(examples=[{}])]
) -> Response:
    """The call is over; the ticket goes on."""
    return await act_on_ticket(call, _END, ticket_id, command)
