"""First attempts at the events of one ticket are made in their order, endpoint by endpoint (0009)."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

import pytest
from aiohttp import web
from orjson import loads

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.db.tables import Row
from app.core.signals import WakeUps
from app.core.state import State
from app.webhooks.background import deliver
from app.webhooks.background.deliver import Limits, Sender
from app.webhooks.outbox.attempts import DeliveryOutcome
from app.webhooks.outbox.claims import claim, poll
from app.webhooks.outbox.lanes import next_due
from app.webhooks.outbox.outcomes import let_stranded_go, record_outcomes
from app.webhooks.rules.sharing import Share
from tests.support.desk import connected, fetch
from tests.support.waiting import PATIENCE, until, until_blocked
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, event_row
from tests.webhooks.receiver import Receiver, receiving, status

LEASE: Final = timedelta(seconds=30)
ALL: Final = Share(limit=100, per_endpoint=100)


def events_of(ticket: str, sequences: range) -> list[Row]:
    """Events of a ticket, in the order in which they are recorded."""
    return [{**event_row(), "ticket_id": ticket, "sequence": sequence} for sequence in sequences]


def arrivals(receiver: Receiver) -> dict[str, list[int]]:
    """The sequences by ticket, in the order of their first arrival."""
    seen: dict[str, list[int]] = defaultdict(list)
    for message in receiver.messages:
        event = loads(message.body)
        if event["sequence"] not in seen[event["ticket_id"]]:
            seen[event["ticket_id"]].append(event["sequence"])
    return seen


async def send_all(sessions: Sessions, *senders: Sender, ahead: timedelta = timedelta(0)) -> None:
    """Run passes until every delivery was attempted; ``ahead``: by a clock so far ahead."""
    while await fetch(sessions, "SELECT 1 FROM deliveries WHERE state = 'pending' AND attempts = 0 LIMIT 1"):
        now = wall_now() + ahead if ahead else None
        await asyncio.gather(*(sender.run_pass(now) for sender in senders))
        await asyncio.sleep(0.001)
    await asyncio.gather(*(sender.drain() for sender in senders))


@pytest.fixture
async def sender(state: State) -> Sender:
    return Sender(state, Limits(timeout=5))


async def test_a_tickets_events_arrive_in_order_and_other_tickets_do_not_wait(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    held = asyncio.Event()

    async def slow_for_one(request: web.Request) -> web.Response:
        if loads(await request.read())["ticket_id"] == "tkt_1":
            await held.wait()
        return web.Response(status=204)

    receiver.answer = slow_for_one
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 20)), *events_of("tkt_2", range(1, 20)))
    sending = asyncio.create_task(send_all(sessions, sender))
    await until(lambda: len(arrivals(receiver)["tkt_2"]) == 19)
    assert arrivals(receiver)["tkt_1"] == [1], "only the first, until it is answered"
    held.set()
    await sending
    assert arrivals(receiver) == {ticket: list(range(1, 20)) for ticket in ("tkt_1", "tkt_2")}
    await sender.stop()


async def test_a_failed_attempt_holds_nothing_back(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    receiver.answer = status(500)
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 6)))
    await send_all(sessions, sender)
    assert arrivals(receiver)["tkt_1"] == [1, 2, 3, 4, 5]
    assert len(receiver.messages) == 5
    assert {(one.state, one.attempts) for one in await deliveries(sessions)} == {("pending", 1)}
    await sender.stop()


async def test_an_endpoint_that_asks_for_less_gets_them_in_order_too(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    receiver.answer = status(503)
    await make_endpoint(receiver.url)
    await tell(*(event for n in range(4) for event in events_of(f"tkt_{n}", range(1, 4))))
    await send_all(sessions, sender)
    assert arrivals(receiver) == {f"tkt_{n}": [1, 2, 3] for n in range(4)}
    await sender.stop()


async def test_who_has_room_for_one_looks_past_one_that_waits_for_its_turn(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await make_endpoint("https://example.com")
    one = replace(ALL, limit=1)
    for event in (*events_of("tkt_1", range(1, 3)), *events_of("tkt_2", range(1, 2))):
        await tell(event)
    for ticket in ("tkt_1", "tkt_2"):
        async with transaction(sessions) as session:
            (found,) = (await poll(session, one, lease=LEASE, ahead=True)).claimed
        assert (found.event["ticket_id"], found.event["sequence"]) == (ticket, 1)


async def test_a_sender_looks_further_ahead_after_it_put_some_off(
    sessions: Sessions,
    make_endpoint: MakeEndpoint,
    tell: Tell,
    receiver: Receiver,
    state: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With room for one: its first poll finds the second event, its second one the third, and what goes."""
    monkeypatch.setattr(deliver, "_POLLS", 2)
    await make_endpoint(receiver.url)
    for event in (*events_of("tkt_1", range(1, 4)), *events_of("tkt_2", range(1, 2))):
        await tell(event)
    async with transaction(sessions) as session:
        (held,) = (await poll(session, replace(ALL, limit=1), lease=LEASE)).claimed
    assert (held.event["ticket_id"], held.event["sequence"]) == ("tkt_1", 1)
    sender = Sender(state, Limits(slots=1, timeout=PATIENCE, lease=2 * PATIENCE))
    assert await sender.run_pass() == 1
    await sender.stop()
    assert arrivals(receiver) == {"tkt_2": [1]}


