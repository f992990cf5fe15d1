"""The priority of a ticket under change, and how it follows the matrix (Z1)."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.problems import Invalid
from app.sla.clock.changes import Priority
from app.sla.clock.cycles import ENDED_STATUSES
from app.tickets.editing import calls, review
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.service_messages import AUTHOR
from app.tickets.rules import customer_may_set, follows_matrix, is_automatic, missing_texts, priority_faults

MAX_TURNS: Final = 500
"""After so many moves of a deadline its customer changes the priority no more: support does, as often as it has to."""


async def give_priority(
    session: AsyncSession, edit: TicketEdit, actor: Actor, priority: str, reason: str, *, source: str
) -> None:
    """Set another priority, with a call where the plan wants one, and without the call where it does not.

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
    if source != "matrix" and _is_supports(edit, actor):
        edit.ticket.assessed_priority = priority
    before = edit.ticket.priority
    change_clock(edit, Priority(edit.now, priority, actor.kind), actor)
    await calls.follow_priority(session, edit, actor, before=before)
    review.request_if_due(edit, decided=True)


def _is_supports(edit: TicketEdit, actor: Actor) -> bool:
    """Whether this actor's word on a ticket's severity is support's assessment (N8): not a customer's or an alert's."""
    return actor.kind != "customer" and not is_automatic(edit.ticket.channel, actor.kind)


async def follow_matrix(session: AsyncSession, edit: TicketEdit, actor: Actor) -> None:
    """Impact or urgency have changed: what the matrix says follows, and with it a priority that nobody asked for (Z1).

    A ticket that has ended follows when it is reopened (``follow_matrix_again``).
    """
    ticket, document = edit.ticket, edit.document
    ticket.matrix_priority = wanted = document.matrix_priority(ticket.impact, ticket.urgency)  # type: ignore[arg-type]  # checked by the input model
    if _is_supports(edit, actor):
        ticket.assessed_priority = wanted
    if wanted is not None and ticket.status not in ENDED_STATUSES:
        await _follow(session, edit, actor, wanted, may=actor.kind != "customer" or _customer_may(edit, wanted))


async def follow_matrix_again(session: AsyncSession, edit: TicketEdit) -> None:
    """The ticket is reopened: its priority follows what was said of impact and urgency while it had ended (Z1).

    What support assessed holds; else it goes as far as a customer may set it.
    """
    wanted = edit.ticket.matrix_priority
    if wanted is not None:
        may = edit.ticket.assessed_priority == wanted or _customer_may(edit, wanted)
        await _follow(session, edit, AUTHOR, wanted, may=may)
    review.request_if_due(edit)


async def _follow(session: AsyncSession, edit: TicketEdit, actor: Actor, wanted: str, *, may: bool) -> None:
    """Set what the matrix says, if nobody asked for the present priority.

    Where a customer ``may`` not, or the ticket lacks the texts (G1), it stays: a review is due (``review.reason``).
    """
    ticket = edit.ticket
    texts = {"business_impact": ticket.business_impact, "priority_reason": ticket.priority_reason}
    follows = may and follows_matrix(ticket.priority_source, ticket.priority, wanted)
    if follows and not missing_texts(edit.document, wanted, texts):
        await _change(session, edit, actor, wanted, "matrix", "matrix")


def _customer_may(edit: TicketEdit, priority: str) -> bool:
    return customer_may_set(edit.document, edit.ticket.priority, priority) and edit.clock.turns < MAX_TURNS
