"""What an automation does with a ticket of its own: one visit, however much it has to say."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.problems import Invalid
from app.events.types import TicketUpdated
from app.sla.clock.changes import Status
from app.tickets.editing import calls
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.editing.priorities import give_priority
from app.tickets.rules import priority_faults
from app.tickets.schemas import Impact, NewMessage, Urgency
from app.tickets.usecases.caller import Caller, finish, start


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the automation's."""

    body: str
    visibility: Literal["public", "internal"] = "public"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How urgent the automation finds it: a priority, or impact and urgency, for the ticket's plan to judge."""

    reason: str
    priority: str | None = None
    impact: Impact | None = None
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What there is to do, in this order."""

    reopen: bool = False
    said: tuple[Said, ...] = ()
    wanted: Wanted | None = None
    resolve: bool = False


async def follow(session: AsyncSession, caller: Caller, ticket_id: str, news: News) -> TicketEdit | None:
    """Do it all in one visit; None, and nothing is done, when the ticket is closed: it takes nothing any more."""
    edit, actor = await start(session, caller, ticket_id)
    if edit.ticket.status == "closed":
        return None
    if news.reopen and edit.ticket.status == "resolved":
        change_clock(edit, Status(edit.now, "open", actor.kind), actor)
    for said in news.said:
        add_message(edit, actor, actor.document(), NewMessage(body=said.body, visibility=said.visibility))
    if news.wanted:
        await _raise(session, edit, actor, news.wanted)
    if news.resolve and edit.ticket.status != "resolved":
        change_clock(edit, Status(edit.now, "resolved", actor.kind), actor)
        await calls.end_with_ticket(session, edit)
    return await finish(session, edit)


async def note(session: AsyncSession, caller: Caller, ticket_id: str, body: str) -> str:
    """Add an internal note, which confirms nothing that a guest has opened; its id. 409 on a closed ticket."""
    edit, actor = await start(session, caller, ticket_id, confirms=False)
    message = add_message(edit, actor, actor.document(), NewMessage(body=body, visibility="internal"))
    await finish(session, edit)
    return str(message["id"])


async def _raise(session: AsyncSession, edit: TicketEdit, actor: Actor, wanted: Wanted) -> None:
    """Make the ticket more urgent where that is wanted, never less. 422 for a priority that its plan does not know."""
    ticket, document = edit.ticket, edit.document
    priority = wanted.priority or document.matrix_priority(wanted.impact, wanted.urgency)
    if faults := priority_faults(document, priority):
        raise Invalid(errors=faults)
    if priority is None or document.rank(priority) >= document.rank(ticket.priority) or ticket.status == "resolved":
        return
    if wanted.impact:
        ticket.impact, ticket.urgency, ticket.matrix_priority = wanted.impact, wanted.urgency, priority
        edit.tell(TicketUpdated(fields={"impact": wanted.impact, "urgency": wanted.urgency}), actor)
    await give_priority(session, edit, actor, priority, wanted.reason, source="override")
