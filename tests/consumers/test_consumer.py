"""What follows the events."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from asyncpg import LockNotAvailableError
from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers import stalls
from app.consumers.consumer import Consumer, Work
from app.consumers.postponed import trouble
from app.core.db.causes import TooSlow
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.problems import TooManyRequests, Unavailable
from app.core.state import State
from app.events.envelope import NO_ACCOUNT
from tests.support.desk import fetch
from tests.support.stories import Begin


class Taken:
    """Notes the types of the events that it takes; fails when it is told to."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.ids: list[str] = []
        self.tries = 0
        self.fails: Exception | None = None
        self.of: str | None = None
        """the type of the events that it fails with; None: all"""
        self.fails_with: Callable[[Row], bool] = lambda _: True

    async def __call__(self, _: AsyncSession, events: Sequence[Row]) -> None:
        self.tries += 1
        types = [event["type"] for event in events]
        if self.fails and (self.of is None or self.of in types) and any(map(self.fails_with, events)):
            raise self.fails
        self.types += types
        self.ids += [event["id"] for event in events]


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
    taken.fails = ValueError("no such luck")
    begun = await _mark(sessions)
    with pytest.raises(ValueError, match="no such luck"):
        await consumer.take(taken)
    assert await _mark(sessions) == begun
    taken.fails = None
    await _until_all_is_done(consumer, taken)
    assert taken.types == await _types(sessions)


async def test_one_replica_at_a_time_goes_on(state: State, sessions: Sessions, begin: Begin) -> None:
    consumer, taken = Consumer("test", sessions, state.feed, 100), Taken()
    await consumer.take(taken)
    await (await begin("google-premium")).open()
    async with transaction(sessions) as other:
        await (await driver(other)).execute("SELECT FROM event_consumers FOR UPDATE")
        assert await consumer.take(taken) == 0
    assert await consumer.take(taken) == len(taken.types) > 0


async def _until_all_is_done(consumer: Consumer, taken: Work, tries: int = 200) -> None:
    """Passes, as the scheduler makes them: one that fails is followed by the next."""
    for _ in range(tries):
        with suppress(ValueError, TooSlow):
            if not await consumer.take(taken):
                return
    raise AssertionError("there is no end to it")


async def _begun(state: State, sessions: Sessions, begin: Begin, batch: int = 100) -> tuple[Consumer, list[str]]:
    """A consumer, and the types of the events that it has before it."""
    consumer = Consumer("test", sessions, state.feed, batch)
    await consumer.take(Taken())
    await (await begin("google-premium")).open()
    return consumer, await _types(sessions)


async def test_an_event_that_fails_alone_is_left_for_later_and_the_others_go_on(
    state: State, sessions: Sessions, begin: Begin
) -> None:
    consumer, types = await _begun(state, sessions, begin)
    taken = Taken()
    taken.fails, taken.of = ValueError("no such luck"), "ticket.opened"
    await _until_all_is_done(consumer, taken)
    assert taken.types == [each for each in types if each != "ticket.opened"]
    async with transaction(sessions) as session:
        assert await trouble(session) == "Events that background jobs cannot process (test), and try again later: 1"

    (told,) = await fetch(sessions, "SELECT account_id, audience, data FROM events WHERE type = 'event.postponed'")
    assert (told["account_id"], told["audience"]) == (NO_ACCOUNT, "internal")
    (opened,) = await fetch(sessions, "SELECT id FROM events WHERE type = 'ticket.opened'")
    facts = {"job": "test", "event_id": opened["id"], "event_type": "ticket.opened", "failures": 2}
    assert told["data"].items() >= (facts | {"reason": "failed", "error": "ValueError"}).items()


async def test_an_event_that_was_left_is_tried_again_until_it_is_processed(
    state: State, sessions: Sessions, begin: Begin
) -> None:
    consumer, types = await _begun(state, sessions, begin)
    taken = Taken()
    taken.fails, taken.of = ValueError("no such luck"), types[-1]
    await _until_all_is_done(consumer, taken)
    waits = []
    for _ in range(2):
        await fetch(sessions, "UPDATE postponed_events SET retry_at = now() RETURNING 1")
        again = Consumer("test", sessions, state.feed, 100)
        await _until_all_is_done(again, taken)
        (row,) = await fetch(sessions, "SELECT failures, retry_at - now() > '61 s' AS longer FROM postponed_events")
        waits.append((row["failures"], row["longer"]))
    assert waits == [(3, True), (4, True)], "the second failure is followed by a minute"

    taken.fails = None
    await fetch(sessions, "UPDATE postponed_events SET retry_at = now() RETURNING 1")
    await _until_all_is_done(Consumer("test", sessions, state.feed, 100), taken)
    assert sorted(taken.types) == sorted(types)
    assert await fetch(sessions, "SELECT 1 FROM postponed_events") == []
    async with transaction(sessions) as session:
        assert await trouble(session) is None


async def test_an_event_that_takes_too_long_is_left_for_later(state: State, sessions: Sessions, begin: Begin) -> None:
    consumer, types = await _begun(state, sessions, begin, 2)
    consumer.slow = 0.3

    async def work(_: AsyncSession, events: Sequence[Row]) -> None:
        if types[-1] in [event["type"] for event in events]:
            await asyncio.Event().wait()

    await _until_all_is_done(consumer, work)
    rows = await fetch(sessions, "SELECT type, reason FROM postponed_events JOIN events USING (position)")
    assert (types[-1], "slow") in [tuple(row.values()) for row in rows]


