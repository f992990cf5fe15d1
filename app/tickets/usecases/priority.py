"""Somebody sets a ticket's priority, or decides about the review of one."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.problems import Conflict, Forbidden, Invalid
from app.core.text.messages import _
from app.core.web.kit.deps import require_support
from app.plans.document.naming import plan_name
from app.sla.clock.changes import Priority
from app.sla.clock.cycles import ENDED_STATUSES
from app.tickets.editing import calls, review
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.rules import (
    customer_may_set,
    follows_matrix,
    is_automatic,
    missing_texts,
    priority_faults,
    status_name,
)
from app.tickets.schemas import (
    NewMessage,
    PriorityChange,
    PriorityReview,
    ReviewRequest,
)
from app.tickets.usecases.caller import Caller, finish, start

MAX_TURNS: Final = 500
"""After so many moves of a deadline its customer changes the priority no more: support does, as often as it has to."""


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


async def give_priority(
    session: AsyncSession, edit: TicketEdit, actor: Actor, priority: str, reason: str, *, source: str
) -> None:
    """Set another priority, with a call where the plan wants one.

    422 without the texts that it asks for (G1), which an alert need not bring.
    """
    ticket = edit.ticket
    if faults := priority_faults(edit.document, priority):
        raise Invalid(errors=faults)
    if priority == ticket.priority:
        return
    texts = {"business_impact": ticket.business_impact, "priority_reason": reason}
    automatic = is_automatic(ticket.channel, actor.kind)
    if faults := [] if automatic else missing_texts(edit.document, priority, texts):
        raise Invalid(errors=faults)
    ticket.priority_reason = reason
    await _change(session, edit, actor, priority, reason, source)


async def _change(
    session: AsyncSession, edit: TicketEdit, actor: Actor, priority: str, reason: str, source: str
) -> None:
    edit.ticket.priority_source, edit.reason = source, reason
    if source != "matrix" and actor.kind == "engineer":
        edit.ticket.assessed_priority = priority
    change_clock(edit, Priority(edit.now, priority, actor.kind), actor)
    if calls.wanted(edit) and await calls.active(session, edit) is None:
        await calls.ask_with_account(session, edit, actor)
    review.request_if_due(edit, decided=True)


async def follow_matrix(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """Impact or urgency have changed: what the matrix says follows, and with it a priority that nobody asked for (Z1).

    A customer moves the priority only as far as the plan lets it set one, and nobody to one whose texts (G1) the ticket
    lacks: it stays, and a review is due (``review.reason``).
    """
    ticket, document = edit.ticket, edit.document
    ticket.matrix_priority = wanted = document.matrix_priority(ticket.impact, ticket.urgency)  # type: ignore[arg-type]  # checked by the input model
    if actor.kind == "engineer":
        ticket.assessed_priority = wanted
    if wanted is None or ticket.status in ENDED_STATUSES:
        return
    texts = {"business_impact": ticket.business_impact, "priority_reason": ticket.priority_reason}
    may = actor.kind != "customer" or _customer_may(edit, wanted)
    follows = may and follows_matrix(ticket.priority_source, ticket.priority, wanted)
    if follows and not missing_texts(document, wanted, texts):
        await _change(session, edit, actor, wanted, "matrix", "matrix")


def _customer_may(edit: TicketEdit, priority: str) -> bool:
    return customer_may_set(edit.document, edit.ticket.priority, priority) and edit.clock.turns < MAX_TURNS


async def request_review(session: AsyncSession, caller: Caller, ticket_id: str, command: ReviewRequest) -> TicketEdit:
    """Support puts the priority up for review (G9), and the customer is asked."""
    edit, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    review.request(edit, actor, command.message)
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
