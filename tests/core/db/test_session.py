import asyncio
import gc
import weakref
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import do_last, driver, ring_after_commit, transaction
from app.core.db.statements.bulk import insert_rows, updated, write
from app.core.signals import WakeUps
from app.models import plans
from tests.support.desk import connected, fetch

PLAN = {
    "key": "p",
    "version": 1,
    "document": {"a": [1, None, "ł"]},
    "document_hash": "h",
    "created_at": datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
}


async def _count(sessions: Sessions) -> int:
    async with sessions() as session:
        return (await session.execute(select(func.count()).select_from(plans.PlanVersionRow))).scalar_one()


async def test_a_transaction_commits_and_then_rings(sessions: Sessions, wake_ups: WakeUps) -> None:
    async with transaction(sessions) as session:
        await insert_rows(session, plans.PlanVersionRow, [PLAN, PLAN | {"version": 2}])
        ring_after_commit(session, "sweep")
        assert wake_ups.sweep.rings == 0
    assert wake_ups.sweep.rings == 1
    assert await _count(sessions) == 2


async def test_nothing_of_a_transaction_waits_for_a_collection_of_garbage(sessions: Sessions) -> None:
    """However the session is known by what it knows: a request's answer may be large."""

    class Much:
        session: AsyncSession | None = None

    gc.disable()
    try:
        async with transaction(sessions) as session:
            much = session.info["much"] = Much()
            much.session = session
            do_last(session, partial(driver, session))
            left = weakref.ref(much)
        del much, session
        assert left() is None
    finally:
        gc.enable()


async def test_a_transaction_that_raises_leaves_nothing(sessions: Sessions, wake_ups: WakeUps) -> None:
    async def fail() -> None:
        async with transaction(sessions) as session:
            await insert_rows(session, plans.PlanVersionRow, [PLAN])
            ring_after_commit(session, "sweep")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await _count(sessions) == 0
    assert wake_ups.sweep.rings == 0


async def test_bulk_rows_come_back_as_they_were_given(rolled_back: Sessions) -> None:
    async with transaction(rolled_back) as session:
        await insert_rows(session, plans.PlanVersionRow, [PLAN])
        await write(session, updated(plans.PlanVersionRow, [{"key": "p", "version": 1, "document_hash": "new"}]))
    async with rolled_back() as session:
        row = (await session.execute(select(plans.PlanVersionRow))).scalar_one()
    assert (row.document, row.created_at, row.document_hash) == (PLAN["document"], PLAN["created_at"], "new")


async def test_the_rolled_back_database_is_empty_for_the_next_test(sessions: Sessions) -> None:
    assert await _count(sessions) == 0


async def test_whenever_a_transaction_is_cancelled_the_next_one_is_whole(sessions: Sessions, database: str) -> None:
    """A connection that was cancelled in its BEGIN would take the next transaction's writes, and never commit them."""
    async with connected(database, pool_size=1) as other:

        async def write(version: int) -> None:
            async with transaction(other) as session:
                await insert_rows(session, plans.PlanVersionRow, [PLAN | {"version": version}])

        await write(0)
        for steps in range(1, 40):
            task = asyncio.create_task(write(-steps))
            for _ in range(steps):
                await asyncio.sleep(0.0001)
            task.cancel()
            await asyncio.wait([task])
            await write(steps)
    stored = {row["version"] for row in await fetch(sessions, "SELECT version FROM plan_versions")}
    assert set(range(40)) - stored == set()
