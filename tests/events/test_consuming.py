"""What follows the events."""

from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.state import State
from app.events.consuming import Consumer
from tests.support.desk import fetch
from tests.support.stories import Begin


class Taken:
    """Notes the types of the events that it takes; fails when it is told to."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.fails = False

    async def __call__(self, _: AsyncSession, events: Sequence[Row]) -> None:
        if self.fails:
            raise ValueError("no such luck")
        self.types += [event["type"] for event in events]


async def _mark(sessions: Sessions) -> int:
    (row,) = await fetch(sessions, "SELECT position FROM event_consumers")
    return int(row["position"])


async def _types(sessions: Sessions) -> list[str]:
    return [row["type"] for row in await fetch(sessions, "SELECT type FROM events ORDER BY position")]


@pytest.mark.parametrize("of_old", [True, False])
async def test_each_event_is_taken_once_in_order(
    state: State, sessions: Sessions, begin: Begin, *, of_old: bool
) -> None:
    story = await begin("google-premium")
    await story.open()
    before = await _types(sessions)
    consumer, taken = Consumer("test", sessions, state.feed, 3, of_old=of_old), Taken()
    assert await consumer.take(taken) == 0, "the first pass notes where to begin"
    await story.open()
    while await consumer.take(taken):
        pass
    assert taken.types == (await _types(sessions))[0 if of_old else len(before) :]
    assert await Consumer("test", sessions, state.feed, 3, of_old=of_old).take(taken) == 0, "it is known what is done"


async def test_what_fails_comes_again(state: State, sessions: Sessions, begin: Begin) -> None:
    consumer, taken = Consumer("test", sessions, state.feed, 100), Taken()
    await consumer.take(taken)
    await (await begin("google-premium")).open()
    taken.fails = True
    begun = await _mark(sessions)
    with pytest.raises(ValueError, match="no such luck"):
        await consumer.take(taken)
    assert await _mark(sessions) == begun
    taken.fails = False
    assert await consumer.take(taken) == len(taken.types) == len(await _types(sessions))


async def test_one_replica_at_a_time_goes_on(state: State, sessions: Sessions, begin: Begin) -> None:
    consumer, taken = Consumer("test", sessions, state.feed, 100), Taken()
    await consumer.take(taken)
    await (await begin("google-premium")).open()
    async with transaction(sessions) as other:
        await (await driver(other)).execute("SELECT FROM event_consumers FOR UPDATE")
        assert await consumer.take(taken) == 0
    assert await consumer.take(taken) == len(taken.types) > 0
