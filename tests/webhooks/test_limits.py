"""How fast and how many at once: an endpoint's own rate and concurrency, and what goes first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from unittest.mock import AsyncMock

import httpx
import pytest
from aiohttp import web
from sqlalchemy import update

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.state import State
from app.webhooks.background import deliver
from app.webhooks.background.deliver import Limits, Sender
from app.webhooks.models import WebhookEndpointRow
from app.webhooks.outbox import claims
from app.webhooks.outbox.attempts import DeliveryOutcome
from app.webhooks.outbox.claims import Claimed, claim, poll
from app.webhooks.outbox.lanes import queue_due, waiting
from app.webhooks.outbox.outcomes import record_outcomes
from app.webhooks.rules.sharing import START, Share
from tests.support.actors import Headers
from tests.support.desk import fetch
from tests.support.waiting import PATIENCE, until
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, event_row
from tests.webhooks.receiver import Receiver, status

LEASE = timedelta(seconds=300)
STEP = timedelta(milliseconds=100)
AHEAD = timedelta(minutes=1)
"""Of a claim by a clock of its own: what is told meanwhile is due by then, however long that takes."""
ALL = Share(limit=100, per_endpoint=100)
_WRITTEN = "SELECT event_id, id, xmin::text AS by FROM deliveries ORDER BY id"
_LOCKED = "SELECT id, xmax::text AS by FROM deliveries ORDER BY id"


@pytest.fixture
async def sender(state: State) -> AsyncIterator[Sender]:
    sender = Sender(state, Limits(timeout=PATIENCE, lease=2 * PATIENCE))
    yield sender
    await sender.stop()


async def limit(sessions: Sessions, endpoint: WebhookEndpointRow, **limits: float) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(WebhookEndpointRow).where(WebhookEndpointRow.id == endpoint.id).values(**limits))


async def claimed(sessions: Sessions, now: datetime, share: Share = ALL) -> list[Claimed]:
    async with transaction(sessions) as session:
        return await claim(session, share, lease=LEASE, now=now)


async def polled(sessions: Sessions, now: datetime, share: Share = ALL) -> list[Claimed]:
    """One poll after what has become due is queued."""
    async with transaction(sessions) as session:
        await queue_due(session, now=now)
        return list((await poll(session, share, lease=LEASE, now=now)).claimed)


async def fail(sessions: Sessions, held: Sequence[Claimed], next_attempt_at: datetime) -> None:
    async with transaction(sessions) as session:
        await record_outcomes(
            session, [DeliveryOutcome(one, "pending", 1, {}, next_attempt_at=next_attempt_at) for one in held]
        )


async def test_a_rate_is_kept_evenly_and_by_all_replicas_together(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await limit(sessions, await make_endpoint("https://example.com"), rate=10)
    await tell(*(event_row() for _ in range(5)))
    now = wall_now() + AHEAD
    both = await asyncio.gather(claimed(sessions, now), claimed(sessions, now))
    assert sum(map(len, both)) == 1
    assert await claimed(sessions, now + STEP / 2) == [], "places for those that met the other claim at the endpoint"
    waiting = sorted(one.next_attempt_at for one in await deliveries(sessions) if not one.claim_id)
    assert waiting == [now + number * STEP for number in range(1, 5)]
    assert [len(await claimed(sessions, now + number * STEP)) for number in (1, 1, 3, 9)] == [1, 0, 2, 1]
    await tell(event_row())
    assert await claimed(sessions, now + 4.9 * STEP) == []
    assert len(await claimed(sessions, now + 5 * STEP)) == 1, "behind those before it, not beside them"


async def test_while_somebody_holds_an_endpoint_nothing_of_it_is_written_again_and_again(
    sessions: Sessions,
    state: State,
    make_endpoint: MakeEndpoint,
    tell: Tell,
    receiver: Receiver,
    sender: Sender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor locked: for a moment, which is long here."""
    await limit(sessions, await make_endpoint(receiver.url), rate=1000)
    await tell(*(event_row() for _ in range(3)))
    async with transaction(sessions) as session:
        another = Sender(state)
        await (await driver(session)).execute("SELECT FROM webhook_endpoints FOR UPDATE")
        written = await fetch(sessions, _WRITTEN)
        monkeypatch.setattr(deliver, "_LEFT_ALONE", 2 * PATIENCE)
        assert await another.run_pass() == 0
        assert await fetch(sessions, _WRITTEN) == written
        locked = await fetch(sessions, _LOCKED)
        assert await another.run_pass() == 0
        assert await fetch(sessions, _LOCKED) == locked

    async def all_sent() -> bool:
        await sender.run_pass()
        return len(receiver.messages) == 3

    await until(all_sent)


