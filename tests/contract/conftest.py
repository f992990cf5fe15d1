from collections.abc import AsyncIterator

import pytest

from tests.contract.world import World, open_world
from tests.support.database import new_database


@pytest.fixture(scope="package")
async def world(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all tests here: most of them are refused and change nothing, the others take new things."""
    async with new_database(server, template) as url, open_world(url, tmp_path_factory.mktemp("files")) as world:
        yield world
