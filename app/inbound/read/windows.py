"""Reading maintenance windows. What the caller may not see is ``NotFound``."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.core.auth import Principal
from app.core.problems import NotFound
from app.core.web.paging import Page, in_order
from app.inbound.maintenance.models import MaintenanceWindow


async def window_by_id(
    session: AsyncSession, principal: Principal, window_id: str, *, lock: bool = False
) -> MaintenanceWindow:
    """The window; with ``lock`` its row is held until the transaction ends."""
    query = select(MaintenanceWindow).where(MaintenanceWindow.id == window_id)
    window = (await session.scalars(query.with_for_update() if lock else query)).one_or_none()
    if window is None or not principal.sees(window.account_id):
        raise NotFound
    return window


async def present_of(session: AsyncSession, account_id: str, now: datetime) -> datetime:
    """The account's instant."""
    return (await account_by_id(session, account_id)).sandbox_now or now


async def windows_page(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[MaintenanceWindow]:
    """A page of windows by their start, and one more; of one account, or all."""
    query = select(MaintenanceWindow)
    if account_id:
        query = query.where(MaintenanceWindow.account_id == account_id)
    return (await session.scalars(in_order(query, page, MaintenanceWindow.starts_at, MaintenanceWindow.id))).all()
