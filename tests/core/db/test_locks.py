"""Advisory locks: those who wait hold next to no connections, keep their order, and give up in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import pytest
from asyncpg import LockNotAvailableError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.db.engine import Sessions, make_engine
from app.core.db.locks import AdvisoryLock, acquire, locks_of, try_acquire
from app.core.db.pool import Limits, gate_of
from app.core.db.queues import LockQueue
from app.core.db.session import Again, make_sessions, run, transaction
from app.core.problems import Unavailable
from app.core.signals import WakeUps
from tests.support.waiting import PATIENCE, until

LOCK: Final = AdvisoryLock("test", "hashtext('heliodesk test'), hashtext($1)")
OTHER: Final = AdvisoryLock("other", "hashtext('heliodesk other')")
CROWD: Final = 30


@pytest.fixture
async def engine_of_requests(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database, pool_size=8, limits=Limits(lock=20))
    yield engine
    await engine.dispose()


@pytest.fixture
def requests(engine_of_requests: AsyncEngine) -> Sessions:
    return make_sessions(engine_of_requests, WakeUps())


@asynccontextmanager
async def held(database: str, key: str = "") -> AsyncIterator[None]:
    """Another session holds ``LOCK`` for as long as the block runs."""
    connection = await asyncpg.connect(database)
    await connection.fetchval(LOCK.waited_for.replace("_xact", ""), key)
    try:
        yield
    finally:
        await connection.close()


async def test_a_lock_is_had_until_the_transaction_ends(requests: Sessions) -> None:
    async with transaction(requests) as one, transaction(requests) as other:
        await acquire(one, LOCK, "a")
        assert not await try_acquire(other, LOCK, "a")
        assert await try_acquire(other, LOCK, "b")
    async with transaction(requests) as third:
        assert await try_acquire(third, LOCK, "a")


async def test_a_crowd_waits_with_two_connections_and_each_has_its_turn(
    requests: Sessions, engine_of_requests: AsyncEngine, database: str
) -> None:
    inside, most, done, begun = 0, 0, list[int](), 0

    async def one(number: int) -> None:
        async def work(session: AsyncSession) -> None:
            nonlocal inside, most, begun
            begun += 1
            await acquire(session, LOCK, "")
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            done.append(number)

        await run(requests, work)

    gate = gate_of(engine_of_requests)
    async with asyncio.TaskGroup() as crowd, held(database):
        for number in range(CROWD):
            crowd.create_task(one(number))
        await until(lambda: begun == CROWD and gate.taken == 2)
        async with transaction(requests) as session:  # others are not kept waiting
            await acquire(session, LOCK, "another one")
        assert (gate.taken, done) == (2, [])
    assert most == 1
    assert sorted(done) == list(range(CROWD))
    assert begun <= 2 * CROWD
    assert gate.taken == 0


async def test_whoever_holds_a_lock_goes_on_with_it_whoever_waits(requests: Sessions) -> None:
    begun, queue, waiting = 0, locks_of(requests).of("test"), list[asyncio.Task[None]]()

    async def short(session: AsyncSession) -> None:
        await acquire(session, LOCK, "")

    async def long(session: AsyncSession) -> None:
        nonlocal begun
        begun += 1
        await acquire(session, LOCK, "")
        waiting.extend(asyncio.create_task(run(requests, short)) for _ in range(3))
        await until(lambda: queue.busy)
        await acquire(session, LOCK, "")

    await run(requests, long)
    await asyncio.gather(*waiting)
    assert begun == 1


async def test_a_lock_that_is_not_to_be_had_is_given_up_by_all_at_once(database: str) -> None:
    engine = make_engine(database, pool_size=8, limits=Limits(lock=0.3))
    sessions = make_sessions(engine, WakeUps())

    async def work(session: AsyncSession) -> None:
        await acquire(session, LOCK, "")

    async with held(database):
        given_up = await asyncio.gather(*(run(sessions, work) for _ in range(CROWD)), return_exceptions=True)
        assert {type(error) for error in given_up} == {LockNotAvailableError}
        trouble = locks_of(sessions).trouble()
        assert trouble is not None
        assert "test" in trouble
    await run(sessions, work)
    async with held(database):
        waits, queue = asyncio.create_task(run(sessions, work, patience=PATIENCE)), locks_of(sessions).of("test")
        await until(lambda: queue._turns == 1)
    await waits
    assert locks_of(sessions).trouble() is None
    await engine.dispose()


async def test_whoever_is_in_a_hurry_waits_for_a_shorter_time(requests: Sessions, database: str) -> None:
    async def work(session: AsyncSession) -> None:
        await acquire(session, LOCK, "")

    async with held(database):
        with pytest.raises(LockNotAvailableError):  # long before the 20 s of the connection
            await asyncio.wait_for(run(requests, work, patience=0.05), 15)


async def test_one_who_goes_away_hands_its_turn_on(requests: Sessions, database: str) -> None:
    done: list[int] = []

    async def one(number: int) -> None:
        async def work(session: AsyncSession) -> None:
            await acquire(session, LOCK, "")
            done.append(number)

        await run(requests, work)

    async with held(database):
        queue = locks_of(requests).of("test")
        tasks = [asyncio.create_task(one(number)) for number in range(5)]
        await until(lambda: len(queue._waiting) == 3)
        for gone in (tasks[0], tasks[3]):  # at the database, and in the queue
            gone.cancel()
        await asyncio.wait([tasks[0], tasks[3]])
    await asyncio.gather(tasks[1], tasks[2], tasks[4])
    assert sorted(done) == [1, 2, 4]


async def test_turns_come_in_order() -> None:
    queue, came = LockQueue(turns=1), list[int]()
    assert queue.enter_now()

    async def one(number: int) -> None:
        await queue.enter(60)
        came.append(number)
        queue.leave()

    tasks = [asyncio.create_task(one(number)) for number in range(10)]
    await until(lambda: queue.busy)
    assert not queue.enter_now()
    queue.leave()
    await asyncio.gather(*tasks)
    assert came == list(range(10))
    assert queue.enter_now()


async def test_a_turn_that_does_not_come_is_given_up() -> None:
    queue = LockQueue(turns=1)
    assert queue.enter_now()
    with pytest.raises(LockNotAvailableError):
        await queue.enter(0.01)
    queue.leave()
    assert queue.enter_now()


async def test_work_that_always_loses_is_told_so(requests: Sessions) -> None:
    tries = 0

    async def work(_: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        raise Again

    with pytest.raises(Unavailable):
        await run(requests, work)
    assert tries == 5


async def test_two_locks_are_waited_for_one_after_the_other(requests: Sessions, database: str) -> None:
    async def work(session: AsyncSession) -> str:
        await acquire(session, LOCK, "")
        await acquire(session, OTHER)
        return "both"

    async with held(database):
        both = [asyncio.create_task(run(requests, work)) for _ in range(5)]
        await until(lambda: locks_of(requests).of("test").busy)
    assert await asyncio.gather(*both) == ["both"] * 5