async def test_what_waits_for_its_turn_is_not_due(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver
) -> None:
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 3)))
    await tell(*events_of("tkt_1", range(3, 5)))
    async with transaction(sessions) as session:
        (first,) = await claim(session, ALL, lease=LEASE)
    assert first.event["sequence"] == 1
    async with transaction(sessions) as session:
        assert await claim(session, ALL, lease=LEASE) == []
        assert await next_due(session) == first.now + LEASE, "a pass would find nothing before"


async def test_after_a_crash_the_lease_keeps_the_turn(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 4)))
    async with transaction(sessions) as session:
        (lost,) = await claim(session, ALL, lease=LEASE)
    await tell(*events_of("tkt_1", range(4, 6)))
    assert await sender.run_pass() == 0
    await send_all(sessions, sender, ahead=LEASE + timedelta(seconds=1))
    assert arrivals(receiver)["tkt_1"] == [1, 2, 3, 4, 5]
    async with transaction(sessions) as session:
        await record_outcomes(session, [DeliveryOutcome(lost, "delivered", 1, {})])
    assert {one.state for one in await deliveries(sessions)} == {"delivered"}
    await sender.stop()


async def test_of_a_disabled_endpoint_all_fail_in_turn(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender
) -> None:
    receiver.answer = status(410)
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 6)))
    await send_all_states(sessions, sender)
    assert arrivals(receiver)["tkt_1"] == [1]
    assert {one.state for one in await deliveries(sessions)} == {"failed"}
    await sender.stop()


async def send_all_states(sessions: Sessions, sender: Sender) -> None:
    """Run passes until nothing is pending."""
    while await fetch(sessions, "SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT 1"):
        await sender.run_pass()
        await sender.drain()


async def test_the_next_is_let_go_even_while_it_is_being_parked(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, database: str
) -> None:
    """The first attempt ends while another sender parks the next event: whoever comes later sees the other's work."""
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 2)))
    async with transaction(sessions) as session:
        (first,) = await claim(session, ALL, lease=LEASE)
    await tell(*events_of("tkt_1", range(2, 3)))

    async def recorded() -> None:
        async with connected(database) as others, transaction(others) as session:
            await record_outcomes(session, [DeliveryOutcome(first, "delivered", 1, {})])

    async with transaction(sessions) as session:
        assert await claim(session, ALL, lease=LEASE) == []
        recording = asyncio.create_task(recorded())
        await until_blocked(sessions)
        assert not recording.done(), "it waits for the lock of what is being parked"
    await recording
    async with transaction(sessions) as session:
        (second,) = await claim(session, ALL, lease=LEASE)
    assert second.event["sequence"] == 2


