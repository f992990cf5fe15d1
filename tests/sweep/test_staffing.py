"""The sweep goes on while others hold the roster; what needs an expert is staffed behind it, in its turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from app.accounts.models import AccountRow
from app.core.db.engine import Sessions, make_engine
from app.core.db.pool import Limits
from app.core.db.session import make_sessions, transaction
from app.core.signals import WakeUps
from app.sweep import staffing
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock
from app.tickets.save import staff_and_save
from tests.support.actors import make_account, make_engineer
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.replaying import replayed
from tests.support.stories import P1
from tests.support.sweeping import next_wake, run_pass
from tests.support.waiting import until

DAY = timedelta(days=1)
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@asynccontextmanager
async def roster_held(database: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(database)
    await connection.execute("SELECT pg_advisory_lock(hashtext('heliodesk roster'), hashtext(''))")
    try:
        yield
    finally:
        await connection.close()


@pytest.fixture
async def premium(sessions: Sessions) -> AccountRow:
    return await make_account(sessions, await store_plan(sessions, "google-premium"))


async def missed(sessions: Sessions) -> set[str]:
    return {row["ticket_id"] for row in await fetch(sessions, "SELECT * FROM events WHERE type = 'deadline.missed'")}


async def test_a_held_roster_keeps_back_what_needs_an_expert_and_nothing_else(
    sessions: Sessions, wake_ups: WakeUps, account: AccountRow, premium: AccountRow, database: str
) -> None:
    ago = await now_of(sessions) - DAY
    urgent = await open_at(sessions, premium.account_id, ago, ago, **P1)
    ordinary = await open_at(sessions, account.account_id, ago, ago, priority="P2")
    await make_engineer(sessions)
    async with roster_held(database):
        assert await asyncio.wait_for(run_pass(sessions), 20) == 4
        assert await missed(sessions) == set(ordinary)
        assert (wake_ups.left, wake_ups.experts.rings) == (set(urgent), 1)
        wake = await next_wake(sessions)
        assert wake is not None
        assert wake - await now_of(sessions) < timedelta(seconds=1)
        assert await replayed(sessions) == [], "the check finds nothing wrong with what is left for a moment"
        behind = asyncio.create_task(staffing.run_pass(sessions, wake_ups))

        async def waits() -> bool:
            return bool((await fetch(sessions, WAITS))[0]["count"])

        await until(waits)
        more = await open_at(sessions, account.account_id, ago, priority="P2")
        await run_pass(sessions)
        assert await missed(sessions) == {*ordinary, *more}
    assert await behind == 2
    assert await missed(sessions) == {*ordinary, *more, *urgent}
    [held] = await fetch(sessions, "SELECT ticket_id FROM expert_holds")
    assert held["ticket_id"] in urgent
    assert wake_ups.left == set()


async def test_what_is_left_and_not_staffed_is_due_again(
    sessions: Sessions, wake_ups: WakeUps, premium: AccountRow, database: str
) -> None:
    (urgent,) = await open_at(sessions, premium.account_id, await now_of(sessions) - DAY, **P1)
    async with roster_held(database):
        await run_pass(sessions)
    wake_ups.left.clear()  # the process that left it has ended

    async def staffed() -> bool:
        await run_pass(sessions)
        return urgent in await missed(sessions)

    await until(staffed)


async def test_a_roster_that_is_not_to_be_had_ends_no_pass_with_an_error(
    sessions: Sessions, premium: AccountRow, database: str
) -> None:
    (urgent,) = await open_at(sessions, premium.account_id, await now_of(sessions) - DAY, **P1)
    engine, wake_ups = make_engine(database, pool_size=2, limits=Limits(lock=0.1)), WakeUps()
    impatient = make_sessions(engine, wake_ups)
    async with roster_held(database):
        await run_pass(impatient)
        with capture_logs() as logs:
            assert await staffing.run_pass(impatient, wake_ups) == 0
    assert [(log["event"], log["tickets"]) for log in logs] == [("tickets wait for the roster of experts", 1)]
    assert await missed(sessions) == set()
    wake_ups.left.add(urgent)
    assert await staffing.run_pass(impatient, wake_ups) == 1
    await engine.dispose()


async def test_what_was_left_and_staffed_by_others_meanwhile_is_let_alone(
    sessions: Sessions, wake_ups: WakeUps, premium: AccountRow
) -> None:
    now = await now_of(sessions)
    quiet, urgent = await open_at(sessions, premium.account_id, now, now - DAY, **P1)
    wake_ups.left.update((quiet, urgent, "tkt_gone"))
    async with transaction(sessions) as session:
        await lock(session, urgent)
        assert await staffing.run_pass(sessions, wake_ups) == 0
    wake_ups.left.update((quiet, urgent))
    assert await staffing.run_pass(sessions, wake_ups) == 1
    assert await missed(sessions) == {urgent}


async def test_a_ticket_that_cannot_be_saved_holds_up_no_other(
    sessions: Sessions, wake_ups: WakeUps, premium: AccountRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    ago = await now_of(sessions) - DAY
    first, faulty, last = await open_at(sessions, premium.account_id, ago, ago, ago, **P1)

    async def failing(session: AsyncSession, works: Sequence[TicketEdit]) -> None:
        if any(work.ticket.id == faulty for work in works):
            raise ValueError("no such luck")
        await staff_and_save(session, works)

    monkeypatch.setattr(staffing, "staff_and_save", failing)
    wake_ups.left.update((first, faulty, last))
    with capture_logs() as logs:
        assert await staffing.run_pass(sessions, wake_ups) == 2
    assert [log["ticket_id"] for log in logs] == [faulty]
    assert await missed(sessions) == {first, last}


async def test_a_pass_ends_when_its_time_is_up_and_another_one_goes_on(
    sessions: Sessions, wake_ups: WakeUps, premium: AccountRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    ago = await now_of(sessions) - DAY
    both = set(await open_at(sessions, premium.account_id, ago, ago, **P1))
    monkeypatch.setattr(staffing, "BATCH", 1)
    monkeypatch.setattr(staffing, "BUDGET", 0.0)
    wake_ups.left.update(both)
    rings = wake_ups.experts.rings
    assert await staffing.run_pass(sessions, wake_ups) == 0
    assert (wake_ups.experts.rings, wake_ups.left) == (rings + 1, both)
    monkeypatch.setattr(staffing, "BUDGET", 60.0)
    assert await staffing.run_pass(sessions, wake_ups) == 2
