from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.accounts.models import AccountRow
from app.core.auth import Principal
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.signals import WakeUps
from app.tickets.schemas import StatusChange
from app.tickets.usecases.caller import Caller
from app.tickets.usecases.status import set_status
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.sweeping import next_wake, run_pass
from tests.support.waiting import until

ENGINEER = Principal("agent", "key_1", engineer_id="eng_1", name="Noor Haddad")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


async def ticket(sessions: Sessions, ticket_id: str) -> Row:
    (row,) = await fetch(sessions, "SELECT * FROM tickets WHERE id = $1", ticket_id)
    return row


async def events(sessions: Sessions, ticket_id: str, *types: str) -> list[Row]:
    query = "SELECT * FROM events WHERE ticket_id = $1 AND (type = ANY ($2) OR $2 = '{}') ORDER BY sequence"
    return list(await fetch(sessions, query, ticket_id, list(types)))


async def deadlines(sessions: Sessions, ticket_id: str, metric: str) -> list[Row]:
    query = "SELECT * FROM deadlines WHERE ticket_id = $1 AND metric = $2 ORDER BY cycle"
    return list(await fetch(sessions, query, ticket_id, metric))


async def test_w4_a_missed_resolution_raises_the_priority_and_starts_a_faster_cycle(
    sessions: Sessions, account: AccountRow
) -> None:
    opened = await now_of(sessions) - 8 * HOUR - SECOND
    (only,) = await open_at(sessions, account.account_id, opened, priority="P2")
    assert await run_pass(sessions) == 1
    row = await ticket(sessions, only)
    assert (row["priority"], row["priority_source"], row["escalated"], row["missed"]) == ("P1", "automatic", True, True)
    first, second = await deadlines(sessions, only, "resolution")
    assert (first["state"], first["priority"], first["missed_at"]) == ("missed", "P2", opened + 8 * HOUR)
    assert (second["state"], second["priority"], second["cycle"]) == ("running", "P1", 2)
    assert second["due_at"] == opened + 12 * HOUR
    (raised,) = await events(sessions, only, "ticket.priority_changed")
    assert raised["data"] | {"from": "P2", "to": "P1", "source": "automatic"} == raised["data"]
    (escalated,) = await events(sessions, only, "escalation.automatic")
    assert escalated["data"]["metric"] == "resolution"
    assert [told["role"] for told in escalated["data"]["notified"]] == ["manager"]
    (record,) = await fetch(sessions, "SELECT * FROM escalations")
    assert (record["id"], record["kind"]) == (escalated["data"]["escalation_id"], "service")
    assert record["breach_verified"]


async def test_a_miss_tells_when_it_was_due_and_when_it_was_noticed(sessions: Sessions, account: AccountRow) -> None:
    before = await now_of(sessions)
    (only,) = await open_at(sessions, account.account_id, before - HOUR - SECOND, priority="P2")
    await run_pass(sessions)
    (missed,) = await events(sessions, only, "deadline.missed")
    data = missed["data"]
    due, noticed = datetime.fromisoformat(data["due_at"]), datetime.fromisoformat(data["noticed_at"])
    assert due == missed["timestamp"] == before - SECOND
    assert before < noticed < await now_of(sessions)
    assert data["lag_ms"] == pytest.approx((noticed - due).total_seconds() * 1000)
    (row,) = await deadlines(sessions, only, "first_response")
    assert (row["missed_at"], row["noticed_at"]) == (due, noticed)


async def test_a_second_pass_finds_nothing(sessions: Sessions, account: AccountRow) -> None:
    now = await now_of(sessions)
    (only,) = await open_at(sessions, account.account_id, now - 9 * HOUR, priority="P2")
    assert await run_pass(sessions) == 1
    told = await events(sessions, only)
    assert await run_pass(sessions) == 0
    assert await events(sessions, only) == told
    assert [event["sequence"] for event in told] == list(range(1, len(told) + 1))


async def test_w4_at_the_top_it_is_told_once_and_no_cycle_starts(sessions: Sessions, account: AccountRow) -> None:
    texts = {"business_impact": "Nobody can work", "priority_reason": "All is down"}
    opened = await now_of(sessions) - 5 * HOUR
    (only,) = await open_at(sessions, account.account_id, opened, priority="P1", **texts)
    await run_pass(sessions)
    assert len(await events(sessions, only, "escalation.automatic")) == 1
    assert await events(sessions, only, "ticket.priority_changed") == []
    assert [row["state"] for row in await deadlines(sessions, only, "resolution")] == ["missed"]


async def test_n8_a_resolved_ticket_is_closed_after_the_plans_time(sessions: Sessions) -> None:
    plan = await store_plan(sessions, "wati-business-plus", close_after="PT1S")
    account = await make_account(sessions, plan)
    (only,) = await open_at(sessions, account.account_id, await now_of(sessions) - 9 * HOUR, priority="P2")
    async with transaction(sessions) as session:
        resolve = StatusChange(status="resolved", message="It works again")
        await set_status(session, Caller(ENGINEER, lambda _: None), only, resolve)
    resolved = await ticket(sessions, only)
    assert (resolved["wake_at"], resolved["escalated"]) == (resolved["resolved_at"] + SECOND, False)
    assert [row["state"] for row in await fetch(sessions, "SELECT state FROM escalations")] == ["closed"]
    await until(lambda: run_pass(sessions))
    assert await now_of(sessions) >= resolved["wake_at"]
    closed = await ticket(sessions, only)
    assert (closed["status"], closed["closed_reason"], closed["wake_at"]) == ("closed", "unanswered", None)
    assert closed["closed_at"] == resolved["wake_at"]
    last = (await events(sessions, only))[-1]
    assert (last["type"], last["data"]["to"], last["actor"]["kind"]) == ("ticket.status_changed", "closed", "service")
    assert await run_pass(sessions) == 0