async def test_what_has_its_place_goes_at_its_instant_while_somebody_holds_the_endpoint(
    sessions: Sessions,
    make_endpoint: MakeEndpoint,
    tell: Tell,
    receiver: Receiver,
    sender: Sender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also behind more that has none than one look sees."""
    await limit(sessions, await make_endpoint(receiver.url), rate=10)
    await tell(*(event_row() for _ in range(3)))
    now = wall_now() + AHEAD
    assert await sender.run_pass(now) == 1
    await sender.drain()
    later = {event["id"] for event in await tell(*(event_row() for _ in range(3)))}
    monkeypatch.setattr(claims, "_PLACES", 2)
    monkeypatch.setattr(deliver, "_LEFT_ALONE", 2 * PATIENCE)

    async def unplaced() -> list[Row]:
        return [row for row in await fetch(sessions, _WRITTEN) if row["event_id"] in later]

    async with transaction(sessions) as session:
        await (await driver(session)).execute("SELECT FROM webhook_endpoints FOR UPDATE")
        written = await unplaced()
        assert [await sender.run_pass(now + number * STEP) for number in (1, 1.5, 2, 9)] == [1, 0, 1, 0]
        await until(lambda: len(receiver.messages) == 3)
        assert await unplaced() == written


async def test_a_retry_takes_a_place_too(sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell) -> None:
    await limit(sessions, await make_endpoint("https://example.com"), rate=10)
    now = wall_now() + AHEAD
    await tell()
    held = await claimed(sessions, now)
    await fail(sessions, held, now + STEP / 2)
    await tell(event_row())
    assert await claimed(sessions, now + STEP / 2) == []
    assert sorted(one.next_attempt_at for one in await deliveries(sessions)) == [now + STEP, now + 2 * STEP]


async def test_what_waits_at_one_rate_holds_up_no_other(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    slow = await make_endpoint(receiver.url, events=["ticket.opened"])
    await limit(sessions, slow, rate=0.01)
    await make_endpoint(receiver.url, events=["ticket.withdrawn"])
    await tell(*(event_row("ticket.opened") for _ in range(250)))
    (event,) = await tell(event_row("ticket.withdrawn"))
    assert await sender.run_pass() == 2
    await sender.drain()
    assert event["id"] in receiver.ids
    assert not any(one.paced for one in await deliveries(sessions)), "the next place is free in a minute and a half"
    assert await sender.run_pass() == 0


async def test_a_flood_of_one_account_puts_off_nobody_elses_event_at_an_operators_rate(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    """Those at the rate's places come from the accounts in turn, and only the next second's places are given."""
    await limit(sessions, await make_endpoint("https://example.com"), rate=10)
    await tell(*(event_row() for _ in range(60)))
    now = wall_now() + AHEAD
    sent = await claimed(sessions, now)
    (other,) = await tell(event_row(account_id="acc_2"))
    for number in range(1, 14):
        sent += await claimed(sessions, now + number * STEP)
    ids = [one.event["id"] for one in sent]
    assert len(ids) == 14, "the rate is kept, and used"
    assert other["id"] in ids[10:13]


async def test_who_has_places_already_comes_behind_those_that_have_fewer(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await limit(sessions, await make_endpoint("https://example.com"), rate=10)
    await tell(*(event_row() for _ in range(60)))
    now = wall_now() + AHEAD
    assert len(await claimed(sessions, now)) == 1
    await tell(*(event_row(account_id=account) for account in ("acc_2", "acc_3") for _ in range(20)))
    assert len(await claimed(sessions, now + 4 * STEP)) == 4
    placed = [one for one in await deliveries(sessions) if one.paced and not one.claim_id]
    new = Counter(one.account_id for one in placed if (one.next_attempt_at or now) >= now + 10 * STEP)
    assert new == {"acc_2": 2, "acc_3": 2}


@pytest.mark.parametrize("is_held", [False, True])
async def test_an_endpoint_without_a_free_place_is_not_taken_for_one_that_somebody_holds(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, monkeypatch: pytest.MonkeyPatch, *, is_held: bool
) -> None:
    """Another sender has given the places since this one looked for lanes."""
    endpoint = await make_endpoint("https://example.com")
    await limit(sessions, endpoint, rate=10)
    await tell()
    now = wall_now() + AHEAD
    async with transaction(sessions) as session:
        await queue_due(session, now=now)
        seen = await waiting(session, ALL, START, now=now)
    monkeypatch.setattr(claims, "waiting", AsyncMock(return_value=seen))
    await fetch(sessions, "UPDATE webhook_endpoints SET paced_until = $1::timestamptz + interval '1 hour'", now)
    async with transaction(sessions) as other, transaction(sessions) as session:
        if is_held:
            await (await driver(other)).execute("SELECT FROM webhook_endpoints FOR UPDATE")
        found = await poll(session, ALL, lease=LEASE, now=now)
    assert (found.claimed, found.put_off, found.held) == ([], False, {endpoint.id} if is_held else set())


async def test_a_flood_that_has_no_places_yet_hides_nothing_that_has_one(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_PLACES", 2)
    await limit(sessions, await make_endpoint("https://example.com"), rate=10)
    await tell(*(event_row() for _ in range(9)))
    now = wall_now() + AHEAD
    assert await polled(sessions, now) == [], "the first two get their places"
    assert [len(await polled(sessions, now + STEP)) for _ in range(3)] == [2, 0, 0]
    assert [one.paced for one in await deliveries(sessions)].count(False) == 1, "each poll gave two theirs"


async def test_a_retry_is_found_behind_first_attempts_that_have_their_places(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where only what is kept for retries is free; and no more is locked than is claimed or gets a place."""
    monkeypatch.setattr(claims, "_PLACES", 2)
    await limit(sessions, await make_endpoint("https://example.com"), rate=10)
    now = wall_now() + AHEAD
    (event,) = await tell()
    await fail(sessions, await claimed(sessions, now), now + 9 * STEP)
    await tell(*(event_row() for _ in range(4)))
    assert [len(await polled(sessions, now)) for _ in range(2)] == [0, 0], "they get their places"
    kept = Share(limit=3, per_endpoint=10, reserved=3)
    assert await polled(sessions, now + 9 * STEP, kept) == [], "it gets its own"
    before = await fetch(sessions, _LOCKED)
    (retry,) = await polled(sessions, now + 9 * STEP, Share(limit=1, per_endpoint=10, reserved=1))
    assert (retry.event["id"], retry.attempts) == (event["id"], 1)
    after = await fetch(sessions, _LOCKED)
    assert [row for row in after if row["id"] != retry.id] == [row for row in before if row["id"] != retry.id]


async def test_a_new_rate_holds_for_what_waits(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions, tell: Tell
) -> None:
    made = await client.post("/v1/webhooks", json={"url": "https://example.com", "rate": 0.01}, headers=admin)
    path = f"/v1/webhooks/{made.json()['id']}"
    await tell(*(event_row() for _ in range(5)))
    now = wall_now() + AHEAD
    assert len(await claimed(sessions, now)) == 1
    faster = await client.patch(path, json={"rate": 10, "concurrency": 3}, headers=admin)
    assert (faster.json()["rate"], faster.json()["concurrency"]) == (10, 3)
    now += timedelta(seconds=1)
    assert [len(await claimed(sessions, now + number * STEP)) for number in range(3)] == [1, 1, 1]
    await client.patch(path, json={"rate": None}, headers=admin)
    assert len(await claimed(sessions, wall_now() + timedelta(seconds=1))) == 1


async def test_an_endpoint_never_gets_more_at_once_than_it_says(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    gates = [asyncio.Event() for _ in range(7)]
    arrived = 0

    async def wait(_: web.Request) -> web.Response:
        nonlocal arrived
        gate, arrived = gates[arrived], arrived + 1
        await gate.wait()
        return web.Response(status=204)

    receiver.answer = wait
    await limit(sessions, await make_endpoint(receiver.url), concurrency=3)
    await tell(*(event_row() for _ in range(7)))
    assert await sender.run_pass() == 3
    await until(lambda: arrived == 3)
    gates[0].set()
    await until(lambda: len(sender._in_flight) == 2)
    assert await sender.run_pass() == 1, "as many as are free, not as many as it takes"
    for gate in gates:
        gate.set()
    await sender.drain()


async def test_a_retry_goes_before_a_backlog(sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell) -> None:
    await make_endpoint("https://example.com")
    now = wall_now() + AHEAD
    (event,) = await tell()
    await fail(sessions, await claimed(sessions, now), now + STEP)
    await tell(*(event_row() for _ in range(150)))
    (first, *_) = await claimed(sessions, now + STEP, Share(limit=1, per_endpoint=10))
    assert first.event["id"] == event["id"]


async def test_retries_to_a_dead_endpoint_leave_room_for_the_others(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await make_endpoint("https://dead.example", events=["ticket.opened"])
    await make_endpoint("https://example.com", events=["ticket.withdrawn"])
    now = wall_now() + AHEAD
    await tell(*(event_row("ticket.opened") for _ in range(60)))
    await fail(sessions, await claimed(sessions, now), now + STEP)
    await tell(*(event_row("ticket.withdrawn") for _ in range(3)))
    held = await claimed(sessions, now + STEP, Share(limit=20, per_endpoint=10))
    assert sorted(one.event["type"] for one in held) == ["ticket.opened"] * 10 + ["ticket.withdrawn"] * 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("rate", value) for value in (0, -1, 0.009, 1000.1, "1", True)],
        *[("concurrency", value) for value in (0, -1, 51, 1.5, "2", True)],
    ],
)
async def test_limits_without_sense_are_refused(
    client: httpx.AsyncClient, admin: Headers, field: str, value: object
) -> None:
    body = {"url": "https://example.com", field: value}
    answer = await client.post("/v1/webhooks", json=body, headers=admin)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{field}")


