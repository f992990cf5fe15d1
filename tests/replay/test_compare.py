"""C18 on stored tickets: the history gives the rows, and whatever was tampered with or lost is found.

That every ticket of every other test replays too, the fixture ``begin`` sees to.
"""

from datetime import timedelta
from functools import reduce

import httpx
import pytest

from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.replay import snapshots
from app.replay.compare import differences
from app.replay.snapshots import Scope, walk
from app.tickets.editing.load import lock
from app.tickets.save import staff_and_save
from tests.support import stories
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.replaying import replayed
from tests.support.stories import Begin, Story
from tests.support.sweeping import run_pass

HOUR = timedelta(hours=1)


@pytest.fixture
async def story(sessions: Sessions, client: httpx.AsyncClient, plans: None) -> Story:
    """A story whose tickets nobody replays at its end."""
    del plans
    return await stories.begin(sessions, client, "wati-business-plus")


@pytest.fixture
async def path(story: Story, sessions: Sessions) -> str:
    """A ticket that missed its first response, was answered late, raised, and waits."""
    path = await story.open_at(await now_of(sessions) - 3 * HOUR, priority="P3")
    await run_pass(sessions)
    await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    await story.engineer.post(f"{path}/priority", priority="P2", reason="More shops are hit")
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version?")
    return path


TAMPERED = {
    "UPDATE tickets SET priority = 'P4'": "ticket priority: stored P4, replayed P2",
    "UPDATE tickets SET status = 'open'": "ticket status: stored open, replayed waiting_on_customer",
    "UPDATE tickets SET tier = 2": "ticket tier: stored 2, replayed 1",
    "UPDATE tickets SET closed_at = opened_at": "ticket closed_at: stored 20",
    "UPDATE tickets SET wake_at = opened_at": "ticket wake_at: stored 20",
    "UPDATE tickets SET support_due_at = opened_at": "ticket support_due_at: stored 20",
    "UPDATE tickets SET next_update_due_at = opened_at": "ticket next_update_due_at: stored 20",
    "UPDATE tickets SET missed = true": "ticket missed: stored True, replayed False",
    "UPDATE tickets SET time_zone = 'UTC'": "ticket plan: stored Pins(",
    "UPDATE tickets SET plan_version = 7": "events history: stored",
    "UPDATE tickets SET clock = clock || '{\"reopened\": true}'": "clock reopened: stored True, replayed False",
    "UPDATE tickets SET clock = clock - 'cycles'": "events history: stored",
    "UPDATE deadlines SET state = 'met' @resolution": "resolution/1 state: stored met, replayed paused",
    "UPDATE deadlines SET reason = 'resolved' @resolution": "resolution/1 reason: stored resolved",
    "UPDATE deadlines SET started_at = started_at - interval '1 us' @resolution": "resolution/1 started_at: stored",
    "UPDATE deadlines SET detail = detail || '{\"chain\": 1}' @resolution": "resolution/1 chain: stored 1",
    "DELETE FROM deadlines @resolution": "resolution/1 row: stored absent, replayed paused, due None",
    "UPDATE deadlines SET cycle = 3 @resolution": "resolution/3 row: stored paused, due None",
    "UPDATE deadlines SET ended_at = started_at WHERE metric = 'first_response'": "first_response/1 ended_at: stored",
    "DELETE FROM events WHERE type = 'message.posted'": "first_response/1 state: stored met_late, replayed missed",
    "DELETE FROM events WHERE type = 'ticket.priority_changed'": "ticket priority: stored P2, replayed P3",
    "DELETE FROM events WHERE type = 'ticket.opened'": "events history: stored",
    "DELETE FROM events WHERE type = 'deadline.paused'": "events number: stored",
    "DELETE FROM events @miss": "events miss of first_response/1 at 20",
    "UPDATE events SET data = data || '{\"cycle\": 2}' @miss": "events miss of first_response/2 at 20",
    "UPDATE events SET timestamp = timestamp + interval '1 us' @miss": "events miss of first_response/1 at",
    'UPDATE events SET ticket = ticket || \'{"title": "Other"}\'': "last event title: stored Other",
    "UPDATE events SET data = data - 'visibility' WHERE type = 'message.posted'": "replayed not at all: KeyError",
    "UPDATE events SET data = '{}' WHERE type = 'ticket.opened'": "replayed not at all: KeyError: 'plan'",
}
WHERE = {"@resolution": "WHERE metric = 'resolution'", "@miss": "WHERE type = 'deadline.missed'"}
TWICE = """
WITH twice AS (
    INSERT INTO events SELECT e.* FROM tickets AS t
    JOIN events AS m ON m.ticket_id = t.id AND m.type = 'deadline.missed',
        jsonb_populate_record(m, jsonb_build_object('id', 'evt_twice', 'sequence', t.sequence + 1)) AS e
)
UPDATE tickets SET sequence = sequence + 1
"""


