"""kill -9 of one of two replicas in the middle of thousands of deliveries."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.db.statements.bulk import insert_rows
from app.core.db.tables import Row
from app.events.models import EventRow
from app.webhooks.background.deliver import Limits
from app.webhooks.outbox.fanout import fan_out
from tests.faults.history import end_leases
from tests.support.desk import fetch, make_endpoint, now_of
from tests.support.service import serving
from tests.support.waiting import until
from tests.webhooks.conftest import event_row
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.faults

ENDPOINTS: Final = 10
TICKETS: Final = 100
EVENTS_EACH: Final = 5
DELIVERIES: Final = ENDPOINTS * TICKETS * EVENTS_EACH
KILL_AT: Final = DELIVERIES // 4
LEASE: Final = timedelta(seconds=Limits().lease)
LOOKS: Final = 10
"""So often in a row nothing has changed when nobody works any more."""
LEFT: Final = """
SELECT id, claim_id, next_attempt_at FROM deliveries WHERE state = 'pending' ORDER BY account_id, id
"""


class Gate:
    """From the message ``KILL_AT`` on nobody is answered, until somebody was killed: so there is much in flight."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver, self.reached, self.killed = receiver, asyncio.Event(), asyncio.Event()

    async def answer(self, _: web.Request) -> web.Response:
        if len(self.receiver.messages) >= KILL_AT:
            self.reached.set()
            await self.killed.wait()
        return web.Response(status=204)


async def _tell(sessions: Sessions) -> list[Row]:
    rows: list[Row] = [
        {**event_row(), "ticket_id": f"tkt_{ticket}", "sequence": sequence}
        for ticket in range(TICKETS)
        for sequence in range(1, EVENTS_EACH + 1)
    ]
    async with transaction(sessions) as session:
        await insert_rows(session, EventRow, rows)
        await fan_out(session, rows)
    return rows


async def _left(sessions: Sessions) -> Sequence[Row]:
    """What the one that goes on leaves to be done: what the other had claimed, and what waits for its turn behind."""
    looks = [await fetch(sessions, LEFT)]

    async def nothing_changes() -> bool:
        looks.append(await fetch(sessions, LEFT))
        return looks[-LOOKS:] == [looks[-1]] * LOOKS

    await until(nothing_changes, within=100, every=0.2)
    return looks[-1]


async def _all_delivered(sessions: Sessions) -> bool:
    (row,) = await fetch(sessions, "SELECT count(*) FROM deliveries WHERE state = 'delivered'")
    return bool(row["count"] == DELIVERIES)


async def test_kill_9_of_one_of_two_replicas_loses_no_delivery_and_repeats_only_what_was_in_flight(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, receiver: Receiver
) -> None:
    gate = Gate(receiver)
    receiver.answer = gate.answer
    for number in range(ENDPOINTS):
        await make_endpoint(shared, f"{receiver.url}/{number}", "ticket.*")
    async with asyncio.timeout(150):
        with ExitStack() as stack:
            starts = [asyncio.to_thread(stack.enter_context, serving(folder, own_database, admin_key)) for _ in "ab"]
            dying, _ = await asyncio.gather(*starts)
            events = await _tell(shared)
            await gate.reached.wait()
            await asyncio.sleep(0.5)  # both have sent all that they may at once
            assert dying.stop(signal.SIGKILL) == -signal.SIGKILL
            killed, sent_before = await now_of(shared), len(receiver.messages)
            gate.killed.set()
            leases = [row["next_attempt_at"] for row in await _left(shared) if row["claim_id"]]
            assert max(leases) <= killed + LEASE
            await end_leases(shared)
            await until(lambda: _all_delivered(shared), within=100, every=0.2)
    bodies: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for message in receiver.messages:
        bodies[message.path, message.id].append(message.body)
    paths = [f"/hook/{number}" for number in range(ENDPOINTS)]
    assert bodies.keys() == {(path, event["id"]) for path in paths for event in events}
    repeated = [copies for copies in bodies.values() if len(copies) > 1]
    assert 0 < len(repeated) <= Limits().held
    assert all(len(set(copies)) == 1 for copies in bodies.values())
    assert sent_before < DELIVERIES / 2
