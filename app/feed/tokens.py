"""Stream tokens: for a browser's EventSource, which cannot send a header. Each opens one stream, within a minute."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import principal_of_key
from app.core.auth import Principal, hash_key
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction

LIFETIME: Final = timedelta(seconds=60)

_KEEP: Final = """
WITH over AS (DELETE FROM stream_tokens WHERE expires_at <= clock_timestamp())
INSERT INTO stream_tokens (token_hash, key_id, expires_at) VALUES ($1, $2, $3)
"""
_USE: Final = "DELETE FROM stream_tokens WHERE token_hash = $1 AND expires_at > clock_timestamp() RETURNING key_id"


async def make_token(session: AsyncSession, principal: Principal, *, now: datetime) -> tuple[str, datetime]:
    """A token that acts as the caller's key, and until when; only its hash is kept."""
    token, expires_at = f"hd_stream_{secrets.token_hex(24)}", now + LIFETIME
    await (await driver(session)).execute(_KEEP, hash_key(token), principal.key_id, expires_at)
    return token, expires_at


async def use_token(sessions: Sessions, token: str) -> Principal:
    """The caller whose token it is, which is used up by this.

    ``Unauthorized`` for one that is unknown, used, or over, and when its key is no longer valid.
    """
    async with transaction(sessions) as session:
        key_id = await (await driver(session)).fetchval(_USE, hash_key(token))
        return await principal_of_key(session, key_id)
