"""Messages that the service itself writes to a ticket's customer, in the customer's language. Pure."""

from datetime import datetime
from typing import Any, Final

from app.core.auth import SERVICE, Actor
from app.core.ids import new_id
from app.core.text.language import Language, choose_language
from app.core.text.messages import Message
from app.events import types
from app.tickets.editing.edit import TicketEdit

AUTHOR: Final = Actor("automation", name="Heliodesk")
"""Whom such a message is from: an automation, so it answers nothing (C07)."""


def language_of(edit: TicketEdit) -> Language:
    """The language of the requester, else of the account."""
    return choose_language(edit.ticket.requester.get("locale"), edit.locale)


def write(edit: TicketEdit, text: Message, at: datetime, **facts: Any) -> None:
    """Post a public message as of ``at``. It is nothing to the clock, so a replay does not read it (C18)."""
    message = {
        "account_id": edit.ticket.account_id,
        "id": new_id("msg"),
        "ticket_id": edit.ticket.id,
        "author": AUTHOR.document(),
        "visibility": "public",
        "channel": None,
        "body": text.to(language_of(edit), **facts),
        "created_at": at,
        "attachments": None,
    }
    posted = types.MessagePosted(
        message_id=message["id"],
        author=message["author"],
        visibility="public",
        channel=None,
        body=message["body"],
    )
    edit.messages.append(message | {"sequence": edit.tell(posted, SERVICE, at)})
