"""The digests of a sandbox account, on its own clock: they are recorded as events, and nobody gets a letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.zones import load_zone
from app.digests import contents
from app.digests.weeks import Managed, due_between
from app.events.event import Event
from app.events.log import event_row
from app.webhooks.outbox.fanout import fan_out

_ACCOUNT: Final = f"""
SELECT {contents.MANAGED} FROM accounts WHERE account_id = $1 AND jsonb_typeof(tam) = 'object'
"""  # noqa: S608  our own names


@dataclass(frozen=True, slots=True)
class Weekly:
    """The digests that are due on a sandbox clock's way."""

    account: Managed | None = None
    due: Sequence[datetime] = ()

    async def made(self, session: AsyncSession, at: datetime) -> list[Row]:
        """The event of the digest that is due at this instant, where there is anything to tell.

        Its deliveries are made; the caller records it.
        """
        digest = await contents.digest_of(session, self.account, at) if self.account else None
        if self.account is None or digest is None:
            return []
        event = Event(at, digest)
        rows = [event_row(event, account_id=self.account.account_id, ticket_id=None, sequence=None, sandbox=True)]
        await fan_out(session, rows)
        return rows


async def digests_of(session: AsyncSession, account_id: str, after: datetime, until: datetime) -> Weekly:
    """What is due after one instant, up to and with another: nothing without a technical account manager."""
    rows = [dict(row) for row in await (await driver(session)).fetch(_ACCOUNT, account_id)]
    for account in await contents.served(session, rows) if rows else ():
        return Weekly(account, tuple(due_between(after, until, load_zone(account.time_zone))))
    return Weekly()
