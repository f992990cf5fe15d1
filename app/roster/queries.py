"""Reading engineers and regions."""

from collections.abc import Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.core.auth import Principal
from app.core.db.statements.rows import row_by_id
from app.core.problems import Forbidden
from app.core.text.messages import _
from app.core.web.kit.deps import require_support
from app.core.web.kit.paging import Page, in_order
from app.roster.models import EngineerRow, RegionRow


async def engineer_by_id(
    session: AsyncSession, engineer_id: str, *, lock: bool = False, only: str | None = None
) -> EngineerRow:
    """The engineer, of ``only`` one account if given; with ``lock`` the row is held until the transaction ends."""
    return await row_by_id(session, EngineerRow, engineer_id, lock=lock, only=only)


async def own_engineer(
    session: AsyncSession, principal: Principal, engineer_id: str, *, lock: bool = False
) -> EngineerRow:
    """The engineer, for an admin or for themselves.

    404 for one whom the caller does not see; 403 for one about whom it is not the caller's to decide.
    """
    require_support(principal)
    if principal.kind != "admin" and principal.engineer_id != engineer_id:
        raise Forbidden(_("Only admins and the engineer can do that"))
    return await engineer_by_id(session, engineer_id, lock=lock, only=principal.only)


async def engineers_page(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[EngineerRow]:
    """A page of engineers, the oldest first, and one more; those of one sandbox account, or all."""
    return await in_order(session, EngineerRow, page, account_id=account_id)


async def region_by_id(session: AsyncSession, region_id: str, *, lock: bool = False) -> RegionRow:
    """The region; with ``lock`` the row is held until the transaction ends."""
    return await row_by_id(session, RegionRow, region_id, lock=lock)


async def regions_page(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[RegionRow]:
    """A page of regions in the order of the sun, and one more: the live ones, or a sandbox account's own."""
    mine = RegionRow.account_id
    query = select(RegionRow).where(mine.is_(None) if account_id is None else mine == account_id)
    if place := page.place(int, str):
        query = query.where(tuple_(RegionRow.place, RegionRow.id) > place)
    return (await session.scalars(query.order_by(RegionRow.place, RegionRow.id).limit(page.limit + 1))).all()


async def serving_regions(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[RegionRow]:
    """A page of the regions that serve an account: its own if it is a sandbox, else the live ones."""
    sandbox = await session.scalar(
        select(AccountRow.account_id).where(AccountRow.account_id == account_id, AccountRow.sandbox_now.is_not(None))
    )
    return await regions_page(session, page, sandbox)
