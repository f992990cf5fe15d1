"""Which plan an account's tickets are opened under at this moment."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.accounts.terms import plan_in_force
from app.core.clock import database_now
from app.core.db.session import memory_of
from app.plans import store
from app.plans.document.model import PlanDocument


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """A plan's newest version in force."""

    key: str
    version: int
    document: PlanDocument

    @property
    def trial(self) -> str | None:
        """The plan that holds in its place during a trial."""
        return self.document.trial


async def newest_version(session: AsyncSession, key: str) -> OwnPlan | None:
    """The newest version of a plan that is in force; None where there is none."""
    version = await store.current_version(session, key)
    if version is None:
        return None
    return OwnPlan(key, version, await store.document(session, memory_of(session), key, version))


async def plan_of_account(session: AsyncSession, account_id: str, product: str | None) -> OwnPlan:
    """The plan under which the account would open a ticket about this product now. 409 where it has none in force."""
    account = await account_by_id(session, account_id)
    now = account.sandbox_now or await database_now(session)
    return await plan_in_force(account, product, now, lambda key: newest_version(session, key))