async def _troubled(
    state: State, sessions: Sessions, begin: Begin, fails: Callable[[Row], bool]
) -> tuple[Consumer, Taken]:
    """A consumer with the events of several tickets of two accounts before it, some of which it fails with."""
    consumer, taken = Consumer("test", sessions, state.feed, 100), Taken()
    await consumer.take(taken)
    first, second = await begin("google-premium"), await begin("google-premium")
    for _ in range(3):
        await first.open()
    await second.open()
    taken.fails, taken.fails_with = ValueError("no such luck"), fails
    for _ in range(60):
        with suppress(ValueError):
            await consumer.take(taken)
    return consumer, taken


async def test_a_job_that_fails_with_every_event_pauses_and_leaves_them_where_they_are(
    state: State, sessions: Sessions, begin: Begin
) -> None:
    consumer, taken = await _troubled(state, sessions, begin, lambda _: True)
    left = await fetch(sessions, "SELECT position FROM postponed_events WHERE position > 0")
    assert len(left) == 5
    told = await fetch(sessions, "SELECT type, data->>'job' AS job FROM events WHERE type LIKE '%.postponed'")
    assert sorted(row["type"] for row in told) == ["event.postponed"] * 5 + ["job.postponed"]
    async with transaction(sessions) as session:
        assert (
            await stalls.trouble(session)
            == "Background jobs that fail with every event, and are tried again later: test"
        )
    tries = taken.tries
    for _ in range(3):
        assert await consumer.take(taken) == 0
    assert taken.tries == tries, "it pauses"

    again = Consumer("test", sessions, state.feed, 100)
    assert await again.take(taken) == 0
    assert taken.tries > tries, "a process that starts tries it"
    (row,) = await fetch(
        sessions, "SELECT failures, retry_at - now() > '61 s' AS longer FROM postponed_events WHERE position = 0"
    )
    assert (row["failures"], row["longer"]) == (3, True)

    taken.fails = None
    await _until_all_is_done(Consumer("test", sessions, state.feed, 100), taken)
    types = await fetch(sessions, "SELECT id FROM events WHERE type NOT LIKE '%.postponed'")
    assert set(taken.ids) == {row["id"] for row in types}
    assert await fetch(sessions, "SELECT 1 FROM postponed_events") == []
    assert len(await fetch(sessions, "SELECT 1 FROM events WHERE type = 'job.postponed'")) == 1


async def test_events_of_one_account_do_not_make_a_job_pause(state: State, sessions: Sessions, begin: Begin) -> None:
    accounts: list[str] = []

    def of_the_first(event: Row) -> bool:
        accounts.append(event["account_id"])
        return bool(event["account_id"] == accounts[0])

    _, taken = await _troubled(state, sessions, begin, of_the_first)
    left = {row["position"] for row in await fetch(sessions, "SELECT position FROM postponed_events")}
    events = await fetch(sessions, "SELECT id, position, account_id FROM events WHERE type NOT LIKE '%.postponed'")
    assert len(left) > 5
    assert left == {row["position"] for row in events if row["account_id"] == accounts[0]}
    assert set(taken.ids) == {row["id"] for row in events if row["account_id"] != accounts[0]}


@pytest.mark.parametrize("error", [Unavailable(), TooManyRequests(), ConnectionError(), LockNotAvailableError()])
async def test_nothing_is_left_for_what_is_not_its_fault(
    state: State, sessions: Sessions, begin: Begin, error: Exception
) -> None:
    consumer, types = await _begun(state, sessions, begin, 1)
    taken, before = Taken(), await _mark(sessions)
    taken.fails = error
    for _ in range(4):
        with pytest.raises(type(error)):
            await consumer.take(taken)
    assert (await _mark(sessions), await fetch(sessions, "SELECT 1 FROM postponed_events")) == (before, [])
    taken.fails = None
    await _until_all_is_done(consumer, taken)
    assert taken.types == types


async def test_work_gets_the_types_that_it_asks_for(state: State, sessions: Sessions, begin: Begin) -> None:
    consumer, types = await _begun(state, sessions, begin)
    consumer.types, taken = ("ticket.opened",), Taken()
    await _until_all_is_done(consumer, taken)
    assert taken.types == ["ticket.opened"] != types


async def test_a_work_may_compute_for_as_long_as_a_batch_may_take(
    state: State, sessions: Sessions, begin: Begin
) -> None:
    """Otherwise the database ends the transaction, which says nothing of the events, and they come again for ever."""
    story, waits = await begin("google-premium"), list[str]()

    async def compute(session: AsyncSession, _: Sequence[Row]) -> None:
        waits.append(await (await driver(session)).fetchval("SHOW idle_in_transaction_session_timeout"))

    consumer = Consumer("test", sessions, state.feed, 100, of_old=True, slow=100.0)
    await story.open()
    await consumer.take(compute)
    await consumer.take(compute)
    assert set(waits) == {"105s"}
