"""What people do with a ticket, over HTTP: each reads its input, runs one use case, and answers with the ticket."""

from typing import Annotated

from fastapi import Body, Response

from app.core.web.kit.operations import OnceCall, ResourceRouter
from app.core.web.kit.visits import CUSTOMERS, FOLLOWERS
from app.events.example_data import ENGINEER, OTHER_TICKET
from app.tickets.api.kit import TicketPath, act_on_ticket, action
from app.tickets.schemas import (
    Assignment,
    PriorityChange,
    PriorityReview,
    RegionLock,
    Reopening,
    ReviewRequest,
    StatusChange,
    TicketMerge,
    Withdrawal,
)
from app.tickets.usecases import assignment, endings, fields, priority, status

router = ResourceRouter("tickets", tags=["Tickets"])


@action(router, "status", "Set a ticket's status", FOLLOWERS)
async def set_ticket_status(
    call: OnceCall,
    ticket_id: TicketPath,
    command: Annotated[StatusChange, Body(examples=[{"status": "resolved", "message": "The lock is gone."}])],
) -> Response:
    """The table at `/v1/statuses` says what can be set. An engineer resolves a ticket with a public message."""
    return await act_on_ticket(call, status.set_status, ticket_id, command)


@action(router, "priority", "Set a ticket's priority", CUSTOMERS)
async def set_ticket_priority(
    call: OnceCall,
    ticket_id: TicketPath,
    command: Annotated[
        PriorityChange,
        Body(examples=[{"priority": "P1", "reason": "Now all shops are hit", "business_impact": "No sales"}]),
    ],
) -> Response:
    """Override the priority. Customers do so as far as their plan lets them, and the clocks move with it."""
    return await act_on_ticket(call, priority.set_priority, ticket_id, command)


@action(router, "assign", "Assign a ticket")
async def assign_ticket(
    call: OnceCall, ticket_id: TicketPath, command: Annotated[Assignment, Body(examples=[{"engineer_id": ENGINEER}])]
) -> Response:
    """Give the ticket to an engineer (null: to nobody), move it to another tier, or both. Support only."""
    return await act_on_ticket(call, assignment.assign, ticket_id, command)


@action(router, "review", "Review a ticket's priority")
async def review_ticket(
    call: OnceCall,
    ticket_id: TicketPath,
    command: Annotated[PriorityReview, Body(examples=[{"message": "Thank you, it stays urgent."}])],
) -> Response:
    """For a ticket whose priority is under review: it stays, or becomes `priority`. Support only."""
    return await act_on_ticket(call, priority.review_priority, ticket_id, command)


@action(router, "review/request", "Request a review of a ticket's priority")
async def request_ticket_review(
    call: OnceCall,
    ticket_id: TicketPath,
    command: Annotated[ReviewRequest, Body(examples=[{"message": "How many of your shops are affected?"}])],
) -> Response:
    """The customer is asked, by a public message, and the clocks run on until the review is decided. Support only."""
    return await act_on_ticket(call, priority.request_review, ticket_id, command)


@action(router, "region-lock", "Lock a ticket to a region")
async def lock_ticket_to_region(
    call: OnceCall, ticket_id: TicketPath, command: Annotated[RegionLock, Body(examples=[{"region": "emea"}])]
) -> Response:
    """Only this region's experts work on it; null: it follows the sun again, from region to region.

    In the place of a region, a time zone: then it is the region whose shifts have most in common with 09:00 to 17:00
    there.
    """
    return await act_on_ticket(call, fields.lock_to_region, ticket_id, command)


@action(router, "reopen", "Reopen a ticket", FOLLOWERS)
async def reopen_ticket(
    call: OnceCall,
    ticket_id: TicketPath,
    command: Annotated[Reopening, Body(examples=[{"message": "It fails again."}])],
) -> Response:
    """A resolved ticket is open again, and its clocks restart. A closed ticket cannot be reopened (409)."""
    return await act_on_ticket(call, endings.reopen, ticket_id, command)


@action(router, "withdraw", "Withdraw a ticket", FOLLOWERS)
async def withdraw_ticket(
    call: OnceCall, ticket_id: TicketPath, command: Annotated[Withdrawal, Body(examples=[{"reason": "It works again"}])]
) -> Response:
    """For a ticket that needs no answer any more: it is closed, and its running clocks are cancelled."""
    return await act_on_ticket(call, endings.withdraw, ticket_id, command)


@action(router, "merge", "Merge a ticket into another one")
async def merge_ticket(
    call: OnceCall, ticket_id: TicketPath, command: Annotated[TicketMerge, Body(examples=[{"into": OTHER_TICKET}])]
) -> Response:
    """The ticket is closed, and `merged_into` names the ticket of the same account that continues it. Support only."""
    return await act_on_ticket(call, endings.merge, ticket_id, command)
