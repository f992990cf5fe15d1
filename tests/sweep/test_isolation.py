"""No ticket and no account holds up the sweep of the others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.accounts.models import AccountRow
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.metrics import Metrics
from app.sweep import batch, claims, isolation
from app.sweep.batch import Limits
from app.sweep.claims import Apart, Claim
from app.sweep.isolation import Isolation
from app.sweep.passes import Sweeper
from app.tickets import save as saving
from app.tickets.editing.load import lock
from app.tickets.usecases.caller import finish
from tests.support.actors import make_account
from tests.support.desk import connected, fetch, now_of, open_at, store_plan
from tests.support.replaying import replayed
from tests.support.sweeping import PATIENT, sweeper_of
from tests.support.waiting import until

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PLAN = "wati-business-plus"
SHORT = Limits(processing=0.2, lock=0.1, whole=0.3)
TRIES = 5
"""Where this machine stands still, all tickets take too long."""
SLOW = """
CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;
CREATE TRIGGER hold_up BEFORE UPDATE ON tickets FOR EACH ROW
    WHEN (OLD.title = 'slow' AND NEW.wake_at IS NOT NULL) EXECUTE FUNCTION hold_up()
"""


@pytest.fixture
def sweeper(sessions: Sessions) -> Sweeper:
    return sweeper_of(sessions)


@pytest.fixture
async def own(own_database: str) -> AsyncIterator[Sessions]:
    """Sessions on a database whose schema this test may change."""
    async with connected(own_database) as sessions:
        yield sessions


async def due(sessions: Sessions, account: str, number: int, **fields: Any) -> list[str]:
    """Tickets whose first response is missed since an hour."""
    opened = await now_of(sessions) - 2 * HOUR
    return await open_at(sessions, account, *[opened] * number, priority="P2", **fields)


async def spoil(sessions: Sessions, ticket_id: str) -> None:
    """Let the ticket fail when it is written: its next event would be another first one."""
    await fetch(sessions, "UPDATE tickets SET sequence = 0 WHERE id = $1", ticket_id)


async def mend(sessions: Sessions, ticket_id: str) -> None:
    query = "UPDATE tickets SET sequence = (SELECT max(sequence) FROM events WHERE ticket_id = $1) WHERE id = $1"
    await fetch(sessions, query, ticket_id)


async def sweep(sweeper: Sweeper) -> int:
    """Both lanes, until neither has anything left to do."""
    total = 0
    while done := await sweeper.run_pass() + await sweeper.isolation.run_pass():
        total += done
    return total


async def missed(sessions: Sessions, *tickets: str) -> list[str]:
    query = "SELECT id FROM tickets WHERE missed AND id = ANY ($1) ORDER BY id"
    return [row["id"] for row in await fetch(sessions, query, list(tickets))]


async def aside(sessions: Sessions) -> list[Row]:
    return list(await fetch(sessions, "SELECT * FROM postponements ORDER BY ticket_id"))


async def told(sessions: Sessions) -> list[Row]:
    return list(await fetch(sessions, "SELECT * FROM events WHERE type = 'ticket.postponed' ORDER BY sequence"))


async def retry(sessions: Sessions, sweeper: Sweeper) -> None:
    """Let what is put aside be tried again now."""
    await fetch(sessions, "UPDATE postponements SET retry_at = now()")
    await sweep(sweeper)


async def test_a_batch_that_fails_is_split_down_to_the_ticket_that_fails(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper
) -> None:
    tickets = await due(sessions, account.account_id, 30)
    broken = tickets[11]
    await spoil(sessions, broken)
    await sweep(sweeper)
    assert await missed(sessions, *tickets) == sorted({*tickets} - {broken})
    [row] = await aside(sessions)
    assert (row["ticket_id"], row["failures"], row["reason"], row["error"]) == (
        broken,
        1,
        "failed",
        "UniqueViolationError",
    )
    assert await told(sessions) == []
    assert await sweeper.next_wake() != row["since"]


async def test_a_ticket_that_fails_twice_is_postponed_and_operators_are_told(
    sessions: Sessions, account: AccountRow, client: httpx.AsyncClient, admin: dict[str, str], sweeper: Sweeper
) -> None:
    [broken] = await due(sessions, account.account_id, 1)
    await fetch(sessions, "UPDATE tickets SET clock = '{}' WHERE id = $1", broken)
    await sweep(sweeper)
    before = (await client.get("/readyz")).json()["degraded"]  # no provider of calls, no mail, perhaps no Chromium
    await retry(sessions, sweeper)
    now = await now_of(sessions)
    [row] = await aside(sessions)
    assert (row["failures"], row["error"]) == (2, "KeyError")
    assert MINUTE - timedelta(seconds=30) < row["retry_at"] - now <= MINUTE
    [event] = await told(sessions)
    assert event["audience"] == "internal"
    assert event["data"]["failures"] == 2
    assert datetime.fromisoformat(event["data"]["retry_at"]) == row["retry_at"]
    await sweeper.isolation.next_instant()
    metrics = sweeper.isolation.metrics.registry
    assert metrics.get_sample_value("heliodesk_ticket_postponements_total", {"reason": "failed"}) == 1
    assert metrics.get_sample_value("heliodesk_postponed_tickets") == 1
    ready = (await client.get("/readyz")).json()
    assert ready["status"] == "degraded"
    late = "Tickets whose timers cannot be processed, and are tried again later: 1"
    assert ready["degraded"] == [*before, late]
    assert account.account_id not in str(ready)
    timeline = (await client.get(f"/v1/tickets/{broken}/timeline", headers=admin)).json()["items"]
    assert [each["type"] for each in timeline][-1] == "ticket.postponed"


async def test_the_wait_grows_and_operators_hear_of_it_only_as_long_as_it_does(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper
) -> None:
    [broken] = await due(sessions, account.account_id, 1)
    await fetch(sessions, "UPDATE tickets SET clock = '{}' WHERE id = $1", broken)
    await sweep(sweeper)
    waits = []
    for _ in range(9):
        await retry(sessions, sweeper)
        [row] = await aside(sessions)
        waits.append(round((row["retry_at"] - await now_of(sessions)) / MINUTE))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert [event["data"]["failures"] for event in await told(sessions)] == [2, 3, 4, 5, 6, 7, 8]


async def test_a_ticket_that_catches_up_later_is_like_any_other_again(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper
) -> None:
    [broken] = await due(sessions, account.account_id, 1)
    await spoil(sessions, broken)
    await sweep(sweeper)
    await mend(sessions, broken)
    await retry(sessions, sweeper)
    assert (await aside(sessions), await missed(sessions, broken)) == ([], [broken])
    [row] = await fetch(sessions, "SELECT wake_at FROM tickets WHERE id = $1", broken)
    assert row["wake_at"] == await sweeper.next_wake()
    assert await replayed(sessions) == []


async def test_a_request_catches_up_a_postponed_ticket_at_once(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper
) -> None:
    [broken] = await due(sessions, account.account_id, 1)
    await spoil(sessions, broken)
    await sweep(sweeper)
    await mend(sessions, broken)
    async with transaction(sessions) as session:
        work = await lock(session, broken)
        assert work is not None
        await finish(session, work)
    assert (await aside(sessions), await missed(sessions, broken)) == ([], [broken])


async def test_another_process_goes_on_where_one_has_stopped(sessions: Sessions, account: AccountRow) -> None:
    [broken] = await due(sessions, account.account_id, 1)
    await fetch(sessions, "UPDATE tickets SET clock = '{}' WHERE id = $1", broken)
    await sweep(sweeper_of(sessions))
    first = await aside(sessions)
    another = sweeper_of(sessions)
    assert await sweep(another) == 0
    assert await aside(sessions) == first
    assert await another.isolation.next_instant() == first[0]["retry_at"]
    await retry(sessions, another)
    assert [row["failures"] for row in await aside(sessions)] == [2]


async def test_replicas_count_one_failure_once(sessions: Sessions, account: AccountRow) -> None:
    tickets = await due(sessions, account.account_id, 5)
    for ticket in tickets:
        await fetch(sessions, "UPDATE tickets SET clock = '{}' WHERE id = $1", ticket)
    replicas = [sweeper_of(sessions) for _ in range(3)]

    async def are_postponed() -> bool:
        await fetch(sessions, "UPDATE postponements SET retry_at = now() WHERE failures < 2")
        await asyncio.gather(*map(sweep, replicas))
        return [row["failures"] for row in await aside(sessions)] == [2] * 5

    await until(are_postponed)
    assert len(await told(sessions)) == 5


async def test_check_says_what_is_put_aside_and_finds_no_fault_in_it(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper
) -> None:
    [broken] = await due(sessions, account.account_id, 1)
    await spoil(sessions, broken)
    await sweep(sweeper)
    await mend(sessions, broken)
    assert await replayed(sessions) == []


async def test_a_change_of_the_roster_that_wakes_a_ticket_does_not_bring_it_back_into_the_sweep(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper
) -> None:
    [broken] = await due(sessions, account.account_id, 1)
    await fetch(sessions, "UPDATE tickets SET clock = '{}' WHERE id = $1", broken)
    await sweep(sweeper)
    await retry(sessions, sweeper)
    before = await aside(sessions)
    await fetch(sessions, "UPDATE tickets SET wake_at = now() WHERE id = $1", broken)
    await sweep(sweeper)
    assert await aside(sessions) == before
    assert await sweeper.next_wake() is None


async def test_a_slow_ticket_holds_up_nobody_but_itself(own: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_GROUP", SHORT)
    account = await make_account(own, await store_plan(own, PLAN))
    await fetch(own, SLOW.partition("$$;")[0] + "$$")
    await fetch(own, SLOW.partition("$$;")[2])
    for _ in range(TRIES):
        [slow] = await due(own, account.account_id, 1, title="slow")
        others = await due(own, account.account_id, 7)
        await sweep(Sweeper(own, Isolation(own, Metrics(), alone=SHORT), SHORT))
        swept = await missed(own, slow, *others)
        if swept == sorted(others):
            break
    assert swept == sorted(others)
    [row] = [row for row in await aside(own) if row["ticket_id"] == slow]
    assert (row["failures"], row["reason"]) == (1, "slow")


async def test_waiting_for_a_lock_is_not_a_tickets_failure(
    sessions: Sessions, account: AccountRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "BUDGET", 0.5)
    monkeypatch.setattr(isolation, "_GROUP", PATIENT)
    waiting = await due(sessions, account.account_id, 3)
    sweeper = sweeper_of(sessions)
    async with transaction(sessions) as session:
        await (await driver(session)).execute("LOCK TABLE deadlines IN SHARE MODE")
        await sweeper.run_pass()
        assert sweeper.isolation.apart.tickets == {*waiting}
        await sweeper.isolation.run_pass()
        assert await missed(sessions, *waiting) == []
    await sweep(sweeper)
    assert await missed(sessions, *waiting) == sorted(waiting)
    assert await aside(sessions) == []


Fail = Callable[[Exception], None]


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Let every save of the sweep fail."""

    def with_error(error: Exception) -> None:
        async def save(*_: Any) -> None:
            raise error

        monkeypatch.setattr(batch, "save_what_can_be", save)

    return with_error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        asyncpg.AdminShutdownError("the server stops"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        asyncpg.UndefinedColumnError("not our schema"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_outage_ends_the_pass_and_is_no_tickets_failure(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper, fail: Fail, error: Exception
) -> None:
    await due(sessions, account.account_id, 2)
    fail(error)
    with pytest.raises(type(error)):
        await sweeper.run_pass()
    assert not sweeper.isolation.apart
    assert await aside(sessions) == []


async def test_an_outage_of_the_other_lane_loses_nothing_that_it_had_to_try(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = await due(sessions, account.account_id, 3)
    fail(asyncpg.DataError("too long"))
    await sweeper.run_pass()
    fail(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        await sweeper.isolation.run_pass()
    monkeypatch.undo()
    assert await sweep(sweeper) == 3
    assert await missed(sessions, *tickets) == sorted(tickets)


async def test_a_deadlock_is_tried_again_and_counted_against_nobody(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = await due(sessions, account.account_id, 3)
    failures = iter(range(4))

    async def save(*arguments: Any) -> Any:
        if next(failures, None) is not None:
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return await saving.save_what_can_be(*arguments)

    monkeypatch.setattr(batch, "save_what_can_be", save)
    await sweep(sweeper)
    assert await missed(sessions, *tickets) == sorted(tickets)
    assert await aside(sessions) == []


async def test_a_storm_leaves_everybodys_lane_at_once(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper
) -> None:
    storm = await due(sessions, account.account_id, 120)
    other = await make_account(sessions, PLAN)
    one = await open_at(sessions, other.account_id, await now_of(sessions) - HOUR - MINUTE, priority="P2")
    assert await sweeper.run_pass() == 1
    assert (await missed(sessions, *one), await missed(sessions, *storm)) == (one, [])
    assert sweeper.isolation.apart.accounts == {account.account_id}
    assert await sweeper.isolation.run_pass() == 120
    assert await missed(sessions, *storm) == sorted(storm)
    assert not sweeper.isolation.apart


async def test_what_becomes_due_during_a_storm_does_not_wait_for_its_end(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    storm = await due(sessions, account.account_id, 600)
    plan = await store_plan(sessions, PLAN, key="quick", targets={"P2": {"first_response": "PT1H"}})
    other = await make_account(sessions, plan)
    await sweeper.run_pass()
    begun = list[str]()

    async def run_batch(*arguments: Any) -> Any:
        done = await batch.run_batch(*arguments)
        begun.append("batch")
        if len(begun) == 1:
            later = await due(sessions, other.account_id, 1)
            await until(sweeper.run_pass)
            assert await missed(sessions, *later) == later
            assert 0 < len(await missed(sessions, *storm)) < len(storm)
        return done

    monkeypatch.setattr(isolation, "run_batch", run_batch)
    await sweep(sweeper)
    assert len(await missed(sessions, *storm)) == len(storm)


async def test_storms_of_several_accounts_take_turns(
    sessions: Sessions, account: AccountRow, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [account.account_id, *[(await make_account(sessions, PLAN)).account_id for _ in range(2)]]
    for each in accounts:
        await due(sessions, each, 250)
        sweeper.isolation.take_account(each)
    turns: list[str] = []

    def of_account(limit: int, account_id: str, apart: Apart) -> Claim:
        turns.append(account_id)
        return claims.of_account(limit, account_id, apart)

    monkeypatch.setattr(isolation, "of_account", of_account)
    assert await sweep(sweeper) == 750
    assert set(turns[:3]) == set(accounts)
    query = "SELECT account_id, count(*) AS missed FROM tickets WHERE missed GROUP BY account_id"
    assert {row["account_id"]: row["missed"] for row in await fetch(sessions, query)} == dict.fromkeys(accounts, 250)


async def test_a_ticket_with_very_much_to_do_catches_up_in_parts(sessions: Sessions, sweeper: Sweeper) -> None:
    targets = {"P2": {"first_response": "PT1M", "update": "PT1M"}}
    account = await make_account(sessions, await store_plan(sessions, PLAN, key="minutes", targets=targets))
    opened = await now_of(sessions) - 7 * HOUR
    [only] = await open_at(sessions, account.account_id, opened, priority="P2")
    done = await sweeper.run_pass()
    query = "SELECT count(*) AS missed FROM events WHERE ticket_id = $1 AND type = 'deadline.missed'"
    [counted] = await fetch(sessions, query, only)
    assert counted["missed"] >= 419
    assert done > 3
    assert await replayed(sessions) == []
