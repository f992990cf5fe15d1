"""The other ways in which a ticket ends, and the way back: withdrawn, merged, reopened (C13)."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import Conflict, Fault, Invalid
from app.core.text.messages import _
from app.core.web.kit.deps import require_support
from app.events.types import TicketMerged
from app.sla.clock.changes import Close, Status
from app.tickets.editing import calls
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock
from app.tickets.editing.messages import add_message, closed_conflict
from app.tickets.rules import status_name
from app.tickets.schemas import NewMessage, Reopening, TicketMerge, Withdrawal
from app.tickets.usecases.caller import Caller, finish, start


async def reopen(session: AsyncSession, caller: Caller, ticket_id: str, command: Reopening) -> TicketEdit:
    """Open a resolved ticket again, with a public message where one is given. 409 from any other status."""
    edit, actor = await start(session, caller, ticket_id, command.actor)
    if edit.ticket.status == "closed":
        raise closed_conflict(edit, _("A closed ticket cannot be reopened"))
    if edit.ticket.status != "resolved":
        raise Conflict(
            _(
                "Only a resolved ticket can be reopened, and this one is {status}",
                status=status_name(edit.ticket.status),
            )
        )
    if command.message is not None:
        add_message(edit, actor, actor.document(), NewMessage(body=command.message))
    change_clock(edit, Status(edit.now, "open", actor.kind), actor)
    return await finish(session, edit)


async def withdraw(session: AsyncSession, caller: Caller, ticket_id: str, command: Withdrawal) -> TicketEdit:
    """Close a ticket that needs no answer any more, from any status but closed.

    So support puts away what a stranger has sent: a guest's ticket stays ``unconfirmed``, and so counts for nothing.
    """
    edit, actor = await start(session, caller, ticket_id, command.actor, confirms=False)
    if edit.ticket.status == "closed":
        raise Conflict(_("The ticket is already closed"))
    edit.reason = command.reason
    change_clock(edit, Close(edit.now, "withdrawn"), actor)
    await calls.end_with_ticket(session, edit)
    return await finish(session, edit)


async def merge(session: AsyncSession, caller: Caller, ticket_id: str, command: TicketMerge) -> TicketEdit:
    """Close a ticket that goes on in another one of its account; both timelines tell it.

    Raises 409 when either is closed, 422 when the account has no such other ticket. The two are locked in the order
    of their ids, so that merges cannot wait for each other.
    """
    if command.into == ticket_id:
        raise Invalid(errors=[Fault(pointer="/into", detail=_("A ticket cannot be merged into itself"))])
    only = caller.principal.only
    first = await lock(session, command.into, only) if command.into < ticket_id else None
    edit, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    target = first or await lock(session, command.into, only)
    if target is None or target.ticket.account_id != edit.ticket.account_id:
        raise Invalid(errors=[Fault(pointer="/into", detail=_("The account has no such ticket"))])
    if "closed" in (edit.ticket.status, target.ticket.status):
        raise Conflict(_("A closed ticket can neither be merged nor take in another one"))
    edit.ticket.merged_into = target.ticket.id
    change_clock(edit, Close(edit.now, "merged"), actor)
    await calls.end_with_ticket(session, edit)
    target.tell(TicketMerged(merged=edit.ticket.id, into=target.ticket.id), actor)
    await finish(session, target)
    return await finish(session, edit)
