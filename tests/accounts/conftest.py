import pytest

from app.accounts.models import AccountRow
from app.core.db.engine import Sessions
from tests.support.actors import Headers, make_account, make_key, make_plan


@pytest.fixture
async def plan(sessions: Sessions) -> str:
    return await make_plan(sessions, "gold", addons={"tam": {}})


@pytest.fixture
async def account(sessions: Sessions, plan: str) -> AccountRow:
    return await make_account(sessions, plan)


@pytest.fixture
async def owner(sessions: Sessions, account: AccountRow) -> Headers:
    return await make_key(sessions, account_id=account.account_id, role="owner")


@pytest.fixture
async def viewer(sessions: Sessions, account: AccountRow) -> Headers:
    return await make_key(sessions, account_id=account.account_id, role="viewer")


@pytest.fixture
async def stranger(sessions: Sessions, plan: str) -> Headers:
    other = await make_account(sessions, plan, name="Another")
    return await make_key(sessions, account_id=other.account_id, role="owner")


@pytest.fixture
async def agent(sessions: Sessions) -> Headers:
    return await make_key(sessions, "agent")
