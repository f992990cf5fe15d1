"""Who changes a ticket: it is locked and caught up for them, and saved for them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import editor
from app.core.auth import Actor, Principal, Visitor
from app.core.schemas.mailboxes import one_spelling
from app.core.schemas.shared import ActorRef
from app.tickets.editing.calls import ask_if_none
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock_ticket
from app.tickets.editing.priorities import follow_matrix_again
from app.tickets.save import staff_and_save
from app.tickets.usecases.tags import note_tags_of


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, for whom, and the check of the ticket's version that the request asks for (``If-Match``)."""

    principal: Principal
    check_version: Callable[[int], None]


async def start(
    session: AsyncSession,
    caller: Caller,
    ticket_id: str,
    actor: ActorRef | None = None,
    *,
    confirms: bool = True,
    texts: bool = False,
) -> tuple[TicketEdit, Actor]:
    """Lock the ticket, caught up, for somebody who may write to it: 404, 403 for viewers, 412 for a stale version.

    What somebody who is known does ``confirms`` a guest's ticket, unless they only put it away. ``texts``: with what
    people have written in it, which may be long.
    """
    edit = await lock_ticket(session, caller.principal, ticket_id, texts=texts)
    who = await editor(session, caller.principal, actor)
    caller.check_version(edit.ticket.version)
    if confirms and not caller.principal.is_unknown:
        edit.ticket.unconfirmed = False  # somebody who is known deals with what a guest opened
    return edit, _as_known(edit, caller.principal.visitor, who.actor)


def _as_known(edit: TicketEdit, visitor: Visitor | None, actor: Actor) -> Actor:
    """The actor; a requester who is none of the account's people has the name that the ticket knows them by.

    By that what they do is known as theirs, whatever their host product calls them by now.
    """
    requester = edit.ticket.requester
    if visitor is None or visitor.person_id or visitor.is_unconfirmed or not visitor.is_verified or not visitor.email:
        return actor
    if actor.kind != "customer" or one_spelling(visitor.email) != one_spelling(requester["email"]):
        return actor
    return replace(actor, name=requester.get("name") or actor.name)


async def finish(session: AsyncSession, edit: TicketEdit) -> TicketEdit:
    """Save a ticket that a person or an integration has changed: its version grows."""
    if who := edit.reopened_by:
        await follow_matrix_again(session, edit)
        await ask_if_none(session, edit, who)
        note_tags_of(session, edit.ticket.account_id, edit.ticket.id)
    edit.ticket.version += 1
    await staff_and_save(session, [edit])
    return edit
