"""Confirming to guests that they have opened a ticket: to one mailbox at most once an hour, whoever asks."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver, ring_after_commit
from app.core.ids import new_id
from app.notices.guests import GUEST, mailbox_mark

PAUSE: Final = timedelta(hours=1)
"""Between two mails to one mailbox."""
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
