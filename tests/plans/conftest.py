import pytest

from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.plans import store


@pytest.fixture
async def shipped(sessions: Sessions) -> None:
    """The shipped plans are stored."""
    async with transaction(sessions) as session:
        await store.load_builtin(session, await database_now(session))