async def test_a_pass_catches_up_more_than_one_batch(sessions: Sessions, account: AccountRow) -> None:
    opened = await now_of(sessions) - 2 * HOUR
    await open_at(sessions, account.account_id, *[opened] * 25, priority="P2")
    assert await run_pass(sessions, batch=10) == 25
    (counted,) = await fetch(sessions, "SELECT count(*) FROM events WHERE type = 'deadline.missed'")
    assert counted["count"] == 25


async def test_the_longest_due_comes_first(sessions: Sessions, account: AccountRow) -> None:
    now = await now_of(sessions)
    late, later = await open_at(sessions, account.account_id, now - 2 * HOUR, now - 3 * HOUR, priority="P2")
    await run_pass(sessions, batch=1)
    query = "SELECT ticket_id FROM deadlines WHERE metric = 'first_response' ORDER BY noticed_at"
    assert [row["ticket_id"] for row in await fetch(sessions, query)] == [later, late]


async def test_a_held_ticket_is_skipped_and_not_waited_for(sessions: Sessions, account: AccountRow) -> None:
    opened = await now_of(sessions) - 2 * HOUR
    held, free = await open_at(sessions, account.account_id, opened, opened, priority="P2")
    async with transaction(sessions) as session:
        await (await driver(session)).execute("SELECT 1 FROM tickets WHERE id = $1 FOR UPDATE", held)
        assert await run_pass(sessions) == 1
        assert [(await ticket(sessions, one))["missed"] for one in (held, free)] == [False, True]
    assert await run_pass(sessions) == 1
    assert (await ticket(sessions, held))["missed"]


async def test_a_ticket_that_cannot_catch_up_does_not_stop_the_others(sessions: Sessions, account: AccountRow) -> None:
    now = await now_of(sessions)
    broken, *sound = await open_at(sessions, account.account_id, now - 3 * HOUR, *[now - 2 * HOUR] * 3, priority="P2")
    await fetch(sessions, "UPDATE tickets SET clock = '{}' WHERE id = $1", broken)
    with capture_logs() as logs:
        assert await run_pass(sessions, batch=2) + await run_pass(sessions, batch=2) == 3
    assert {log["ticket_id"] for log in logs} == {broken}
    assert any("exc_info" in log for log in logs)
    assert all([(await ticket(sessions, one))["missed"] for one in sound])
    left = await ticket(sessions, broken)
    assert (left["missed"], left["wake_at"]) == (False, None)


async def test_only_what_is_due_soon_wakes_the_sweep(
    sessions: Sessions, account: AccountRow, wake_ups: WakeUps
) -> None:
    plan = await store_plan(sessions, "wati-business-plus", key="quick", targets={"P2": {"first_response": "PT1S"}})
    hurried = await make_account(sessions, plan)
    now = await now_of(sessions)
    await open_at(sessions, account.account_id, now, priority="P2")
    assert wake_ups.sweep.rings == 0
    await open_at(sessions, hurried.account_id, now, priority="P2")
    assert wake_ups.sweep.rings == 1


async def test_sandbox_tickets_are_not_swept(sessions: Sessions, account: AccountRow) -> None:
    instant = await now_of(sessions) - 10 * HOUR
    await fetch(sessions, "UPDATE accounts SET sandbox_now = $1", instant)
    (only,) = await open_at(sessions, account.account_id, instant, priority="P2")
    assert (await ticket(sessions, only))["sandbox"]
    assert await run_pass(sessions) == 0
    assert await next_wake(sessions) is None


async def test_next_wake_is_the_earliest_instant_of_any_ticket(sessions: Sessions, account: AccountRow) -> None:
    assert await next_wake(sessions) is None
    now = await now_of(sessions)
    early, _ = await open_at(sessions, account.account_id, now, now + HOUR, priority="P2")
    assert await next_wake(sessions) == (await ticket(sessions, early))["wake_at"] == now + HOUR / 2


@pytest.mark.parametrize(("after", "state"), [(timedelta(0), "met"), (timedelta(microseconds=1), "met_late")])
async def test_c09_what_comes_at_the_due_instant_itself_is_in_time(
    sessions: Sessions, account: AccountRow, after: timedelta, state: str
) -> None:
    opened = await now_of(sessions)
    await fetch(sessions, "UPDATE accounts SET sandbox_now = $1", opened)
    (only,) = await open_at(sessions, account.account_id, opened, priority="P2")
    await fetch(sessions, "UPDATE accounts SET sandbox_now = $1", opened + HOUR + after)
    async with transaction(sessions) as session:
        answer = StatusChange(status="open", message="We are looking into it")
        await set_status(session, Caller(ENGINEER, lambda _: None), only, answer)
    (row,) = await deadlines(sessions, only, "first_response")
    assert (row["state"], row["missed_at"]) == (state, opened + HOUR if after else None)
    missed: list[Any] = await events(sessions, only, "deadline.missed")
    assert [event["data"]["lag_ms"] for event in missed] == ([None] if after else [])
