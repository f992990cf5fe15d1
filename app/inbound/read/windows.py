"""Reading maintenance windows. What the caller may not see is ``NotFound``."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.core.auth import Principal
from app.core.db.rows import row_by_id
from app.core.problems import NotFound
from app.core.web.paging import Page, in_order
from app.inbound.maintenance.models import MaintenanceWindow


async def window_by_id(
    session: AsyncSession, principal: Principal, window_id: str, *, lock: bool = False
) -> MaintenanceWindow:
    """The window; with ``lock`` its row is held until the transaction ends."""
    window = await row_by_id(session, MaintenanceWindow, window_id, lock=lock)
    if not principal.sees(window.account_id):
        raise NotFound
    return window


async def present_of(session: AsyncSession, account_id: str, now: datetime) -> datetime:
    """The account's instant."""
    return (await account_by_id(session, account_id)).sandbox_now or now


async def windows_page(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[MaintenanceWindow]:
    """A page of windows by their start, and one more; of one account, or all."""
    return await in_order(session, MaintenanceWindow, page, by="starts_at", account_id=account_id)
