"""Somebody sets a ticket's priority, or decides about the review of one."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.problems import Conflict, Forbidden, Invalid
from app.core.text.messages import _
from app.core.web.kit.deps import require_support
from app.sla.clock.changes import Priority
from app.tickets.editing import calls, review
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.rules import customer_may_set, is_automatic, missing_texts, priority_faults
from app.tickets.schemas import (
    NewMessage,
    PriorityChange,
    PriorityReview,
)
from app.tickets.usecases.caller import Caller, finish, start

MAX_TURNS: Final = 500
"""After so many moves of a deadline its customer changes the priority no more: support does, as often as it has to."""


async def set_priority(session: AsyncSession, caller: Caller, ticket_id: str, command: PriorityChange) -> TicketEdit:
    """Override the priority, as far as the plan lets a customer (Z2); a raise may need texts (G1) and gets a call."""
    edit, actor = await start(session, caller, ticket_id, command.actor)
    ticket, document = edit.ticket, edit.document
    if ticket.status in ("resolved", "closed"):
        raise Conflict(_("The priority of a ticket that is {status} cannot change", status=ticket.status))
    if faults := priority_faults(document, command.priority):
        raise Invalid(errors=faults)
    if command.priority == ticket.priority:
        return await finish(session, edit)
    if actor.kind == "customer" and not customer_may_set(document, ticket.priority, command.priority):
        raise Forbidden(
            _("The plan {key} does not let a customer set this priority: escalate instead", key=document.key)
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
    ticket.priority_reason, ticket.priority_source, edit.reason = reason, source, reason
    change_clock(edit, Priority(edit.now, priority, actor.kind), actor)
    if calls.wanted(edit) and await calls.active(session, edit) is None:
        await calls.ask_with_account(session, edit, actor)
    review.request_if_due(edit)


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