async def test_what_is_recorded_while_the_attempt_before_it_is_being_ended_has_its_turn(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, database: str
) -> None:
    """Whoever ends the first attempt looks for the next event before that is there, and commits after its claim."""
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 2)))
    async with transaction(sessions) as session:
        (first,) = await claim(session, ALL, lease=LEASE)
    async with connected(database) as others, transaction(others) as recording:
        await record_outcomes(recording, [DeliveryOutcome(first, "delivered", 1, {})])
        await tell(*events_of("tkt_1", range(2, 3)))
        async with transaction(sessions) as session:
            assert await claim(session, ALL, lease=LEASE) == []
            due = await next_due(session)
    assert due is not None
    async with transaction(sessions) as session:
        (second,) = await claim(session, ALL, lease=LEASE, now=due)
    assert second.event["sequence"] == 2
    assert due - first.now < LEASE, "a pass comes for it by itself"


async def test_who_waits_for_a_turn_that_nobody_gives_is_found_and_nobody_else(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver
) -> None:
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 4)), *events_of("tkt_2", range(1, 3)))
    assert await let_stranded_go(sessions) == 0
    strand = "UPDATE deliveries SET next_attempt_at = NULL, queued = false WHERE ticket_id = 'tkt_1' RETURNING 1"
    assert len(await fetch(sessions, strand)) == 3
    assert await let_stranded_go(sessions) == 1
    async with transaction(sessions) as session:
        claimed = await claim(session, ALL, lease=LEASE)
    assert sorted((one.event["ticket_id"], one.event["sequence"]) for one in claimed) == [("tkt_1", 1), ("tkt_2", 1)]


async def test_the_sender_is_woken_for_the_next_turn(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver, sender: Sender, wake_ups: WakeUps
) -> None:
    rung, answered = asyncio.Event(), asyncio.Event()

    async def answer_later(_: web.Request) -> web.Response:
        await answered.wait()
        return web.Response()

    receiver.answer = answer_later
    await make_endpoint(receiver.url)
    await tell(*events_of("tkt_1", range(1, 3)))
    assert await sender.run_pass() == 1
    wake_ups.deliveries.listen(rung.set)
    answered.set()
    await asyncio.wait_for(rung.wait(), PATIENCE)
    assert await sender.run_pass() == 1
    await sender.stop()
    assert {one.state for one in await deliveries(sessions)} == {"delivered"}


class Judge:
    """A receiver's handler that answers after a moment, at random with a failure, and sees who came too early."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.ended: dict[str, int] = defaultdict(int)
        self.seen: set[str] = set()
        self.early: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        event = loads(await request.read())
        first, ticket = event["id"] not in self.seen, event["ticket_id"]
        self.seen.add(event["id"])
        if first and self.ended[ticket] != event["sequence"] - 1:
            self.early.append(f"{ticket} {event['sequence']} after {self.ended[ticket]}")
        await asyncio.sleep(self.chance.choice([0, 0, 0.001, 0.01]))
        if first:
            self.ended[ticket] = event["sequence"]
        return web.Response(status=self.chance.choice([204, 204, 204, 500, 503]))


@pytest.mark.parametrize("seed", range(3))
async def test_two_senders_never_start_an_attempt_before_its_turn(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, state: State, database: str, seed: int
) -> None:
    """While events are being recorded, in transactions of random length, two senders race for them."""
    chance = Random(seed)  # noqa: S311  a test's choices
    judges = [Judge(chance), Judge(chance)]

    async def record(ticket: str) -> None:
        told = 0
        while told < 25:
            more = chance.choice([1, 1, 2, 5])
            await tell(*events_of(ticket, range(told + 1, told + more + 1)))
            told += more
            await asyncio.sleep(chance.choice([0, 0.002, 0.01]))

    async with receiving(judges[0]) as one, receiving(judges[1]) as two, connected(database) as others:
        for receiver in (one, two):
            await make_endpoint(receiver.url)
        limits = Limits(timeout=5)
        senders = [Sender(state, limits), Sender(replace(state, sessions=others), replace(limits, slots=7))]
        recording = asyncio.gather(*(record(f"tkt_{n}") for n in range(6)))
        async with asyncio.timeout(60):
            while not recording.done():
                await send_all(sessions, *senders)
            await send_all(sessions, *senders)
        await asyncio.gather(*(sender.stop() for sender in senders))
    assert [judge.early for judge in judges] == [[], []]
    for receiver in (one, two):
        assert all(seen == list(range(1, len(seen) + 1)) for seen in arrivals(receiver).values())
    assert sum(len(judge.seen) for judge in judges) == len(await deliveries(sessions)) >= 300
