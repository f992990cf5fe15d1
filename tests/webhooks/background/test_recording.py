"""Outcomes whose rows somebody holds are waited for by nobody else."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.state import State
from app.webhooks.background import recording
from app.webhooks.background.deliver import Limits, Sender
from app.webhooks.background.recording import Recorder
from app.webhooks.outbox.attempts import DeliveryOutcome, Exchange, conclude
from app.webhooks.outbox.claims import Claimed, claim
from app.webhooks.outbox.outcomes import record_outcomes
from app.webhooks.rules.retry import Outcome
from app.webhooks.rules.sharing import Share
from tests.support.desk import fetch
from tests.support.waiting import until
from tests.webhooks.conftest import MakeEndpoint, Tell, event_row
from tests.webhooks.receiver import Receiver, receiving, status

_STATES = """
SELECT owner_id, array_agg(state || d.attempts ORDER BY d.sequence) AS states
FROM deliveries AS d GROUP BY 1
"""


async def _states(sessions: Sessions) -> dict[str, list[str]]:
    return {row["owner_id"]: row["states"] for row in await fetch(sessions, _STATES)}


async def test_an_endpoint_that_is_being_removed_keeps_nobody_else_s_outcomes_waiting(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver
) -> None:
    """Nor the next event of anybody's ticket, which has its turn once an outcome is recorded."""
    sender = Sender(state)
    async with receiving(status(500)) as broken:
        held = await make_endpoint(broken.url, "acc_1")
        await make_endpoint(receiver.url, "acc_2")
        async with transaction(sessions) as session:
            await (await driver(session)).execute("SELECT FROM webhook_endpoints WHERE id = $1 FOR UPDATE", held.id)
            for account in ("acc_1", "acc_2"):
                await tell(*({**event_row(account_id=account), "sequence": number} for number in (1, 2, 3)))

            async def all_but_held() -> bool:
                await sender.run_pass()
                return (await _states(sessions))["acc_2"] == ["delivered1"] * 3

            await until(all_but_held)
            assert broken.messages, "it was sent to"
            assert set((await _states(sessions))["acc_1"]) == {"pending0"}

        async def all_tried() -> bool:
            await sender.run_pass()
            return set((await _states(sessions))["acc_1"]) == {"pending1"}

        await until(all_tried)
        await sender.stop()
    assert len(broken.messages) == 3, "each once, and in its turn"


async def test_what_is_kept_apart_takes_nobody_else_s_room(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver
) -> None:
    """Here of a sender that may hold a single delivery."""
    sender = Sender(state, Limits(slots=9, held=1))
    async with receiving(status(500)) as broken:
        held = await make_endpoint(broken.url, "acc_1")
        await make_endpoint(receiver.url, "acc_2")
        async with transaction(sessions) as session:
            await (await driver(session)).execute("SELECT FROM webhook_endpoints WHERE id = $1 FOR UPDATE", held.id)
            await tell(event_row(account_id="acc_1"))
            await sender.run_pass()
            await tell(event_row(account_id="acc_2"))

            async def other_is_delivered() -> bool:
                await sender.run_pass()
                return (await _states(sessions))["acc_2"] == ["delivered1"]

            await until(other_is_delivered)
            assert (await _states(sessions))["acc_1"] == ["pending0"]
        await sender.stop()


async def test_each_batch_that_is_kept_apart_is_tried_for_as_long_as_a_lease(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes while the first one is recorded, and is held by somebody else."""
    times = [0.0]
    monkeypatch.setattr(recording, "monotonic", lambda: times[-1])
    monkeypatch.setattr(recording, "_PAUSE", 0.01)
    await make_endpoint("https://example.com/", "acc_1")
    await tell(*(event_row(account_id="acc_1") for _ in "ab"))
    async with transaction(sessions) as session:
        first, second = [_delivered(one) for one in await claim(session, Share(2, 2), lease=timedelta(seconds=30))]
    ended: list[str] = []
    tried: Counter[str] = Counter()

    async def counted(session: AsyncSession, batch: Sequence[DeliveryOutcome]) -> None:
        tried.update(one.delivery.id for one in batch)
        await record_outcomes(session, batch)

    monkeypatch.setattr(recording, "record_outcomes", counted)

    def first_is_recorded(deliveries: Sequence[Claimed]) -> None:
        ended.extend(delivery.id for delivery in deliveries)
        if second.delivery.id not in ended:
            times.append(40.0)
            recorder.add(second)

    recorder = Recorder(state, 30, first_is_recorded, lambda: 0)
    locking = "SELECT FROM deliveries WHERE id = $1 FOR UPDATE"
    async with transaction(sessions) as of_second:
        await (await driver(of_second)).execute(locking, second.delivery.id)
        async with transaction(sessions) as of_first:
            await (await driver(of_first)).execute(locking, first.delivery.id)
            recorder.add(first)
            await until(lambda: recorder.apart)
            times.append(20.0)
        await until(lambda: tried[second.delivery.id] >= 2 or second.delivery.id in ended)
    await until(lambda: not recorder.running)
    assert await _states(sessions) == {"acc_1": ["delivered1", "delivered1"]}


def _delivered(delivery: Claimed) -> DeliveryOutcome:
    return conclude(delivery, Exchange(delivery.present(), 0.1, Outcome(204), {}), delivery.present(), 0)


async def test_an_endpoint_that_wants_no_more_is_disabled_whatever_else_it_answers(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    """In one batch, in any order."""
    await make_endpoint("https://example.com/", "acc_1")
    await tell(*(event_row(account_id="acc_1") for _ in "abc"))
    async with transaction(sessions) as session:
        claimed = await claim(session, Share(3, 3), lease=timedelta(seconds=30))
    recorder = Recorder(state, 30, lambda _: None, lambda: 0)
    for delivery, answer in zip(claimed, (500, 410, 500), strict=True):
        exchange = Exchange(delivery.present(), 0.1, Outcome(answer), {})
        recorder.add(conclude(delivery, exchange, delivery.present(), 0))
    await asyncio.wait(recorder.running)
    (endpoint,) = await fetch(sessions, "SELECT enabled FROM webhook_endpoints")
    assert not endpoint["enabled"]


async def test_behind_a_batch_of_many_outcomes_are_recorded_together(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as half of what is under way, or what there is after a moment, which here is for ever."""
    monkeypatch.setattr(recording, "_GATHER", 3600)
    batches: list[int] = []

    async def counted(session: AsyncSession, batch: Sequence[DeliveryOutcome]) -> None:
        await record_outcomes(session, batch)
        batches.append(len(batch))

    monkeypatch.setattr(recording, "record_outcomes", counted)
    await make_endpoint("https://example.com/", "acc_1")
    await tell(*(event_row(account_id="acc_1") for _ in range(14)))
    async with transaction(sessions) as session:
        outcomes = [_delivered(one) for one in await claim(session, Share(14, 14), lease=timedelta(seconds=30))]
    recorder = Recorder(state, 30, lambda _: None, lambda: 10)
    for outcome in outcomes[:8]:
        recorder.add(outcome)
    recorder.add(outcomes[8])
    await until(lambda: batches)
    for outcome in outcomes[9:]:
        await asyncio.sleep(0)
        recorder.add(outcome)
    await asyncio.wait(recorder.running)
    assert batches[0] == 9
    assert sum(batches) == 14
    assert len(batches) == 2
