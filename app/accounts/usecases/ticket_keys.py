"""Keys that open one ticket each in a browser: of guests who follow what they opened, and of links to customers."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKeyRow
from app.core.auth import TICKET_KEY, Principal, TicketAccess, hash_key, make_key
from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.db.statements.housekeeping import forget
from app.core.ids import new_id

KEPT: Final = timedelta(days=1)
"""After a ticket key has ended."""
_SHOWN: Final = 4
_END: Final = """
UPDATE api_keys SET revoked_at = $2 WHERE made_by = ANY ($1::text[]) AND revoked_at IS NULL
"""
_OVER: Final = "t.kind = 'ticket' AND t.expires_at < clock_timestamp() - $1::interval"


def new_secret() -> str:
    """A secret for a ticket key, as whoever gets it shows it."""
    return make_key(TICKET_KEY)


async def create_ticket_key(
    session: AsyncSession,
    secret: str,
    access: TicketAccess,
    *,
    now: datetime,
    expires_at: datetime,
    maker: Principal | None = None,
) -> ApiKeyRow:
    """A key with this secret, of which the hash is kept, with no more rights than its ``maker`` has.

    It belongs to its ticket, and not among the keys of the account, which its owners list and of which there may be so
    many.
    """
    key = ApiKeyRow(
        id=new_id("key"),
        kind=TICKET_KEY,
        secret_hash=hash_key(secret),
        hint=secret[: len(f"hd_{TICKET_KEY}_") + _SHOWN],
        ticket=asdict(access),
        scopes=list(maker.scopes) if maker else [],
        role=maker.role if maker else None,
        made_by=maker.key_id if maker else None,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(key)
    await session.flush()
    return key


async def end_links(session: AsyncSession, makers: Collection[str], *, now: datetime) -> None:
    """Revoke the links that these keys have made: whoever has stolen a key keeps nothing that it opened."""
    await (await driver(session)).execute(_END, list(makers), now)


async def forget_ticket_keys(sessions: Sessions) -> None:
    """Drop ticket keys that ended a day ago."""
    await forget(sessions, ApiKeyRow, _OVER, KEPT)
