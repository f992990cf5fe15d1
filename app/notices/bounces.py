"""Addresses that take no mail: marked by the report of a mail that came back, until somebody lifts the mark."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver, ring_after_commit
from app.core.web.kit.paging import Page, in_order
from app.notices.models import BouncedAddressRow

_SENT: Final = """
SELECT n.account_id, e.ticket_id, n.recipient ->> 'email' AS email
FROM notices AS n LEFT JOIN events AS e ON e.account_id = n.account_id AND e.id = n.event_id
WHERE n.id = $1 AND ($2::text IS NULL OR n.account_id = $2) AND lower(n.recipient ->> 'email') = $3
    AND 'mail' IN (SELECT jsonb_array_elements_text(n.sent_by))
"""
_MARK: Final = """
INSERT INTO bounced_addresses (account_id, email, status, reason, notice_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, email) DO NOTHING RETURNING true
"""
_LIFT: Final = """
WITH lifted AS (DELETE FROM bounced_addresses WHERE account_id = $1 AND email = lower($2) RETURNING 1), released AS (
    UPDATE notices SET state = 'pending', next_attempt_at = clock_timestamp(), finished_at = NULL
    WHERE account_id = $1 AND state = 'held' AND lower(recipient ->> 'email') = lower($2)
        AND EXISTS (SELECT FROM lifted)
)
SELECT EXISTS (SELECT FROM lifted)
"""


@dataclass(frozen=True, slots=True)
class Returned:
    """A mail that the service has sent, and that came back."""

    account_id: str
    ticket_id: str | None
    email: str


async def sent_notice(session: AsyncSession, notice_id: str, email: str, only: str | None) -> Returned | None:
    """The notice with this id, if a mail of it has gone to this address; of ``only`` one account, where one is given.

    Nobody can make up a report: the id of a notice is known to whoever has got its mail.
    """
    found = await (await driver(session)).fetchrow(_SENT, notice_id, only, email.lower())
    return Returned(**dict(found)) if found else None


async def mark(session: AsyncSession, returned: Returned, notice_id: str, status: str, reason: str) -> bool:
    """Send no more mails to customers to this address; False where that was so already."""
    values = (returned.account_id, returned.email.lower(), status, reason, notice_id)
    return bool(await (await driver(session)).fetchval(_MARK, *values))


async def lift(session: AsyncSession, account_id: str, email: str) -> bool:
    """Send mails to the address again, those first that were held back; False where it was not marked."""
    lifted: bool = await (await driver(session)).fetchval(_LIFT, account_id, email)
    if lifted:
        ring_after_commit(session, "notices")
    return lifted


async def bounces_page(session: AsyncSession, account_id: str, page: Page) -> Sequence[BouncedAddressRow]:
    """A page of an account's addresses that take no mail, those marked first at its head, and one more."""
    return await in_order(session, BouncedAddressRow, page, account_id=account_id, by="bounced_at", id_="email")
