"""What people do with a ticket, over HTTP: each reads its input, runs one use case, and answers with the ticket."""

from typing import Annotated

from fastapi import Body, Response

from app.core.web.operations import CallDep, ResourceRouter
from app.events.examples import ENGINEER, OTHER_TICKET
from app.tickets.api.kit import TicketPath, act_on_ticket, action
from app.tickets.schemas import Assign, LockRegion, Merge, Reopen, Review, SetPriority, SetStatus, Withdraw
from app.tickets.usecases import endings, lifecycle

router = ResourceRouter("tickets", tags=["Tickets"])


@action(router, "status", "Set the status")
async def set_ticket_status(
    call: CallDep,
    ticket_id: TicketPath,
    command: Annotated[SetStatus, Body(examples=[{"status": "resolved", "message": "The lock is gone."}])],
) -> Response:
    """By the table at `/v1/statuses`. An engineer resolves with a public message."""
    return await act_on_ticket(call, lifecycle.set_status, ticket_id, command)


@action(router, "priority", "Set the priority")
async def set_ticket_priority(
    call: CallDep,
    ticket_id: TicketPath,
    command: Annotated[
        SetPriority,
        Body(examples=[{"priority": "P1", "reason": "Now all shops are hit", "business_impact": "No sales"}]),
    ],
) -> Response:
    """Override the priority. Customers do so as far as their plan lets them, and the clocks move with it."""
    return await act_on_ticket(call, lifecycle.set_priority, ticket_id, command)


@action(router, "assign", "Assign a ticket")
async def assign_ticket(
    call: CallDep, ticket_id: TicketPath, command: Annotated[Assign, Body(examples=[{"engineer_id": ENGINEER}])]
) -> Response:
    """Give the ticket to an engineer (null: to nobody), move it to another tier, or both. Support only."""
    return await act_on_ticket(call, lifecycle.assign, ticket_id, command)


@action(router, "review", "Decide about a priority under review")
async def review_ticket(
    call: CallDep,
    ticket_id: TicketPath,
    command: Annotated[Review, Body(examples=[{"message": "Thank you, it stays urgent."}])],
) -> Response:
    """For a ticket whose priority is under review: it stays, or becomes `priority`. Support only."""
    return await act_on_ticket(call, lifecycle.review_priority, ticket_id, command)


@action(router, "region-lock", "Lock a ticket to a region")
async def lock_ticket_to_region(
    call: CallDep, ticket_id: TicketPath, command: Annotated[LockRegion, Body(examples=[{"region": "emea"}])]
) -> Response:
    """Only this region's experts work on it; null: it follows the sun again, from region to region."""
    return await act_on_ticket(call, lifecycle.lock_to_region, ticket_id, command)


@action(router, "reopen", "Reopen a ticket")
async def reopen_ticket(
    call: CallDep, ticket_id: TicketPath, command: Annotated[Reopen, Body(examples=[{"message": "It fails again."}])]
) -> Response:
    """A resolved ticket is open again, and its clocks start anew. A closed one cannot be reopened: 409."""
    return await act_on_ticket(call, endings.reopen, ticket_id, command)


@action(router, "withdraw", "Withdraw a ticket")
async def withdraw_ticket(
    call: CallDep, ticket_id: TicketPath, command: Annotated[Withdraw, Body(examples=[{"reason": "It works again"}])]
) -> Response:
    """The ticket needs no answer any more: it is closed, and its running clocks are cancelled."""
    return await act_on_ticket(call, endings.withdraw, ticket_id, command)


@action(router, "merge", "Merge a ticket into another one")
async def merge_ticket(
    call: CallDep, ticket_id: TicketPath, command: Annotated[Merge, Body(examples=[{"into": OTHER_TICKET}])]
) -> Response:
    """The ticket is closed, and `merged_into` tells where it goes on: a ticket of the same account. Support only."""
    return await act_on_ticket(call, endings.merge, ticket_id, command)
