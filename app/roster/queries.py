"""Reading engineers."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Page, in_order
from app.core.problems import NotFound
from app.roster.models import Engineer


async def engineer_by_id(session: AsyncSession, engineer_id: str, *, lock: bool = False) -> Engineer:
    """The engineer; with ``lock`` the row is held until the transaction ends."""
    query = select(Engineer).where(Engineer.id == engineer_id)
    engineer = (await session.scalars(query.with_for_update() if lock else query)).one_or_none()
    if engineer is None:
        raise NotFound
    return engineer


async def engineers_page(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[Engineer]:
    """A page of engineers, the oldest first, and one more; those of one sandbox account, or all."""
    query = select(Engineer)
    if account_id:
        query = query.where(Engineer.account_id == account_id)
    return (await session.scalars(in_order(query, page, Engineer.created_at, Engineer.id))).all()
