"""What a claim reads: one row for each lane, and what it takes, however much waits."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import cycle

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.ids import new_id
from app.webhooks.outbox.claims import CLAIM, claim, poll
from app.webhooks.outbox.lanes import LANES, QUEUE, waiting
from app.webhooks.rules.sharing import START, Share
from tests.support.database import new_database
from tests.support.desk import connected, fetch
from tests.support.explaining import count_rows, looked_at, root
from tests.webhooks.conftest import MakeEndpoint, Tell, event_row

LEASE = timedelta(seconds=30)
ROOM = Share(limit=100, per_endpoint=10, slots=400)
# 100,000 for one endpoint that hangs, and one for each of a hundred others; as many retries, all in an hour. Of those
# for the one that hangs, 300 have their places at its rate.
BACKLOG = """
INSERT INTO deliveries (account_id, id, endpoint_id, owner_id, event_id, ticket_id, sequence, next_attempt_at, queued,
                        paced)
SELECT 'acc_1', 'dlv_' || n, 'wh_hanging', 'acc_1', 'evt_' || n, 'tkt_' || n, 1, now() - interval '1 hour', true,
       n <= 300
FROM generate_series(1, 100000) AS n
UNION ALL
SELECT 'acc_2' || n, 'dlv_2' || n, 'wh_' || n, 'acc_2' || n, 'evt_2' || n, 'tkt_2' || n, 1, now(), true,
       false
FROM generate_series(1, 100) AS n
"""
RETRIES = """
INSERT INTO deliveries (account_id, id, endpoint_id, event_id, attempts, next_attempt_at)
SELECT 'acc_3', 'dlv_3' || n, 'wh_' || n % 100, 'evt_3' || n, 1, now() + interval '1 hour'
FROM generate_series(1, 20000) AS n
"""


@pytest.fixture(scope="module")
async def waiting_ones(server: str, template: str) -> AsyncIterator[Sessions]:
    """A database in which much waits."""
    async with new_database(server, template) as url, connected(url) as sessions:
        for statement in (BACKLOG, RETRIES):
            await fetch(sessions, statement)
        await count_rows(url, "deliveries", alone=True)
        yield sessions


@pytest.fixture
async def backlog(waiting_ones: Sessions) -> AsyncIterator[AsyncSession]:
    """A session in which much waits; its work is rolled back."""
    async with waiting_ones() as session:
        yield session
        await session.rollback()


async def read_by(session: AsyncSession, statement: str, *arguments: object) -> int:
    """How many deliveries a statement reads: rows and not pages, as an index also leads to the dead until a vacuum."""
    found = await (await driver(session)).fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments)
    return looked_at(root(found), "deliveries")


async def test_which_lanes_there_are_costs_a_step_for_each(backlog: AsyncSession) -> None:
    busy = ["wh_hanging"]
    assert await read_by(backlog, LANES, *START, [], busy, 250, None) <= 2 * 101
    assert await read_by(backlog, LANES, *START, ["acc_1"], [], 250, None) <= 2 * 101


async def test_a_claim_reads_what_it_takes(backlog: AsyncSession) -> None:
    lanes, _ = await waiting(backlog, ROOM, START)
    assert len(lanes) == 101
    runs = [(7, False, False), (7, True, True), (7, False, True)]
    asked = [(*lane.key, 2, 2, *run) for lane, run in zip([lanes[0], *lanes[:9]], cycle(runs), strict=False)]
    assert await read_by(backlog, CLAIM, None, "clm_1", LEASE, *zip(*asked, strict=True)) <= 10 * 7 * 3


async def test_what_is_due_later_costs_nothing(backlog: AsyncSession) -> None:
    assert await read_by(backlog, QUEUE, None) == 0


async def test_the_others_are_claimed_beside_a_backlog(backlog: AsyncSession) -> None:
    share = Share(limit=150, per_endpoint=10, slots=400, by_owner={"acc_1": 100}, in_flight={"wh_hanging": 100})
    found = await poll(backlog, share, lease=LEASE)
    assert {one.owner_id for one in found.claimed} == {f"acc_2{number}" for number in range(1, 101)}


async def test_a_scan_that_ends_early_goes_on_behind_the_last_lane(backlog: AsyncSession) -> None:
    share = Share(limit=5, per_endpoint=10)
    first, after = await waiting(backlog, share, START)
    second, end = await waiting(backlog, share, after)
    assert (len(first), len(second), end) == (60, 41, START)
    assert len({lane.key for lane in [*first, *second]}) == 101


async def test_many_lanes_are_served_in_turn(sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell) -> None:
    """More accounts wait at an operator's endpoint than one look sees, and none is served before its turn again."""
    await make_endpoint("https://example.com")
    accounts = [new_id("acc") for _ in range(130)]
    await tell(*(event_row(account_id=account) for account in accounts for _ in range(10)))
    share = Share(limit=10, per_endpoint=10)
    served: list[str] = []
    after = START
    for _ in range(60):
        async with transaction(sessions) as session:
            found = await poll(session, share, lease=LEASE, after=after)
        served += [one.account_id for one in found.claimed]
        after = found.after
    assert len(served) == 600
    assert len(set(served)) > 115, "of 130; in the order of their ids it would be 60"


async def test_one_accounts_flood_does_not_hold_up_another_at_an_operators_endpoint(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await make_endpoint("https://example.com")
    await tell(*(event_row(account_id="acc_1") for _ in range(200)))
    (event,) = await tell(event_row(account_id="acc_2"))
    async with transaction(sessions) as session:
        claimed = await claim(session, Share(limit=10, per_endpoint=10), lease=LEASE)
    assert event["id"] in {one.event["id"] for one in claimed}
