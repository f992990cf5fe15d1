"""Addresses begin and cease to follow a ticket, which others save."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import address_mark
from app.core.db.session import driver
from app.core.schemas.mailboxes import one_spelling
from app.tickets.record import TicketRecord
from app.tickets.watcher_schemas import Watcher

_STORED: Final = set(Watcher.model_fields)
# The links in mails: those that somebody has made for this address on purpose go on until they end.
_END_LINKS: Final = """
UPDATE api_keys SET revoked_at = clock_timestamp()
WHERE kind = 'ticket' AND ticket ->> 'ticket_id' = $1 AND ticket ->> 'email' = $2 AND made_by IS NULL
    AND revoked_at IS NULL
"""


def begin_watching(ticket: TicketRecord, watchers: Iterable[Watcher]) -> None:
    """Let these follow a ticket, each once; its requester hears of it anyway."""
    for watcher in watchers:
        if one_spelling(watcher.email) not in _spelt(ticket):
            ticket.watchers = [*(ticket.watchers or []), watcher.model_dump(include=_STORED, exclude_none=True)]
            ticket.visitor_marks = [*(ticket.visitor_marks or []), address_mark(watcher.email)]


async def end_watching(session: AsyncSession, ticket: TicketRecord, email: str) -> list[dict[str, Any]]:
    """Take the address from the ticket's watchers, with the links from mails that it has; what is taken."""
    gone = [each for each in ticket.watchers or () if one_spelling(each["email"]) == email]
    for watcher in gone:
        mark = address_mark(watcher["email"])
        ticket.visitor_marks = [each for each in ticket.visitor_marks or () if each != mark] or None
        await (await driver(session)).execute(_END_LINKS, ticket.id, watcher["email"])
    ticket.watchers = [each for each in ticket.watchers or () if each not in gone] or None
    return gone


def _spelt(ticket: TicketRecord) -> Collection[str]:
    return {one_spelling(each["email"]) for each in (ticket.requester, *(ticket.watchers or ()))}
