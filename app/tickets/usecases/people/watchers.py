"""Who follows a ticket beside its requester: they are told what the requester is told, see it, and may answer."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor, Principal, Visitor
from app.core.problems import Conflict, Fault, Forbidden, Invalid
from app.core.schemas.mailboxes import one_spelling
from app.core.text.messages import _
from app.events import types
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.watching import begin_watching, end_watching
from app.tickets.usecases.caller import Caller, finish, start
from app.tickets.watcher_schemas import MOST_WATCHERS, NewWatcher, WatcherRef


def require_adder(visitor: Visitor | None) -> None:
    """403 for a visitor whom the account does not know: mail about a ticket goes to nobody whom they have made up."""
    if visitor and not visitor.person_id:
        raise Forbidden(_("Only people of the account let others follow a ticket"))


async def watch(session: AsyncSession, caller: Caller, ticket_id: str, command: NewWatcher) -> TicketEdit:
    """Let somebody follow the ticket. Who follows it already goes on doing so; 409 beyond the most."""
    require_adder(caller.principal.visitor)
    edit, actor = await start(session, caller, ticket_id, command.actor)
    before = edit.ticket.watchers
    begin_watching(edit.ticket, [command])
    if len(edit.ticket.watchers or ()) > MOST_WATCHERS:
        raise Conflict(_("A ticket has at most {most} watchers", most=MOST_WATCHERS))
    return await _finish(session, edit, actor, before)


async def unwatch(session: AsyncSession, caller: Caller, ticket_id: str, command: WatcherRef) -> TicketEdit:
    """End that somebody follows the ticket, and the links to it that they have from mails.

    422 where nobody is named. Visitors whom the account does not know end it for themselves alone (403).
    """
    email = _whom(caller.principal, command)
    edit, actor = await start(session, caller, ticket_id, command.actor)
    before = edit.ticket.watchers
    await end_watching(session, edit.ticket, email)
    return await _finish(session, edit, actor, before)


def call_as_they_do(edit: TicketEdit, visitor: Visitor | None, actor: Actor) -> None:
    """Call a follower of the ticket who speaks as they call themselves: by that their own words are known as theirs."""
    if visitor is None or visitor.person_id or visitor.is_unconfirmed or not visitor.is_verified:
        return
    name, email, before = visitor.name, one_spelling(visitor.email or ""), edit.ticket.watchers
    if not name or name == visitor.email:
        return
    named = [each | {"name": name} if one_spelling(each["email"]) == email else each for each in before or ()]
    if named != (before or []):
        edit.ticket.watchers = named
        edit.tell(types.TicketUpdated(fields={"watchers": named}), actor)


def _whom(principal: Principal, command: WatcherRef) -> str:
    visitor = principal.visitor
    email = command.email or (visitor.email if visitor else None)
    if email is None:
        raise Invalid(errors=[Fault(pointer="/email", detail=_("Name the person who is to stop following the ticket"))])
    if visitor is None or one_spelling(visitor.email or "") != one_spelling(email):
        require_adder(visitor)
    return one_spelling(email)


async def _finish(session: AsyncSession, edit: TicketEdit, actor: Actor, before: list[Any] | None) -> TicketEdit:
    if edit.ticket.watchers != before:
        edit.tell(types.TicketUpdated(fields={"watchers": edit.ticket.watchers or []}), actor)
    return await finish(session, edit)
