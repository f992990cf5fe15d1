"""One look of a process serves all who wait in it, and wakes those for whom there is something."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import structlog
from asyncpg import PostgresError
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.signals import WakeUps
from app.core.state import State
from app.feed.poller import FeedPoller
from tests.feed.conftest import row, told_in
from tests.support.waiting import PATIENCE, until


@contextmanager
def counting_polls(engine: AsyncEngine) -> Iterator[list[int]]:
    """How often a connection is taken out of the pool in the meantime."""
    taken: list[int] = []

    def note(*_: Any) -> None:
        taken.append(1)

    event.listen(engine.sync_engine, "checkout", note)
    try:
        yield taken
    finally:
        event.remove(engine.sync_engine, "checkout", note)


def _is_waited_for(poller: FeedPoller) -> bool:
    return bool(poller._waiting)


async def test_a_thousand_who_wait_cost_one_look_every_quarter_of_a_second(state: State, engine: AsyncEngine) -> None:
    position = await state.feed.decided()
    began = monotonic()
    with counting_polls(engine) as taken:
        waiting = [state.feed.news(position, f"acc_{number}", 1.0) for number in range(1000)]
        assert not any(await asyncio.gather(*waiting))
    assert 1 <= len(taken) <= (monotonic() - began) / 0.25 + 2


async def test_only_those_are_woken_for_whom_there_is_something(state: State, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await told_in(session, row())
    position = await state.feed.decided()
    names = ("acc_1", "acc_2", None)
    waiting = [asyncio.create_task(state.feed.news(position, name, PATIENCE)) for name in names]
    await until(lambda: len(state.feed._waiting) == len(names))  # type: ignore[attr-defined]  # the poller's
    async with transaction(sessions) as session:
        await told_in(session, row("acc_2"))
    asleep, *woken = waiting
    assert [await each for each in woken] == [True, True]
    assert not asleep.done()
    asleep.cancel()
    await asyncio.wait([asleep])


async def test_a_commit_of_this_process_wakes_at_once_and_another_ones_within_a_poll(
    state: State, sessions: Sessions
) -> None:
    for feed in (
        FeedPoller(state.engine, state.wake_ups.events, interval=600),
        FeedPoller(state.engine, WakeUps().events),
    ):
        position = await feed.decided()
        waiting = asyncio.create_task(feed.news(position, None, 600))
        await until(partial(_is_waited_for, feed))
        async with transaction(sessions) as session:
            await told_in(session, row())
        assert await asyncio.wait_for(waiting, PATIENCE)


async def test_who_waits_is_woken_by_the_poll_after_one_that_failed_half_way(
    state: State, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is lost between learning how far the feed is and learning whose events these are."""
    async with transaction(sessions) as session:
        await told_in(session, row())
    feed = FeedPoller(state.engine, state.wake_ups.events)
    position = await feed.decided()
    waiting = asyncio.create_task(feed.news(position, "acc_1", PATIENCE))
    await until(partial(_is_waited_for, feed))
    with monkeypatch.context() as patch:
        patch.setattr("app.feed.poller._ACCOUNTS", "SELECT 1 / 0 WHERE $1::bigint < $2::bigint")
        async with transaction(sessions) as session:
            await told_in(session, row("acc_1"))
        with pytest.raises(PostgresError):
            await feed.poll()
    await feed.poll()
    assert await waiting


async def test_a_feed_that_stands_still_is_told_to_operators(state: State, sessions: Sessions) -> None:
    feed = FeedPoller(state.engine, WakeUps().events, held=0.05)
    await feed.decided()
    async with transaction(sessions) as slow:
        await told_in(slow, row())
        async with transaction(sessions) as quick:
            await told_in(quick, row())
        with structlog.testing.capture_logs() as logs:
            await feed.decided()
        assert re.search(r"has waited \d+ s for transactions:", feed.trouble() or "")
        assert [log["event"] for log in logs] == ["the feed stands still"]
    await feed.decided()
    assert feed.trouble() is None
