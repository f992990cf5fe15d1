"""An admin who applies new versions of a plan."""

from typing import Any

import pytest

from tests.support.actors import Headers
from tests.support.planning import Planner
from tests.support.stories import Begin, Caller


@pytest.fixture
def planned(begin: Begin, admin: Headers) -> Any:
    async def start(plan: str = "wati-business-plus", **account: Any) -> Planner:
        story = await begin(plan, **account)
        return Planner(story, Caller(story.customer.client, admin))

    return start
