import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg
import pytest
from aiohttp import web
from orjson import loads
from sqlalchemy import make_url, update

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.signals import WakeUps
from app.core.state import State
from app.events.envelope import envelope
from app.webhooks.background import deliver
from app.webhooks.background.deliver import Limits, Sender
from app.webhooks.models import DeliveryRow, WebhookEndpointRow
from app.webhooks.outbox.attempts import DeliveryOutcome
from app.webhooks.outbox.claims import claim, renew
from app.webhooks.outbox.outcomes import RETENTION, forget_deliveries, record_outcomes
from app.webhooks.rules.sharing import Share
from tests.support.desk import now_of
from tests.support.waiting import PATIENCE, until
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, delivery, event_row, seconds_between
from tests.webhooks.receiver import Receiver, hang, receiving, status

MakeSender = Callable[..., Sender]
LEASE = timedelta(seconds=30)


@pytest.fixture
async def make_sender(state: State) -> AsyncIterator[MakeSender]:
    senders: list[Sender] = []

    def make(**limits: float) -> Sender:
        defaults = Limits(timeout=5)
        senders.append(Sender(state, replace(defaults, **limits)))  # type: ignore[arg-type]  # all limits are numbers
        return senders[-1]

    yield make
    for sender in senders:
        await sender.stop()


@pytest.fixture
def sender(make_sender: MakeSender) -> Sender:
    return make_sender()


async def endpoint_of(sessions: Sessions, endpoint_id: str) -> WebhookEndpointRow:
    async with sessions() as session:
        found = await session.get(WebhookEndpointRow, endpoint_id)
        assert found is not None
        return found


async def claim_all(sessions: Sessions) -> list[DeliveryOutcome]:
    """Claim, and what a sender would record of it."""
    async with transaction(sessions) as session:
        claimed = await claim(session, Share(limit=100, per_endpoint=100), lease=LEASE)
    return [DeliveryOutcome(one, "delivered", 1, {"status": 204}) for one in claimed]


async def tried(sessions: Sessions, sender: Sender) -> tuple[datetime, DeliveryRow, datetime]:
    """The only delivery after an attempt, between the instants before and after it."""
    before = await now_of(sessions)
    await sender.run_pass()
    await sender.drain()
    return before, await delivery(sessions), await now_of(sessions)


