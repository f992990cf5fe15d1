"""Taking a place under a quota: counted under a lock, so that two at once do not both take the last one."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.locks import AdvisoryLock, acquire
from app.core.db.session import driver
from app.core.limits.quotas import Quota
from app.core.settings import Settings

_ALONE: Final = AdvisoryLock("quota", "hashtextextended('heliodesk quota ' || $1::text || ' ' || $2::text, 0)")
_OPERATOR: Final = "-"


async def hold_places(session: AsyncSession, quota: Quota, owner: str | None) -> None:
    """Let nobody else take a place of this owner's until the transaction ends."""
    await acquire(session, _ALONE, quota.name, owner or _OPERATOR)


async def take_place(
    session: AsyncSession, quota: Quota, settings: Settings, owner: str | None, *, more: int = 1
) -> None:
    """409 unless ``owner`` (None: the operator) may have one more, or so many, which this transaction makes.

    Others who make some for the same owner wait until the transaction ends. What was made under a larger setting stays.
    """
    await hold_places(session, quota, owner)
    used = await (await driver(session)).fetchval(f"SELECT {quota.owned}", owner)
    quota.check(used, quota.value(settings, of_operator=owner is None), more)
