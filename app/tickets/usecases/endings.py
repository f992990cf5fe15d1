"""The other ways in which a ticket ends, and the way back: withdrawn, merged, reopened (C13)."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import Conflict, Fault, Invalid
from app.core.text.messages import _
from app.core.web.deps import require_support
from app.events.types import TicketMerged
from app.sla.clock.changes import Close, Status
from app.tickets.editing import calls
from app.tickets.editing.load import lock
from app.tickets.editing.messages import add_message, closed_conflict
from app.tickets.editing.work import Work
from app.tickets.schemas import Merge, PostMessage, Reopen, Withdraw
from app.tickets.usecases.lifecycle import Caller, finish, start


async def reopen(session: AsyncSession, caller: Caller, ticket_id: str, command: Reopen) -> Work:
    """Open a resolved ticket again, with a public message where one is given. 409 from any other status."""
    work, actor = await start(session, caller, ticket_id, command.actor)
    if work.ticket.status == "closed":
        raise closed_conflict(work, _("A closed ticket cannot be reopened"))
    if work.ticket.status != "resolved":
        raise Conflict(_("Only a resolved ticket can be reopened, and this one is {status}", status=work.ticket.status))
    if command.message is not None:
        add_message(work, actor, actor.document(), PostMessage(body=command.message))
    work.change(Status(work.now, "open", actor.kind), actor)
    return await finish(session, work)


async def withdraw(session: AsyncSession, caller: Caller, ticket_id: str, command: Withdraw) -> Work:
    """Close a ticket that needs no answer any more, from any status but closed."""
    work, actor = await start(session, caller, ticket_id, command.actor)
    if work.ticket.status == "closed":
        raise Conflict(_("The ticket is already closed"))
    work.why = command.reason
    work.change(Close(work.now, "withdrawn"), actor)
    await calls.end_with_ticket(session, work)
    return await finish(session, work)


async def merge(session: AsyncSession, caller: Caller, ticket_id: str, command: Merge) -> Work:
    """Close a ticket that goes on in another one of its account; both timelines tell it.

    Raises 409 when either is closed, 422 when the account has no such other ticket. The two are locked in the order
    of their ids, so that merges cannot wait for each other.
    """
    if command.into == ticket_id:
        raise Invalid(errors=[Fault(pointer="/into", detail=_("A ticket cannot be merged into itself"))])
    first = await lock(session, command.into) if command.into < ticket_id else None
    work, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    target = first or await lock(session, command.into)
    if target is None or target.ticket.account_id != work.ticket.account_id:
        raise Invalid(errors=[Fault(pointer="/into", detail=_("The account has no such ticket"))])
    if "closed" in (work.ticket.status, target.ticket.status):
        raise Conflict(_("A closed ticket can neither be merged nor take in another one"))
    work.ticket.merged_into = target.ticket.id
    work.change(Close(work.now, "merged"), actor)
    await calls.end_with_ticket(session, work)
    target.tell(TicketMerged(merged=work.ticket.id, into=target.ticket.id), actor)
    await finish(session, target)
    return await finish(session, work)
