import pytest

from app.accounts.models import AccountRow
from app.core.db.engine import Sessions
from tests.support.actors import make_account
from tests.support.desk import store_plan


@pytest.fixture
async def account(sessions: Sessions) -> AccountRow:
    """An account with ``wati-business-plus``."""
    plan = await store_plan(sessions, "wati-business-plus")
    return await make_account(sessions, plan, manager={"name": "Mia Berg", "email": "mia@example.com"})
