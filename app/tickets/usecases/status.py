"""Somebody sets a ticket's status."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.problems import Conflict, Fault, Forbidden, Invalid
from app.core.text.messages import _
from app.sla.clock.changes import Status
from app.tickets.editing import calls
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.rules import allowed, status_name
from app.tickets.schemas import (
    NewMessage,
    StatusChange,
)
from app.tickets.usecases.caller import Caller, finish, start


async def set_status(session: AsyncSession, caller: Caller, ticket_id: str, command: StatusChange) -> TicketEdit:
    """Set the status by the table of ``rules``, with a public message before it where one is given or needed."""
    edit, actor = await start(session, caller, ticket_id, command.actor)
    if command.message is not None:
        add_message(edit, actor, actor.document(), NewMessage(body=command.message))
    if command.status != edit.ticket.status:
        _check_transition(edit, actor, command)
        change_clock(edit, Status(edit.now, command.status, actor.kind), actor)
        await calls.end_with_ticket(session, edit)
    return await finish(session, edit)


def _check_transition(edit: TicketEdit, actor: Actor, command: StatusChange) -> None:
    status = command.status
    if status not in allowed(edit.ticket.status, "support"):
        raise Conflict(
            _(
                "A ticket that is {status} cannot become {wanted}",
                status=status_name(edit.ticket.status),
                wanted=status_name(status),
            ),
            status_table="/v1/statuses",
        )
    if status not in allowed(edit.ticket.status, actor.kind):
        raise Forbidden(
            _(
                "A customer cannot change a ticket from {status} to {wanted}",
                status=status_name(edit.ticket.status),
                wanted=status_name(status),
            )
        )
    if status == "waiting_on_customer" and edit.clock.answered_at is None:
        detail = _("A ticket can wait for its customer only with, or after, a public message from an engineer")
        raise Invalid(errors=[Fault(pointer="/message", detail=detail)])
    if status == "resolved" and actor.kind == "engineer" and command.message is None:
        raise Invalid(
            errors=[Fault(pointer="/message", detail=_("An engineer resolves a ticket with a public message"))]
        )
