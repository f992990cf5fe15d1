from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.core.auth import make_key
from app.core.db.engine import Sessions
from tests.support.desk import connected
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture(scope="session")
def admin_key() -> str:
    """The admin key of every service that a test runs."""
    return make_key("admin")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's own user may pass through, as pytest's own for root is not."""
    with TemporaryDirectory(prefix="heliodesk-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
async def shared(own_database: str) -> AsyncIterator[Sessions]:
    """Sessions on the database that the services of this test serve."""
    async with connected(own_database) as sessions:
        yield sessions


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver
