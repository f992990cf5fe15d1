"""What a stream says while nothing happens, and what it holds."""

import asyncio
from math import inf

from app.core.clock import monotonic
from app.core.state import State
from app.feed.streaming import frames, pages
from tests.feed.conftest import EVERYTHING, Tell
from tests.support.waiting import PATIENCE


async def test_a_silent_stream_says_that_it_lives_and_how_far_it_is(state: State, tell: Tell, start: int) -> None:
    told = pages(state, EVERYTHING, start, until=inf, silence=0.3)
    first = await asyncio.wait_for(anext(told), PATIENCE)
    assert frames(first) == f": cursor at-{start}\nid: at-{start}\n\n".encode()
    [event_id] = await tell()
    while not (page := await asyncio.wait_for(anext(told), PATIENCE)).rows:
        pass  # on a slow machine it says once more that it lives
    assert event_id.encode() in frames(page)
    assert (await asyncio.wait_for(anext(told), PATIENCE)).rows == ()
    await told.aclose()


async def test_nobody_holds_a_connection_while_nothing_happens(state: State, start: int) -> None:
    readers = [pages(state, EVERYTHING, start, until=inf, silence=0.1) for _ in range(5)]
    for _ in range(3):
        await asyncio.wait_for(asyncio.gather(*(anext(reader) for reader in readers)), PATIENCE)
        assert state.engine.pool.checkedout() <= 1  # type: ignore[attr-defined]  # of this kind of pool; the poller's
    for reader in readers:
        await reader.aclose()


async def test_a_stream_ends_with_what_there_is_when_its_time_is_over(state: State, tell: Tell, start: int) -> None:
    ids = [event_id for _ in range(3) for event_id in await tell()]
    await state.feed.decided()
    told = [page async for page in pages(state, EVERYTHING, start, until=monotonic(), limit=2)]
    assert [row["id"] for page in told for row in page.rows] == ids
