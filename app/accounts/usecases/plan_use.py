"""Taking plan versions out of force, as far as the accounts that have the plan let it."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.core.db.locks import acquire
from app.core.problems import Conflict
from app.core.text.messages import ngettext
from app.plans import queries, store
from app.plans.models import PlanVersionRow


async def archive(session: AsyncSession, key: str, version: int, *, now: datetime) -> PlanVersionRow:
    """Take a version out of force: no new ticket gets it, open tickets keep it (C14). Archived already: nothing.

    Raises 404 for an unknown version, 409 for the last one in force of a plan that accounts have.
    """
    await acquire(session, store.LOCK)
    row = await queries.stored_version(session, key, version)
    if row.archived_at:
        return row
    row.archived_at = now
    await session.flush()
    if await store.current_version(session, key) is None and (accounts := await _count_accounts(session, key)):
        detail = ngettext(
            "It is the last version in force of the plan {key}, which {n} account has",
            "It is the last version in force of the plan {key}, which {n} accounts have",
            accounts,
            key=key,
        )
        raise Conflict(detail, accounts=accounts)
    return row


async def restore(session: AsyncSession, key: str, version: int) -> PlanVersionRow:
    """Put a version into force again: new tickets get the newest that is. In force already: nothing. 404 if unknown."""
    await acquire(session, store.LOCK)
    row = await queries.stored_version(session, key, version)
    row.archived_at = None
    await session.flush()
    return row


async def _count_accounts(session: AsyncSession, key: str) -> int:
    """How many accounts have the plan, for all or for some of their products."""
    query = select(func.count()).select_from(AccountRow).where(or_(AccountRow.plan == key, _for_a_product(key)))
    return (await session.execute(query)).scalar_one()


def _for_a_product(key: str) -> ColumnElement[bool]:
    products = func.jsonb_each_text(AccountRow.product_plans).table_valued("key", "value")
    return select(products.c.value).where(products.c.value == key).exists()
