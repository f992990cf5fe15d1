"""The first admin key of an installation, without which nobody could make the others."""

from datetime import datetime
from typing import Final

from sqlalchemy import exists, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKey
from app.core.auth import hash_key, make_key
from app.core.ids import new_id

_HINT: Final = 12
_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtext('heliodesk bootstrap'))")


async def bootstrap_admin_key(session: AsyncSession, given: str, *, now: datetime) -> str | None:
    """See to it that there is an admin key: the one given by the operator, else any, else a new one.

    Returns the new key, to be shown once, and None where none was made. A given key that was revoked stays revoked.
    """
    await session.execute(_ONE_AT_A_TIME)
    if given:
        await _store(session, given, now=now)
        return None
    live = (ApiKey.revoked_at.is_(None)) & (ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now))
    if (await session.execute(select(exists().where(ApiKey.kind == "admin", live)))).scalar_one():
        return None
    return await add_admin_key(session, now=now)


async def add_admin_key(session: AsyncSession, *, now: datetime) -> str:
    """Make one more admin key, for an operator who has lost theirs."""
    key = make_key("admin")
    await _store(session, key, now=now)
    return key


async def _store(session: AsyncSession, key: str, *, now: datetime) -> None:
    values = {"id": new_id("key"), "kind": "admin", "label": "bootstrap", "hint": key[:_HINT], "created_at": now}
    row = insert(ApiKey).values(secret_hash=hash_key(key), **values)
    await session.execute(row.on_conflict_do_nothing(index_elements=["secret_hash"]))
