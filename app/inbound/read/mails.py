"""What is known of an e-mail that has come: its ticket, and who has written it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.inbound.mail.deciding import Sender, Thread
from app.inbound.mail.reading import MOST_NAME, Mail, Person
from app.inbound.mail.senders import is_authentic
from app.notices.outbox.mailings import mail_secret
from app.notices.tokens import ticket_of_reply

_TOKEN: Final = re.compile(r"[^@]*\+([0-9a-z]{42})@.*")
_ROOT: Final = re.compile(r"(?:.*\.)?(tkt_[0-7][0-9a-hjkmnp-tv-z]{25})@.*", re.IGNORECASE)
"""The id of a mail of ours that says its ticket, as ``id_about`` makes it, and the one that stands for the ticket."""
_NOTICE: Final = re.compile(r"(ntc_[0-7][0-9a-hjkmnp-tv-z]{25})@.*", re.IGNORECASE)
"""The id of one that does not, while its notice is kept."""
# The message that it answers first, then those before; of those with one id, the one that came first. A merged ticket
# goes on in another one.
_THREAD: Final = """
WITH RECURSIVE named AS (
    SELECT i.place, t.account_id, t.id FROM unnest($1::text[], $2::text[], $5::text[])
        WITH ORDINALITY AS i (root, message, notice, place)
    LEFT JOIN received_mails AS m ON m.message_id = i.message AND ($3::text IS NULL OR m.account_id = $3)
    LEFT JOIN notices AS n ON n.id = i.notice AND ($3::text IS NULL OR n.account_id = $3)
    LEFT JOIN events AS e ON e.account_id = n.account_id AND e.id = n.event_id
    JOIN tickets AS t ON t.id = coalesce(i.root, e.ticket_id, m.ticket_id) AND ($3::text IS NULL OR t.account_id = $3)
    ORDER BY i.place, m.received_at, m.id LIMIT 1
), way AS (
    SELECT t.account_id, t.id, t.number, t.status, t.merged_into, 1 AS length FROM named AS n
    JOIN tickets AS t ON t.account_id = n.account_id AND t.id = n.id
    UNION ALL
    SELECT t.account_id, t.id, t.number, t.status, t.merged_into, w.length + 1 FROM way AS w
    JOIN tickets AS t ON t.account_id = w.account_id AND t.id = w.merged_into WHERE w.length < 10
)
SELECT w.account_id, w.id AS ticket_id, w.number, w.status, m.notes, m.said, m.unvouched
FROM way AS w CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE r.noted) AS notes,
           count(*) FILTER (WHERE r.is_new AND r.sender = $4) AS said,
           count(*) FILTER (WHERE r.is_new AND NOT r.authentic) AS unvouched
    FROM (
        SELECT *, posted_id IS NOT NULL AND NOT noted AND received_at > clock_timestamp() - interval '1 hour' AS is_new
        FROM received_mails
    ) AS r WHERE r.account_id = w.account_id AND r.ticket_id = w.id
) AS m ORDER BY w.length DESC LIMIT 1
"""
_PEOPLE: Final = """
SELECT p.account_id, p.id, p.name, p.role FROM people AS p
WHERE p.email = $1 AND ($2::text IS NULL OR p.account_id = $2) ORDER BY p.created_at, p.id LIMIT 3
"""
_ENGINEER: Final = """
SELECT id, name, display_name, account_id, active,
       (SELECT string_agg(language, ',') FROM jsonb_array_elements_text(languages) AS language) AS locale
FROM engineers
WHERE lower(email) = $1 AND (account_id IS NULL OR account_id = $2)
ORDER BY active DESC, account_id NULLS FIRST, id LIMIT 1
"""
_FORMER: Final = "SELECT 'viewer' FROM former_addresses WHERE account_id = $1 AND email = $2"
_READS: Final = """
SELECT coalesce(r ->> 'name', '') FROM tickets AS t, LATERAL (
    SELECT t.requester AS r WHERE NOT t.address_unconfirmed
    UNION ALL SELECT w FROM jsonb_array_elements(coalesce(t.watchers, '[]')) AS w
) AS reader WHERE t.account_id = $1 AND t.id = $2 AND lower(r ->> 'email') = $3 LIMIT 1
"""
_COLLEAGUES: Final = "SELECT email, name FROM people WHERE account_id = $1 AND email = ANY ($2::text[]) ORDER BY email"
_SEEN: Final = "SELECT ticket_id FROM received_mails WHERE account_id = $1 AND fingerprint = $2"
_OPENED: Final = """
SELECT count(*) FILTER (WHERE NOT authentic) AS by_guests, count(*) AS by_all FROM received_mails
WHERE account_id = $1 AND sender = $2 AND posted_id IS NULL AND received_at > clock_timestamp() - interval '1 hour'
"""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Who says whether a message is from its sender, if anybody does; and whether support has set that up."""

    authserv_id: str | None
    is_supports: bool