async def test_a_sender_counts_what_it_throttles(
    make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    await make_endpoint(receiver.url)
    await tell()
    receiver.answer = status(503)
    await sender.run_pass()
    await sender.drain()
    released = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response(status=204)

    receiver.answer = wait
    await tell(*(event_row() for _ in range(3)))
    assert [await sender.run_pass(), await sender.run_pass()] == [1, 0]
    released.set()
    await sender.drain()


async def test_slots_are_kept_for_retries(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, state: State
) -> None:
    """With every slot for first attempts taken, a retry goes out at its instant; a first attempt is not waited for."""
    dead = await make_endpoint("http://127.0.0.1:1/", events=["ticket.withdrawn"])
    sender = Sender(state, Limits(slots=40, per_endpoint=40, timeout=PATIENCE, lease=2 * PATIENCE))
    await tell(event_row("ticket.withdrawn"))
    await sender.run_pass()
    await sender.drain()
    (retry,) = await deliveries(sessions)
    released = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response(status=204)

    receiver.answer = wait
    for account_id in (None, "acc_1"):
        await make_endpoint(receiver.url, account_id, events=["ticket.opened"])
    await tell(*(event_row("ticket.opened") for _ in range(40)))
    assert await sender.run_pass() == 36
    assert await sender.next_instant() == retry.next_attempt_at
    assert await sender.run_pass(retry.next_attempt_at) == 1
    await until(lambda: len(sender._in_flight) == 36)
    assert dead.id not in {one.endpoint_id for one in sender._in_flight}
    released.set()
    await sender.stop()
