"""Who wants no e-mails about a ticket: by the link in one, or by an operation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.problems import Fault, Forbidden, Invalid, NotFound
from app.core.schemas.mailboxes import one_spelling
from app.core.text.messages import _
from app.mail.schemas import MailReader
from app.notices.outbox.mailings import mail_secret
from app.notices.tokens import person_mark, person_of_token

_READ: Final = """
SELECT t.account_id, t.id, t.number, t.requester, coalesce(t.watchers, '[]') AS watchers, t.address_unconfirmed,
       a.locale, (SELECT coalesce(jsonb_agg(m.email), '[]') FROM ticket_mutes AS m
                  WHERE m.account_id = t.account_id AND m.ticket_id = t.id) AS muted,
       (SELECT coalesce(jsonb_object_agg(p.email, p.locale), '{}') FROM people AS p
        WHERE p.account_id = t.account_id AND p.locale IS NOT NULL AND p.email IN (
            SELECT t.requester ->> 'email' UNION ALL
            SELECT w ->> 'email' FROM jsonb_array_elements(coalesce(t.watchers, '[]')) AS w
        )) AS languages
FROM tickets AS t JOIN accounts AS a ON a.account_id = t.account_id WHERE t.id = $1
"""
_MUTE: Final = "INSERT INTO ticket_mutes (account_id, ticket_id, email) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_UNMUTE: Final = "DELETE FROM ticket_mutes WHERE account_id = $1 AND ticket_id = $2 AND email = $3"
_CONFIRM: Final = """
UPDATE tickets SET address_unconfirmed = false WHERE account_id = $1 AND id = $2 AND address_unconfirmed
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may get e-mails about a ticket."""

    account_id: str
    ticket_id: str
    number: str
    email: str
    locale: str
    muted: bool
    """of their own will, or because nobody has confirmed the address yet"""
    unconfirmed: bool = False

    def document(self) -> dict[str, Any]:
        """The reader as the API shows them."""
        return {"ticket_id": self.ticket_id, "email": self.email, "muted": self.muted}


async def reader_of_token(session: AsyncSession, token: str) -> Reader | None:
    """Whom the link in a mail was made for; None for a link that is not valid, or of somebody who has left."""
    found = person_of_token(await mail_secret(session), token)
    if found is None:
        return None
    ticket_id, mark = found
    ticket = await (await driver(session)).fetchrow(_READ, ticket_id)
    known = _readers(ticket) if ticket else ()
    return next((each for each in known if person_mark(each.email) == mark), None)


async def reader_named(session: AsyncSession, principal: Principal, ticket_id: str, command: MailReader) -> Reader:
    """Whom an operation names. 404 for another's ticket, 403 for a visitor who names somebody else.

    422 for somebody who gets no mails about the ticket anyway.
    """
    ticket = await (await driver(session)).fetchrow(_READ, ticket_id)
    if ticket is None or not principal.sees(ticket["account_id"]):
        raise NotFound
    own = principal.visitor.email if principal.visitor else None
    if principal.visitor and (own is None or (command.email and one_spelling(command.email) != one_spelling(own))):
        raise Forbidden(_("Visitors can only mute their own e-mails"))
    actor = command.actor.email if command.actor else None
    email = command.email or own or actor or ticket["requester"]["email"]
    named = one_spelling(email)
    for each in _readers(ticket):
        if one_spelling(each.email) == named:
            return each
    place = "/actor/email" if actor and not command.email else "/email"
    fault = Fault(pointer=place, detail=_("The ticket has no requester or watcher with this address"))
    raise Invalid(errors=[fault])


async def mute(session: AsyncSession, reader: Reader) -> Reader:
    """End the mails about the ticket to this reader."""
    await (await driver(session)).execute(_MUTE, reader.account_id, reader.ticket_id, reader.email)
    return replace(reader, muted=True)


async def unmute(session: AsyncSession, reader: Reader, *, confirms: bool = False) -> Reader:
    """Send this reader mails again; ``confirms``: they have shown that they read the mail of their address."""
    connection = await driver(session)
    await connection.execute(_UNMUTE, reader.account_id, reader.ticket_id, reader.email)
    if confirms and reader.unconfirmed:
        await connection.execute(_CONFIRM, reader.account_id, reader.ticket_id)
        return replace(reader, muted=False, unconfirmed=False)
    return replace(reader, muted=reader.unconfirmed)


def _readers(ticket: Row) -> Iterator[Reader]:
    requester = _language(ticket, ticket["requester"]) or ticket["locale"]
    for person in (ticket["requester"], *ticket["watchers"]):
        unconfirmed = person is ticket["requester"] and ticket["address_unconfirmed"]
        yield Reader(
            ticket["account_id"],
            ticket["id"],
            ticket["number"],
            person["email"],
            _language(ticket, person) or requester,
            unconfirmed or person["email"] in ticket["muted"],
            unconfirmed,
        )


def _language(ticket: Row, person: Mapping[str, Any]) -> str | None:
    """What the ticket says of the person, else what the account does, if they are one of its people."""
    named: str | None = person.get("locale") or ticket["languages"].get(person["email"])
    return named
