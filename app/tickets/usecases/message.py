"""Somebody writes a message on a ticket."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import Forbidden, Invalid
from app.core.text.messages import _
from app.files.rules import attachment
from app.files.usecases import Place, bind, claim
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message, message_author
from app.tickets.rules import SUPPORTS_CHANNELS, channel_faults
from app.tickets.schemas import NewMessage
from app.tickets.usecases.caller import Caller, finish, start
from app.tickets.usecases.people.watchers import call_as_they_do


async def post_message(
    session: AsyncSession, caller: Caller, ticket_id: str, command: NewMessage
) -> tuple[TicketEdit, dict[str, Any]]:
    """Post a message; a customer's public one wakes a waiting ticket and reopens a resolved one.

    One that is stated to be automatic does neither, and nobody owes it an answer (C07). 422 for the note of a phone
    call where the plan has no phone (Z4).
    """
    edit, actor = await start(session, caller, ticket_id, command.actor)
    if command.visibility == "internal" and not caller.principal.is_support:
        raise Forbidden(_("Only support can write internal messages"))
    if command.channel in SUPPORTS_CHANNELS and not caller.principal.is_support:
        raise Forbidden(_("Only support writes on the channel {channel}", channel=command.channel))
    if command.channel == "phone" and (faults := channel_faults(edit.document, command.channel)):
        raise Invalid(errors=faults)
    if caller.principal.visitor and command.author:
        raise Forbidden(_("Visitors write in their own name"))
    author = message_author(caller.principal, actor, command.author)
    if actor.kind == "customer" and author["kind"] == "automation" and command.actor is None:
        actor = caller.principal.automation
    if caller.principal.visitor and caller.principal.kind != "hook":  # a hook passes on what they have sent by e-mail
        command = command.model_copy(update={"channel": "widget"})
    call_as_they_do(edit, caller.principal.visitor, actor)
    account_id, owner = edit.ticket.account_id, caller.principal.attaches
    files = await claim(session, owner, account_id, command.attachments)
    message = add_message(edit, actor, author, command, [attachment(each, ticket_id) for each in files])
    await finish(session, edit)
    await bind(session, files, Place(account_id, ticket_id, message["id"], command.visibility))
    return edit, message
