"""The first admin key of an installation, without which nobody could make the others."""

from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKeyRow
from app.accounts.usecases.ticket_keys import end_links
from app.core.auth import hash_key, make_key
from app.core.db.locks import AdvisoryLock, acquire
from app.core.ids import new_id

_OURS: Final = "hd_admin_"
_SHOWN: Final = 4
_ONE_AT_A_TIME: Final = AdvisoryLock("bootstrap", "hashtext('heliodesk bootstrap')")
_log = structlog.get_logger(__name__)


async def bootstrap_admin_key(session: AsyncSession, given: str, *, now: datetime) -> str | None:
    """See to it that there is an admin key: the one given by the operator, else any, else a new one.

    Returns the new key, to be shown once, and None where none was made. A given key takes the place of those that
    earlier starts were given or made: they are revoked. If it was itself revoked it stays so, which is logged.
    """
    await acquire(session, _ONE_AT_A_TIME)
    if given:
        await _give(session, given, now=now)
        return None
    live = (ApiKeyRow.revoked_at.is_(None)) & (ApiKeyRow.expires_at.is_(None) | (ApiKeyRow.expires_at > now))
    if (await session.execute(select(exists().where(ApiKeyRow.kind == "admin", live)))).scalar_one():
        return None
    key = make_key("admin")
    await _store(session, key, label="bootstrap", bootstrap=True, now=now)
    return key


async def add_admin_key(session: AsyncSession, *, now: datetime) -> str:
    """Make one more admin key, for an operator who has lost theirs."""
    key = make_key("admin")
    await _store(session, key, label="heliodesk admin-key", bootstrap=False, now=now)
    return key


async def _give(session: AsyncSession, key: str, *, now: datetime) -> None:
    await _store(session, key, label="bootstrap", bootstrap=True, now=now)
    others = (ApiKeyRow.bootstrap, ApiKeyRow.secret_hash != hash_key(key), ApiKeyRow.revoked_at.is_(None))
    revoked = await session.scalars(update(ApiKeyRow).where(*others).values(revoked_at=now).returning(ApiKeyRow.id))
    await end_links(session, revoked.all(), now=now)
    revoked_at = await session.scalar(select(ApiKeyRow.revoked_at).where(ApiKeyRow.secret_hash == hash_key(key)))
    if revoked_at:
        _log.warning("HELIODESK_ADMIN_KEY opens nothing: this key was revoked", revoked_at=revoked_at.isoformat())


async def _store(session: AsyncSession, key: str, *, label: str, bootstrap: bool, now: datetime) -> None:
    hint = key[: (len(_OURS) if key.startswith(_OURS) else 0) + _SHOWN]
    values = {"id": new_id("key"), "kind": "admin", "label": label, "hint": hint, "created_at": now}
    row = insert(ApiKeyRow).values(secret_hash=hash_key(key), bootstrap=bootstrap, **values)
    await session.execute(row.on_conflict_do_nothing(index_elements=["secret_hash"]))