async def thread_of(session: AsyncSession, mail: Mail, only: str | None) -> Thread | None:
    """The ticket that a message is about, of ``only`` one account where one is given.

    By a signed address that it was sent to, else by the messages that it answers; never by its subject.
    """
    secret = await mail_secret(session)
    tokens = (found[1] for each in mail.addressed if (found := _TOKEN.fullmatch(each)))
    signed = next((ticket for token in tokens if (ticket := ticket_of_reply(secret, token))), None)
    answers = [None] if signed else list(mail.answers)
    roots, notices = [signed] if signed else _named(_ROOT, mail), [None] if signed else _named(_NOTICE, mail)
    sender = mail.sender.email if mail.sender else None
    found = await (await driver(session)).fetchrow(_THREAD, roots, answers, only, sender, notices)
    return Thread(**dict(found), by_token=signed is not None) if found else None


def _named(pattern: re.Pattern[str], mail: Mail) -> list[str | None]:
    """What of ours each message that it answers names in this way."""
    found = (pattern.fullmatch(each) for each in mail.answers)
    return [each[1].lower() if each else None for each in found]


async def people_with(session: AsyncSession, email: str, only: str | None) -> Sequence[Row]:
    """The people with this address: of ``only`` one account, or of the first accounts that have one."""
    return [dict(row) for row in await (await driver(session)).fetch(_PEOPLE, email, only)]


async def engineer_with(session: AsyncSession, email: str, account_id: str) -> Row | None:
    """The engineer with this address who may work for the account, or did: ``active`` says it."""
    found = await (await driver(session)).fetchrow(_ENGINEER, email, account_id)
    return dict(found) if found else None


async def sender_of(
    session: AsyncSession, mail: Mail, gateway: Gateway, account_id: str, thread: Thread | None
) -> Sender | None:
    """Who has written a message, as the account knows them; None where it names nobody, or several."""
    if mail.sender is None:
        return None
    email = mail.sender.email
    people = await people_with(session, email, account_id)
    person: Row = people[0] if people else {}
    role = person["role"] if person else await (await driver(session)).fetchval(_FORMER, account_id, email)
    engineer = await engineer_with(session, email, account_id)
    reader = None
    if thread is not None:
        reader = await (await driver(session)).fetchval(_READS, account_id, thread.ticket_id, email)
    return Sender(
        email,
        person.get("name") or reader or mail.sender.name or email[:MOST_NAME],
        is_authentic(mail.results, gateway.authserv_id, email.rpartition("@")[2]),
        engineer["id"] if engineer else None,
        gateway.is_supports and engineer is not None and engineer["active"],
        person.get("id"),
        role,
        reader is not None,
    )


async def colleagues(session: AsyncSession, account_id: str, copied: Sequence[Person], sender: str) -> list[Row]:
    """The account's people among those who got a message too: ``email`` and ``name``."""
    emails = [each.email for each in copied if each.email != sender]
    return [dict(row) for row in await (await driver(session)).fetch(_COLLEAGUES, account_id, emails)]


async def seen_on(session: AsyncSession, account_id: str, fingerprint: str) -> str | None:
    """The ticket that has got this very message already."""
    ticket_id: str | None = await (await driver(session)).fetchval(_SEEN, account_id, fingerprint)
    return ticket_id


async def opened_by(session: AsyncSession, account_id: str, email: str) -> Row:
    """How many tickets the address has opened within an hour: ``by_all``, and ``by_guests`` those without a voucher."""
    found: Any = await (await driver(session)).fetchrow(_OPENED, account_id, email)
    return dict(found)
