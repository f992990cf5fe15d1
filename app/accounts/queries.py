"""Reading accounts, people and keys. What the caller may not see is ``NotFound``."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow, ApiKeyRow, PersonRow
from app.core.auth import TICKET_KEY
from app.core.db.statements.rows import row_by_id
from app.core.problems import NotFound
from app.core.web.kit.paging import Page, in_order

T = TypeVar("T")


async def account_by_id(session: AsyncSession, account_id: str, *, lock: bool = False) -> AccountRow:
    """The account; with ``lock`` its row is held until the transaction ends."""
    query = select(AccountRow).where(AccountRow.account_id == account_id)
    return _found((await session.scalars(query.with_for_update() if lock else query)).one_or_none())


async def accounts_page(
    session: AsyncSession, page: Page, *, only: str | None, external_ref: str | None
) -> Sequence[AccountRow]:
    """A page of accounts, the oldest first, and one more; ``only`` restricts it to one account."""
    return await in_order(
        session, AccountRow, page, id_="account_id", account_id=only, external_ref=external_ref or None
    )


async def person_by_id(session: AsyncSession, account_id: str, person_id: str) -> PersonRow:
    """The person of this account."""
    return await row_by_id(session, PersonRow, person_id, account_id=account_id)


async def people_page(session: AsyncSession, page: Page, account_id: str) -> Sequence[PersonRow]:
    """A page of the account's people, the oldest first, and one more."""
    return await in_order(session, PersonRow, page, account_id=account_id)


async def count_owners(session: AsyncSession, account_id: str) -> int:
    """How many owners the account has."""
    query = select(func.count()).where(PersonRow.account_id == account_id, PersonRow.role == "owner")
    return (await session.execute(query)).scalar_one()


async def key_by_id(session: AsyncSession, key_id: str, *, lock: bool = False) -> ApiKeyRow:
    """The key, as it is when it is read; with ``lock`` its row is held until the transaction ends."""
    query = select(ApiKeyRow).where(ApiKeyRow.id == key_id).execution_options(populate_existing=True)
    return _found((await session.scalars(query.with_for_update() if lock else query)).one_or_none())


async def keys_page(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[ApiKeyRow]:
    """A page of keys, the oldest first, and one more; of one account, or all; none of single tickets."""
    listed = ApiKeyRow.kind != TICKET_KEY
    return await in_order(session, ApiKeyRow, page, listed, account_id=account_id)


def _found(row: T | None) -> T:
    if row is None:
        raise NotFound
    return row
