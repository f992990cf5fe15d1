"""What people do with a ticket, over HTTP: each reads its input, runs one use case, and answers with the ticket."""

from typing import Annotated

from fastapi import Body, Request, Response

from app.core.deps import PrincipalDep
from app.core.http import Router
from app.core.state import StateDep
from app.events.examples import ENGINEER
from app.tickets import examples, lifecycle
from app.tickets.actions import ACTION_HEADERS, ACTIONS, TicketPath, act
from app.tickets.schemas import Assign, SetPriority, SetStatus, TicketView

router = Router(tags=["Tickets"])


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
