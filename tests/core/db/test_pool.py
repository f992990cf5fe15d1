"""Who gets a database connection when there are not enough: fairly among accounts, and not for ever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import Sessions, make_engine
from app.core.db.errors import DATABASE_ERRORS, is_outage
from app.core.db.pool import Gate, Limits, gate_of, holder
from app.core.db.session import driver, make_sessions, transaction
from app.core.signals import WakeUps
from tests.support.waiting import until

SIZE: Final = 8
MOST: Final = 6


def fill(gate: Gate, **taken: int) -> None:
    for who, number in taken.items():
        assert all(gate.enter_now(who) for _ in range(number))


async def entered(gate: Gate, who: str, into: list[str]) -> None:
    if not gate.enter_now(who):
        await gate.enter(who)
    into.append(who)


async def waiting(gate: Gate, into: list[str], *callers: str) -> list["asyncio.Task[None]"]:
    """These callers, who wait in this order."""
    before = gate.waiting
    tasks = [asyncio.create_task(entered(gate, who, into)) for who in callers]
    await until(lambda: gate.waiting == before + len(callers))
    return tasks


def test_one_account_never_has_all_connections() -> None:
    gate = Gate(SIZE, 1)
    fill(gate, greedy=MOST)
    assert not gate.enter_now("greedy")
    assert gate.enter_now("other")
    assert gate.enter_now(None)
    assert not gate.enter_now("third")


def test_short_look_ups_of_keys_may_have_all() -> None:
    gate = Gate(SIZE, 1)
    assert all(gate.enter_now(None) for _ in range(SIZE))


@pytest.mark.parametrize("size", [2, 3, 4, 100])
def test_a_pool_of_any_size_serves_two(size: int) -> None:
    gate = Gate(size, 1)
    while gate.enter_now("greedy"):
        pass
    assert 1 <= gate.taken < size
    assert gate.enter_now("other")


async def test_a_free_connection_goes_to_who_has_the_fewest_and_among_equals_in_turn() -> None:
    gate, into = Gate(SIZE, 60), list[str]()
    fill(gate, greedy=MOST, other=1, third=1)
    tasks = await waiting(gate, into, "greedy", "greedy", "other", "other", "third", "new")
    for _ in range(5):
        gate.leave("greedy")
    await until(lambda: len(into) == 5)
    assert into == ["new", "other", "third", "greedy", "other"]  # greedy has 6, 5, 4 and then 3; a new one had none
    assert gate.taken == SIZE
    gate.leave("greedy")
    await asyncio.gather(*tasks)


async def test_who_waits_in_vain_is_told_and_leaves_nothing_behind() -> None:
    gate = Gate(2, 0.02)
    fill(gate, one=1, other=1)
    with pytest.raises(SQLAlchemyTimeout):
        await gate.enter("one")
    assert (gate.waiting, gate.taken, gate.refused) == (0, 2, 1)
    gate.leave("one")
    assert gate.enter_now("one")


@pytest.mark.parametrize("given", [False, True])
async def test_who_goes_away_while_waiting_takes_no_connection_along(given: bool) -> None:  # noqa: FBT001
    gate, into = Gate(2, 60), list[str]()
    fill(gate, one=1, other=1)
    first, second = await waiting(gate, into, "third", "fourth")
    if given:
        gate.leave("one")
    first.cancel()
    await asyncio.wait([first])
    if not given:
        gate.leave("one")
    await second
    assert (into, gate.taken, gate.waiting) == (["fourth"], 2, 0)


@pytest.fixture
async def small(database: str) -> AsyncIterator[AsyncEngine]:
    """An engine with four connections, at most three of them for one holder."""
    engine = make_engine(database, pool_size=4, limits=Limits(connection=0.1))
    yield engine
    await engine.dispose()


async def _held(stack: AsyncExitStack, sessions: Sessions, who: str) -> None:
    holder.set(who)
    session = await stack.enter_async_context(transaction(sessions))
    await session.execute(text("SELECT 1"))


async def test_connections_are_shared_fairly(small: AsyncEngine) -> None:
    sessions = make_sessions(small, WakeUps())
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await _held(stack, sessions, "greedy")
        with pytest.raises(SQLAlchemyTimeout):
            await _held(stack, sessions, "greedy")
        await _held(stack, sessions, "other")
        assert gate_of(small).taken == 4
    assert gate_of(small).taken == 0


async def test_a_connection_that_cannot_be_opened_leaves_its_place_free() -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=2)
    for _ in range(5):
        with pytest.raises(ConnectionRefusedError):
            async with engine.connect():
                pass
    assert gate_of(engine).taken == 0


async def test_a_connection_that_breaks_leaves_its_place_free(small: AsyncEngine) -> None:
    for _ in range(5):
        async with small.connect() as connection:
            await connection.invalidate()
    assert gate_of(small).taken == 0
    await small.dispose()
    assert gate_of(small).taken == 0


async def _sleep(session: Sessions) -> None:
    async with transaction(session) as one:
        await one.execute(text("SELECT pg_sleep(60)"))


async def _idle(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        connection = await driver(session)
        await until(connection.is_closed)
        await connection.execute("SELECT 1")


async def _answers(sessions: Sessions) -> bool:
    """Whether a short statement goes through; where this machine stands still, it takes too long as well."""
    with suppress(*DATABASE_ERRORS):
        async with transaction(sessions) as session:
            return bool(await session.scalar(text("SELECT 1")) == 1)
    return False


@pytest.mark.parametrize("work", [_sleep, _idle])
async def test_postgresql_ends_what_takes_too_long(database: str, work: Callable[[Sessions], Awaitable[None]]) -> None:
    engine = make_engine(database, pool_size=2, limits=Limits(statement=0.1, idle=0.1))
    sessions = make_sessions(engine, WakeUps())
    with pytest.raises(DATABASE_ERRORS) as ended:
        await work(sessions)
    assert is_outage(ended.value)
    await until(lambda: _answers(sessions))
    await engine.dispose()
