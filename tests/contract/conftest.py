from collections.abc import AsyncIterator

import pytest

from tests.contract.world import World, open_world
from tests.support.database import new_database


@pytest.fixture(scope="package")
async def world(server: str, template: str) -> AsyncIterator[World]:
    """One for all tests here: most of them are refused and change nothing, the others take new things."""
    async with new_database(server, template) as url, open_world(url) as world:
        yield world
