"""Answers of the service's own, one to a mailbox in some time: a ticket was opened, or an e-mail became none."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver, ring_after_commit
from app.core.ids import new_id
from app.notices.content.guests import GUEST, STRANGER, mailbox_mark
from app.notices.content.telling import REQUESTER

PAUSE: Final = timedelta(hours=1)
"""Between two mails to one mailbox."""
REFUSED: Final = timedelta(days=1)
"""Between two refusals to one mailbox."""
_TOLD: Final = ("name", "email", "locale", "time_zone")
# Two openings for one mailbox wait for each other here, so one of them alone is confirmed.
_CONFIRM: Final = """
WITH due AS (
    INSERT INTO guest_mails AS g (mailbox, sent_at) VALUES ($4, clock_timestamp())
    ON CONFLICT (mailbox) DO UPDATE SET sent_at = clock_timestamp()
        WHERE g.sent_at <= clock_timestamp() - $5::interval
    RETURNING 1
)
INSERT INTO notices (account_id, id, event_id, recipient, state, next_attempt_at, finished_at)
SELECT e.account_id, $3, e.id, $6::jsonb,
       CASE WHEN EXISTS (SELECT FROM due) THEN 'pending' ELSE 'suppressed' END,
       CASE WHEN EXISTS (SELECT FROM due) THEN clock_timestamp() END,
       CASE WHEN NOT EXISTS (SELECT FROM due) THEN clock_timestamp() END
FROM events AS e WHERE e.account_id = $1 AND e.ticket_id = $2 AND e.sequence = 1
RETURNING state = 'pending'
"""


async def confirm(session: AsyncSession, account_id: str, ticket_id: str, requester: Mapping[str, Any]) -> bool:
    """Write the notice by which a guest's new ticket is confirmed; whether it will be sent.

    One that comes within an hour of another to the same mailbox is written as ``suppressed``.
    """
    recipient = {"role": GUEST} | {name: requester[name] for name in _TOLD if requester.get(name)}
    sent: bool = await (await driver(session)).fetchval(
        _CONFIRM,
        account_id,
        ticket_id,
        new_id("ntc"),
        mailbox_mark(requester["email"]),
        PAUSE,
        orjson.dumps(recipient).decode(),
    )
    if sent:
        ring_after_commit(session, "notices")
    return sent


# Two e-mails of one sender wait for each other here.
_ANSWER: Final = """
WITH due AS (
    INSERT INTO guest_mails AS g (mailbox, sent_at) VALUES ($4, clock_timestamp())
    ON CONFLICT (mailbox) DO UPDATE SET sent_at = clock_timestamp()
        WHERE g.sent_at <= clock_timestamp() - $5::interval
    RETURNING 1
)
INSERT INTO notices (account_id, id, event_id, recipient, letter, next_attempt_at)
SELECT $1::text, $2::text, coalesce((
           SELECT e.id FROM events AS e WHERE e.account_id = $1::text AND e.ticket_id = $3::text AND e.sequence = 1
       ), $3::text), $6::jsonb, $7::jsonb, clock_timestamp()
FROM due RETURNING true
"""


async def tell_number(
    session: AsyncSession,
    account_id: str,
    ticket_id: str,
    requester: Mapping[str, Any],
    answers: str | None,
    *,
    once: bool,
) -> bool:
    """Tell somebody the number of the ticket that their e-mail has opened; ``answers`` is its Message-ID.

    ``once``: nothing is said to a mailbox that was told of another ticket within ``PAUSE``, so that two robots come to
    an end.
    """
    recipient = {"role": REQUESTER} | {name: requester[name] for name in _TOLD if requester.get(name)}
    pause = PAUSE if once else timedelta(0)
    return await _answer(session, account_id, ticket_id, recipient, {"answers": answers}, pause=pause)


async def refuse(
    session: AsyncSession,
    account_id: str,
    receipt_id: str,
    email: str,
    locale: str | None,
    *,
    closed: str | None = None,
) -> bool:
    """Tell somebody that nobody reads what they have written: once a day. False where that was said already.

    ``locale``: their languages; None: those of the account's person with this address, or the account's.
    ``closed``: the number of the ticket that takes no answers any more; an engineer is told so of each.
    """
    recipient = {"role": STRANGER, "email": email} | ({"locale": locale} if locale else {})
    letter = {"closed": closed} if closed else {}
    return await _answer(session, account_id, receipt_id, recipient, letter, pause=REFUSED)


async def _answer(
    session: AsyncSession,
    account_id: str,
    about: str,
    recipient: Mapping[str, Any],
    letter: Mapping[str, Any],
    *,
    pause: timedelta,
) -> bool:
    mailbox = f"{recipient['role']} {mailbox_mark(recipient['email'])}"
    if "closed" in letter:
        mailbox += f" {account_id} {letter['closed']}"
    sent = await (await driver(session)).fetchval(
        _ANSWER,
        account_id,
        new_id("ntc"),
        about,
        mailbox,
        pause,
        orjson.dumps(recipient).decode(),
        orjson.dumps(letter).decode(),
    )
    if sent:
        ring_after_commit(session, "notices")
    return bool(sent)
