"""Outcomes whose rows somebody holds are waited for by nobody else."""

import asyncio
from datetime import timedelta

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.state import State
from app.webhooks.background.deliver import Sender
from app.webhooks.background.recording import Recorder
from app.webhooks.outbox.attempts import Exchange, conclude
from app.webhooks.outbox.claims import claim
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


async def test_an_endpoint_that_wants_no_more_is_disabled_whatever_else_it_answers(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    """In one batch, in any order."""
    await make_endpoint("https://example.com/", "acc_1")
    await tell(*(event_row(account_id="acc_1") for _ in "abc"))
    async with transaction(sessions) as session:
        claimed = await claim(session, Share(3, 3), lease=timedelta(seconds=30))
    recorder = Recorder(state, 30, lambda _: None)
    for delivery, answer in zip(claimed, (500, 410, 500), strict=True):
        exchange = Exchange(delivery.present(), 0.1, Outcome(answer), {})
        recorder.add(conclude(delivery, exchange, delivery.present(), 0))
    await asyncio.wait(recorder.running)
    (endpoint,) = await fetch(sessions, "SELECT enabled FROM webhook_endpoints")
    assert not endpoint["enabled"]