async def test_a_message_arrives_signed_and_is_recorded(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    endpoint = await make_endpoint(receiver.url)
    (event,) = await tell()
    assert await sender.run_pass() == 1
    await sender.drain()
    (message,) = receiver.messages
    assert message.verified(endpoint.secrets[0]) == envelope(event, internal=endpoint.account_id is None)
    assert message.id == event["id"]
    assert message.headers["content-type"] == "application/json"
    row = await delivery(sessions)
    assert (row.state, row.attempts, row.next_attempt_at) == ("delivered", 1, None)
    assert row.finished_at is not None
    assert row.last_attempt is not None
    assert (row.last_attempt["status"], row.last_attempt["error"]) == (204, None)
    assert row.last_attempt["duration_ms"] > 0
    assert await sender.run_pass() == 0


async def test_a_failure_is_tried_again_after_five_seconds_with_the_same_id(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender, state: State
) -> None:
    endpoint = await make_endpoint(receiver.url)
    await tell()
    receiver.answer = status(500)
    before, failed, after = await tried(sessions, sender)
    assert (failed.state, failed.attempts, failed.claim_id) == ("pending", 1, None)
    assert failed.next_attempt_at is not None
    assert before + timedelta(seconds=4) <= failed.next_attempt_at <= after + timedelta(seconds=6), "a fifth either way"
    assert await sender.next_instant() == failed.next_attempt_at
    assert (await endpoint_of(sessions, endpoint.id)).failing_since is not None
    assert await sender.run_pass() == 0, "not due yet"
    receiver.answer = status(204)
    assert await sender.run_pass(now=failed.next_attempt_at) == 1
    await sender.drain()
    assert receiver.ids == [failed.event_id] * 2
    assert (await delivery(sessions)).state == "delivered"
    counted = state.metrics.registry.get_sample_value
    assert [counted("heliodesk_deliveries_total", {"outcome": one}) for one in ("retried", "delivered")] == [1, 1]
    assert (await endpoint_of(sessions, endpoint.id)).failing_since is None


@pytest.mark.parametrize("code", [301, 302, 308, 400, 404, 429, 503])
async def test_everything_but_2xx_is_a_failure(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender, *, code: int
) -> None:
    await make_endpoint(receiver.url)
    await tell()
    receiver.answer = status(code, location=receiver.url)
    await sender.run_pass()
    await sender.drain()
    failed = await delivery(sessions)
    assert (failed.state, failed.attempts) == ("pending", 1)
    assert failed.last_attempt is not None
    assert failed.last_attempt["status"] == code
    assert len(receiver.messages) == 1


async def test_retry_after_is_honoured(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    await make_endpoint(receiver.url)
    await tell()
    receiver.answer = status(429, retry_after="3600")
    before, failed, after = await tried(sessions, sender)
    assert failed.next_attempt_at is not None
    assert before + timedelta(seconds=8) <= failed.next_attempt_at <= after + timedelta(seconds=12), "twice the delay"


class Crowd:
    """A receiver's handler that sees how many messages it has at once, and answers after a moment."""

    def __init__(self, code: int) -> None:
        self.code, self.present, self.most = code, 0, 0

    async def __call__(self, _: web.Request) -> web.Response:
        self.present += 1
        self.most = max(self.most, self.present)
        await asyncio.sleep(0.02)
        self.present -= 1
        return web.Response(status=self.code)


async def attempted(sessions: Sessions, sender: Sender) -> None:
    """Run passes until every delivery was attempted."""
    while any(one.attempts == 0 for one in await deliveries(sessions)):
        await sender.run_pass()
        await asyncio.sleep(0.001)
    await sender.drain()


async def test_an_endpoint_that_asks_for_less_gets_one_at_a_time(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    await make_endpoint(receiver.url)
    await tell()
    receiver.answer = status(429)
    await attempted(sessions, sender)
    receiver.answer = crowd = Crowd(429)
    await tell(*(event_row() for _ in range(5)))
    await attempted(sessions, sender)
    assert crowd.most == 1
    crowd.code = 204
    await tell(*(event_row() for _ in range(30)))
    await attempted(sessions, sender)
    assert 2 <= crowd.most <= 10, "each success earns one more"


async def test_an_endpoint_that_does_not_answer_in_time_falls_to_one_at_a_time(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender
) -> None:
    await make_endpoint(receiver.url)
    sender = make_sender(timeout=0.3)
    receiver.answer = hang
    await tell(*(event_row() for _ in range(12)))
    assert await sender.run_pass() == 10
    await sender.drain()
    assert await sender.run_pass() == 1
    await sender.drain()
    receiver.answer, patient = (crowd := Crowd(204)), make_sender()
    await attempted(sessions, patient)
    await tell(*(event_row() for _ in range(30)))
    await attempted(sessions, patient)
    assert 2 <= crowd.most <= 10


async def test_410_disables_the_endpoint_and_fails_what_waits_for_it(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender
) -> None:
    endpoint = await make_endpoint(receiver.url)
    await tell(event_row(), event_row())
    receiver.answer = status(410)
    sender = make_sender(per_endpoint=1)
    await sender.run_pass()
    await sender.drain()
    disabled = await endpoint_of(sessions, endpoint.id)
    assert (disabled.enabled, disabled.version) == (False, 2)
    assert disabled.disabled_reason == "The receiver answered 410 Gone"
    await sender.run_pass()
    await sender.drain()
    assert len(receiver.messages) == 1, "the second was not sent"
    assert {(one.state, one.attempts) for one in await deliveries(sessions)} == {("failed", 1), ("failed", 0)}


async def test_after_the_last_attempt_the_delivery_has_failed(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    await make_endpoint(receiver.url)
    await tell()
    receiver.answer = status(500)
    while (failed := await delivery(sessions)).next_attempt_at:
        await sender.run_pass(now=failed.next_attempt_at)
        await sender.drain()
    assert (failed.state, failed.attempts, failed.next_attempt_at) == ("failed", 10, None)
    assert len(set(receiver.ids)) == 1
    assert len(receiver.ids) == 10


async def test_an_endpoint_that_only_fails_for_five_days_is_disabled_and_the_others_are_told(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    dead = await make_endpoint("http://127.0.0.1:1/secret?of=it", "acc_1", events=["ticket.opened"])
    for account_id, url in (("acc_1", "mine"), (None, "operator"), ("acc_2", "another")):
        await make_endpoint(f"{receiver.url}/{url}", account_id, events=["webhook.disabled"])
    await tell()
    start = wall_now() + timedelta(seconds=1)
    for past in (timedelta(0), timedelta(seconds=10), timedelta(days=5)):
        assert (await endpoint_of(sessions, dead.id)).enabled
        assert await sender.run_pass(now=start + past) == 1
        await sender.drain()
    disabled = await endpoint_of(sessions, dead.id)
    assert (disabled.enabled, disabled.disabled_reason) == (False, "Nothing could be delivered for five days")
    await sender.run_pass()
    await sender.drain()
    assert sorted(message.path for message in receiver.messages) == ["/hook/mine", "/hook/operator"]
    told = loads(receiver.messages[0].body)
    assert (told["type"], told["data"]["endpoint_id"]) == ("webhook.disabled", dead.id)
    assert told["data"]["url"] == "http://127.0.0.1:1/"


async def test_a_receiver_that_hangs_is_tried_again(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender
) -> None:
    await make_endpoint(receiver.url)
    await tell()
    receiver.answer = hang
    sender = make_sender(timeout=0.1)
    await sender.run_pass()
    await sender.drain()
    failed = await delivery(sessions)
    assert failed.state == "pending"
    assert failed.last_attempt is not None
    assert failed.last_attempt["error"] == "no complete answer within 0.1 s"


async def test_one_that_hangs_holds_up_nobody_else(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender
) -> None:
    released = asyncio.Event()

    async def hang_until_released(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response(status=204)

    async with receiving(hang_until_released) as hanging:
        await make_endpoint(hanging.url, events=["ticket.opened"])
        await make_endpoint(receiver.url, events=["ticket.withdrawn"])
        await tell(*(event_row("ticket.opened") for _ in range(50)))
        await tell(*(event_row("ticket.withdrawn") for _ in range(3)))
        sender = make_sender(slots=20, per_endpoint=5, timeout=PATIENCE, lease=2 * PATIENCE)
        assert await sender.run_pass() == 8
        await until(lambda: (len(receiver.messages), len(hanging.messages)) == (3, 5))
        assert await sender.run_pass() == 0
        leases = [one.next_attempt_at for one in await deliveries(sessions) if one.claim_id and one.next_attempt_at]
        assert await sender.next_instant() == min(leases), "what waits for a slot waits for no instant"
        released.set()
        await sender.drain()


class Gate:
    """A receiver's handler that answers one message for each release, and counts those that have come."""

    def __init__(self) -> None:
        self.come, self.answered, self._released = 0, 0, asyncio.Semaphore(0)

    async def __call__(self, _: web.Request) -> web.Response:
        self.come += 1
        await self._released.acquire()
        self.answered += 1
        return web.Response(status=204)

    async def wait_for(self, number: int) -> None:
        """Until so many have come."""
        await until(lambda: self.come >= number)

    def release(self, number: int = 1) -> None:
        for _ in range(number):
            self._released.release()


async def test_a_free_slot_wakes_the_sender_when_more_is_waiting(
    make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender, wake_ups: WakeUps
) -> None:
    """And no more are in flight than there are slots, whoever waits."""
    accounts = ["acc_1", "acc_2", "acc_3"]
    for account_id in (None, *accounts):
        await make_endpoint(receiver.url, account_id)
    await tell(*(event_row(account_id=account_id) for account_id in accounts for _ in range(2)))
    rung = asyncio.Event()
    wake_ups.deliveries.listen(rung.set)
    sender, gate = make_sender(slots=3, timeout=PATIENCE, lease=2 * PATIENCE), Gate()
    receiver.answer = gate
    begun = await sender.run_pass()
    assert begun == 3
    while begun < 12:
        await gate.wait_for(begun)
        assert gate.come - gate.answered <= 3
        rung.clear()
        gate.release()
        await asyncio.wait_for(rung.wait(), PATIENCE)
        begun += await sender.run_pass()
    gate.release(3)
    await sender.drain()
    assert len(set(receiver.ids)) == 6
    assert len(receiver.ids) == 12


async def test_a_pass_waits_for_slots_that_more_of_the_same_needs(
    make_endpoint: MakeEndpoint,
    tell: Tell,
    receiver: Receiver,
    make_sender: MakeSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Operators' endpoints leave one slot of four to others; they are three, and go on when a quarter is free."""
    monkeypatch.setattr(deliver, "_GATHER", PATIENCE)
    receiver.answer = gate = Gate()
    await make_endpoint(receiver.url)
    await tell(*(event_row() for _ in range(8)))
    sender = make_sender(slots=4, timeout=2 * PATIENCE, lease=4 * PATIENCE)
    sending = asyncio.create_task(sender.run_pass())
    await gate.wait_for(3)
    gate.release(8)
    assert await sending == 8


async def test_who_has_all_slots_that_it_may_have_delays_no_other(
    make_endpoint: MakeEndpoint,
    tell: Tell,
    receiver: Receiver,
    make_sender: MakeSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deliver, "_GATHER", 4 * PATIENCE)
    receiver.answer = gate = Gate()
    await make_endpoint(receiver.url, "acc_1")
    await make_endpoint(receiver.url, events=["ticket.withdrawn"])
    await tell(*(event_row() for _ in range(3)))
    await tell(event_row("ticket.withdrawn", "acc_2"))
    sender = make_sender(slots=8, timeout=2 * PATIENCE, lease=4 * PATIENCE)
    assert await asyncio.wait_for(sender.run_pass(), PATIENCE) == 3, "two of the account, and one of the operators"
    gate.release(3)


async def test_answers_that_come_while_others_are_recorded_are_recorded_too(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender
) -> None:
    async def in_turn(_: web.Request) -> web.Response:
        await asyncio.sleep(0.002 * len(receiver.messages))
        return web.Response(status=204)

    receiver.answer = in_turn
    await make_endpoint(receiver.url)
    await tell(*(event_row() for _ in range(80)))
    sender = make_sender(per_endpoint=100)
    assert await sender.run_pass() == 80
    await sender.drain()
    assert {(one.state, one.claim_id) for one in await deliveries(sessions)} == {("delivered", None)}


async def test_a_crash_between_claim_and_send_only_delays(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    await make_endpoint(receiver.url)
    (event,) = await tell()
    (lost,) = await claim_all(sessions)
    assert await sender.run_pass() == 0, "leased to the one that crashed"
    assert await sender.run_pass(now=lost.delivery.now + LEASE) == 1
    await sender.drain()
    assert receiver.ids == [event["id"]]


async def test_a_crash_between_send_and_record_sends_again_with_the_same_id(
    make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender, state: State
) -> None:
    await make_endpoint(receiver.url)
    (event,) = await tell()

    async def crash(_: web.Request) -> web.Response:
        for sending in crashing._sends:
            sending.cancel()
        return web.Response(status=204)

    receiver.answer = crash
    crashing = Sender(state)
    await crashing.run_pass()
    await asyncio.gather(*crashing._sends, return_exceptions=True)
    await crashing.stop()
    receiver.answer = status(204)
    sender = make_sender()
    assert await sender.run_pass() == 0
    assert await sender.run_pass(now=wall_now() + LEASE + timedelta(seconds=1)) == 1
    await sender.drain()
    assert receiver.ids == [event["id"]] * 2


async def test_a_late_outcome_under_a_lost_claim_changes_nothing(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await make_endpoint("https://example.com")
    await tell()
    (late,) = await claim_all(sessions)
    async with transaction(sessions) as session:
        (current,) = await claim(session, Share(1, 1), lease=LEASE, now=late.delivery.now + LEASE)
    async with transaction(sessions) as session:
        await record_outcomes(session, [late])
    untouched = await delivery(sessions)
    assert (untouched.state, untouched.claim_id) == ("pending", current.claim_id)
    async with transaction(sessions) as session:
        await record_outcomes(session, [DeliveryOutcome(current, "failed", 3, {})])
    assert ((await delivery(sessions)).state, (await delivery(sessions)).attempts) == ("failed", 3)


async def test_a_lease_is_renewed_while_a_slow_receiver_answers(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender
) -> None:
    released, leases = asyncio.Event(), set[datetime]()

    async def slowly(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response(status=204)

    async def is_renewed_twice() -> bool:
        lease = (await delivery(sessions)).next_attempt_at
        assert lease is not None
        leases.add(lease)
        return len(leases) == 3

    receiver.answer = slowly
    await make_endpoint(receiver.url)
    await tell()
    slow, other = make_sender(timeout=PATIENCE, lease=1.5), make_sender()
    await slow.run_pass()
    await until(is_renewed_twice)
    assert await other.run_pass(now=min(leases)) == 0, "the first lease has ended"
    released.set()
    await slow.drain()
    assert (await delivery(sessions)).state == "delivered"
    assert len(receiver.messages) == 1


async def test_a_renewal_waits_for_nobody_who_records(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    """They take their rows in different orders: were the renewal to wait, both could wait for each other."""
    await make_endpoint("https://example.com")
    await tell(event_row(), event_row())
    held = [one.delivery for one in await claim_all(sessions)]
    async with asyncio.timeout(PATIENCE), transaction(sessions) as recording:
        await (await driver(recording)).execute("SELECT FROM deliveries WHERE id = $1 FOR UPDATE", held[0].id)
        async with transaction(sessions) as session:
            await renew(session, held, 2 * LEASE)
    leases = {one.id: seconds_between(held[0].now, one.next_attempt_at) for one in await deliveries(sessions)}
    assert leases[held[0].id] < 2 * LEASE.total_seconds() <= leases[held[1].id]


async def test_two_senders_share_the_work_without_duplicates(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender
) -> None:
    await make_endpoint(receiver.url)
    events = await tell(*(event_row() for _ in range(60)))
    senders, released = [make_sender(slots=10, per_endpoint=10) for _ in range(2)], asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response(status=204)

    receiver.answer = wait
    begun = [await sender.run_pass() for sender in senders]
    assert begun == [8, 8], "each its share, while nothing is answered"
    released.set()
    total = sum(begun)
    while total < len(events):
        total += sum(await asyncio.gather(*(sender.run_pass() for sender in senders)))
        await asyncio.gather(*(sender.drain() for sender in senders))
    await asyncio.gather(*(sender.drain() for sender in senders))
    assert sorted(receiver.ids) == sorted(str(event["id"]) for event in events)
    assert {one.state for one in await deliveries(sessions)} == {"delivered"}


async def test_claims_compare_with_the_databases_clock(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await make_endpoint("https://example.com")
    await tell()
    before = await now_of(sessions)
    (held,) = await claim_all(sessions)
    leased = await delivery(sessions)
    assert before < held.delivery.now < await now_of(sessions)
    assert leased.next_attempt_at == held.delivery.now + LEASE


async def test_an_answer_is_kept_short_and_storable(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=500, body=b"\x00\xff" + b"x" * 5000)

    receiver.answer = answer
    await make_endpoint(receiver.url)
    await tell()
    await sender.run_pass()
    await sender.drain()
    failed = await delivery(sessions)
    assert failed.last_attempt is not None
    assert failed.last_attempt["answer"] == "\ufffd\ufffd" + "x" * 1022


async def test_a_stopped_sender_claims_nothing(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    await make_endpoint(receiver.url)
    await tell()
    await sender.stop()
    assert await sender.run_pass() == 0
    assert (await delivery(sessions)).claim_id is None


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"


async def test_what_was_sent_is_recorded_once_the_database_answers_again(
    make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender, database: str
) -> None:
    async def cut_connections(_: web.Request) -> web.Response:
        connection = await asyncpg.connect(database)
        await connection.execute(CUT, make_url(database).database)
        await connection.close()
        return web.Response(status=204)

    receiver.answer = cut_connections
    await make_endpoint(receiver.url)
    await tell()
    await sender.run_pass()
    await sender.drain()
    connection = await asyncpg.connect(database)  # the pool's may not have noticed yet that they were cut
    assert await connection.fetchval("SELECT state FROM deliveries") == "delivered"
    await connection.close()
    assert len(receiver.messages) == 1


async def test_an_error_of_ours_costs_neither_the_slot_nor_the_delivery(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, make_sender: MakeSender
) -> None:
    endpoint = await make_endpoint(receiver.url)
    await tell()
    await set_secrets(sessions, endpoint.id, ["no secret"])
    sender = make_sender(slots=1)
    assert await sender.run_pass() == 1
    await sender.drain()
    assert ((await delivery(sessions)).state, receiver.messages) == ("pending", [])
    await set_secrets(sessions, endpoint.id, endpoint.secrets)
    assert await sender.run_pass(now=wall_now() + LEASE + timedelta(seconds=1)) == 1
    await sender.drain()
    assert (await delivery(sessions)).state == "delivered"


async def set_secrets(sessions: Sessions, endpoint_id: str, secrets: list[str]) -> None:
    async with transaction(sessions) as session:
        await session.execute(
            update(WebhookEndpointRow).where(WebhookEndpointRow.id == endpoint_id).values(secrets=secrets)
        )


async def test_deliveries_past_their_retention_are_dropped(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    await make_endpoint(receiver.url)
    await tell(event_row(), event_row())
    await sender.run_pass()
    await sender.drain()
    (old, recent) = await deliveries(sessions)
    async with transaction(sessions) as session:
        long_ago = recent.finished_at - RETENTION - timedelta(seconds=1)
        ended = {"created_at": long_ago, "finished_at": long_ago}
        await session.execute(update(DeliveryRow).where(DeliveryRow.id == old.id).values(**ended))
    assert await forget_deliveries(sessions, seconds=0)  # there was no time
    assert len(await deliveries(sessions)) == 2
    assert not await forget_deliveries(sessions)
    assert (await delivery(sessions)).id == recent.id


async def test_a_message_is_stamped_by_the_databases_clock(
    make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    """A replica whose own clock is an hour off still signs what receivers accept."""
    await make_endpoint(receiver.url)
    await tell()
    database = wall_now() + timedelta(hours=1)
    assert await sender.run_pass(now=database) == 1
    await sender.drain()
    (message,) = receiver.messages
    assert 0 <= int(message.headers["webhook-timestamp"]) - int(database.timestamp()) < 60
