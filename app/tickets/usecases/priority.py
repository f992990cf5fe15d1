"""Somebody sets a ticket's priority, or decides about the review of one."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import Conflict, Forbidden, Invalid
from app.core.text.messages import _
from app.core.web.kit.deps import require_support
from app.plans.document.naming import plan_name
from app.sla.clock.cycles import ENDED_STATUSES
from app.tickets.editing import review
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.editing.priorities import MAX_TURNS, give_priority
from app.tickets.rules import customer_may_set, priority_faults, status_name
from app.tickets.schemas import (
    NewMessage,
    PriorityChange,
    PriorityReview,
    ReviewRequest,
)
from app.tickets.usecases.caller import Caller, finish, start


async def set_priority(session: AsyncSession, caller: Caller, ticket_id: str, command: PriorityChange) -> TicketEdit:
    """Override the priority, as far as the plan lets a customer (Z2); a raise may need texts (G1) and gets a call."""
    edit, actor = await start(session, caller, ticket_id, command.actor)
    ticket, document = edit.ticket, edit.document
    if ticket.status in ("resolved", "closed"):
        raise Conflict(_("The priority of a ticket that is {status} cannot change", status=status_name(ticket.status)))
    if faults := priority_faults(document, command.priority):
        raise Invalid(errors=faults)
    if command.priority == ticket.priority:
        return await finish(session, edit)
    if actor.kind == "customer" and not customer_may_set(document, ticket.priority, command.priority):
        raise Forbidden(
            _("The plan {key} does not let a customer set this priority: escalate instead", key=plan_name(document))
        )
    if actor.kind == "customer" and edit.clock.turns >= MAX_TURNS:
        raise Conflict(
            _("The ticket's priority has been changed as often as its customer may: ask support to change it")
        )
    ticket.business_impact = command.business_impact or ticket.business_impact
    await give_priority(session, edit, actor, command.priority, command.reason, source="override")
    return await finish(session, edit)


async def request_review(session: AsyncSession, caller: Caller, ticket_id: str, command: ReviewRequest) -> TicketEdit:
    """Support puts the priority up for review (G9) and asks the customer, in words of its own or in ours.

    One that is under review stays so until support decides: it is neither told nor asked in our words again. 409 for a
    ticket that is resolved or closed.
    """
    edit, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    ticket = edit.ticket
    if ticket.status in ENDED_STATUSES:
        raise Conflict(_("The priority of a ticket that is {status} cannot change", status=status_name(ticket.status)))
    asked = ticket.review_requested
    if not asked or ticket.review_reason != review.ENGINEER:
        review.put_up(edit, review.ENGINEER, actor, edit.now)
    if command.message is not None:
        add_message(edit, actor, actor.document(), NewMessage(body=command.message))
    elif not asked:
        review.ask(edit, review.ENGINEER, edit.now)
    return await finish(session, edit)


async def review_priority(session: AsyncSession, caller: Caller, ticket_id: str, command: PriorityReview) -> TicketEdit:
    """Support decides about a ticket whose priority was put up for review: it stays, or is lowered (G9)."""
    edit, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    review.confirm(edit, actor)
    if command.message is not None:
        add_message(edit, actor, actor.document(), NewMessage(body=command.message))
    if command.priority is not None:
        await give_priority(session, edit, actor, command.priority, command.message or "review", source="override")
    return await finish(session, edit)
