"""Reading stored plan versions for lists and single answers."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import NotFound
from app.core.text.messages import _
from app.plans.models import PlanVersionRow
from app.plans.store import current_version


async def current_plans(session: AsyncSession, after: str, limit: int) -> Sequence[PlanVersionRow]:
    """The current version of each plan whose key comes after ``after``, in order of the keys."""
    newest = (
        select(PlanVersionRow)
        .where(PlanVersionRow.archived_at.is_(None), PlanVersionRow.key > after)
        .ext(distinct_on(PlanVersionRow.key))
        .order_by(PlanVersionRow.key, PlanVersionRow.version.desc())
        .limit(limit)
    )
    return (await session.scalars(newest)).all()


async def versions_of(session: AsyncSession, key: str, below: int, limit: int) -> Sequence[PlanVersionRow]:
    """The versions of a plan with numbers under ``below``, the newest first, archived ones included."""
    older = (
        select(PlanVersionRow)
        .where(PlanVersionRow.key == key, PlanVersionRow.version < below)
        .order_by(PlanVersionRow.version.desc())
        .limit(limit)
    )
    return (await session.scalars(older)).all()


async def stored_version(session: AsyncSession, key: str, version: int) -> PlanVersionRow:
    """One version. Raises ``NotFound``."""
    found = await session.get(PlanVersionRow, (key, version))
    if found is None:
        raise NotFound(_("There is no version {version} of the plan {key}", version=version, key=key))
    return found


async def current(session: AsyncSession, key: str) -> int:
    """The number of the plan's current version. Raises ``NotFound`` when there is none."""
    version = await current_version(session, key)
    if version is None:
        raise NotFound(_("There is no plan {key}", key=key))
    return version