@pytest.mark.usefixtures("path")
async def test_c18_an_honest_ticket_replays(sessions: Sessions) -> None:
    assert await replayed(sessions) == []


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("statement", TAMPERED)
async def test_c18_what_was_tampered_with_or_lost_is_found(sessions: Sessions, statement: str) -> None:
    await fetch(sessions, reduce(lambda sql, name: sql.replace(name, WHERE[name]), WHERE, statement))
    found = await replayed(sessions)
    assert [line for line in found if TAMPERED[statement] in line], found


@pytest.mark.usefixtures("path")
async def test_c18_a_miss_that_was_told_twice_is_found(sessions: Sessions) -> None:
    await fetch(sessions, TWICE)
    found = await replayed(sessions)
    assert [line for line in found if line.endswith("stored told 2 times, replayed told once")]
    known = ("last event", "told 2 times", " report ")
    assert all(any(each in line for each in known) for line in found), "it says what the ticket was before"


async def test_c09_what_nobody_has_swept_yet_is_no_difference(begin: Begin, sessions: Sessions) -> None:
    story = await begin("wati-business-plus")
    await story.open_at(await now_of(sessions) - 30 * HOUR, priority="P2")
    assert await replayed(sessions) == []
    await run_pass(sessions)


async def test_a_change_that_is_not_committed_is_neither_waited_for_nor_seen(begin: Begin, sessions: Sessions) -> None:
    story = await begin("wati-business-plus")
    path = await story.open_at(await now_of(sessions) - 3 * HOUR)
    async with transaction(sessions) as session:
        work = await lock(session, path.rpartition("/")[2])
        assert work
        await staff_and_save(session, [work])
        assert await replayed(sessions) == []
    assert await replayed(sessions) == []


async def test_a_walk_comes_by_every_ticket_once(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "BATCH", 2)
    monkeypatch.setattr(snapshots, "_PAGE", 3)
    now = await now_of(sessions)
    plan = await store_plan(sessions, "wati-business-plus")
    accounts = [await make_account(sessions, plan) for _ in range(3)]
    tickets = {account.account_id: await open_at(sessions, account.account_id, *[now] * 4) for account in accounts}
    every = sorted(ticket for some in tickets.values() for ticket in some)
    assert await _walked(sessions, Scope()) == every
    [one, *_] = accounts
    assert await _walked(sessions, Scope(account_id=one.account_id)) == tickets[one.account_id]
    assert await _walked(sessions, Scope(ticket_id=every[5])) == [every[5]]
    assert await _walked(sessions, Scope(since=now)) == every
    assert await _walked(sessions, Scope(since=now + HOUR)) == []


async def _walked(sessions: Sessions, scope: Scope) -> list[str]:
    found = [snapshot async for _, batch in walk(sessions, scope) for snapshot in batch]
    assert [differences(snapshot) for snapshot in found] == [[]] * len(found)
    return sorted(snapshot.ticket.id for snapshot in found)
