"""kill -9 of one of two replicas in the middle of thousands of deliveries."""

import asyncio
import signal
from collections import defaultdict
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.db.statements.bulk import insert_rows
from app.core.db.tables import Row
from app.events.models import EventRow
from app.webhooks.background.deliver import Limits
from app.webhooks.outbox.fanout import fan_out
from tests.support.desk import fetch, make_endpoint
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
LITTLE: Final = timedelta(seconds=8)
"""How much later than its lease a delivery may begin again on a machine that has other things to do."""


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


async def _all_delivered(sessions: Sessions) -> bool:
    (row,) = await fetch(sessions, "SELECT count(*) FROM deliveries WHERE state = 'delivered'")
    return bool(row["count"] == DELIVERIES)


async def test_kill_9_of_one_of_two_replicas_loses_no_delivery_and_repeats_only_what_was_in_flight(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, receiver: Receiver
) -> None:
    gate = Gate(receiver)
    receiver.answer = gate.answer
    for number in range(ENDPOINTS):
        await make_endpoint(shared, f"{receiver.url}/{number}", "*")
    async with asyncio.timeout(150):
        with ExitStack() as stack:
            starts = [asyncio.to_thread(stack.enter_context, serving(folder, own_database, admin_key)) for _ in "ab"]
            dying, _ = await asyncio.gather(*starts)
            events = await _tell(shared)
            await gate.reached.wait()
            await asyncio.sleep(0.5)  # both have sent all that they may at once
            assert dying.stop(signal.SIGKILL) == -signal.SIGKILL
            killed, sent_before = monotonic(), len(receiver.messages)
            gate.killed.set()
            await until(lambda: _all_delivered(shared), within=100, every=0.2)
            lasted = timedelta(seconds=monotonic() - killed)
    bodies: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for message in receiver.messages:
        bodies[message.path, message.id].append(message.body)
    paths = [f"/hook/{number}" for number in range(ENDPOINTS)]
    assert bodies.keys() == {(path, event["id"]) for path in paths for event in events}
    repeated = [copies for copies in bodies.values() if len(copies) > 1]
    assert 0 < len(repeated) <= Limits().held
    assert all(len(set(copies)) == 1 for copies in bodies.values())
    assert sent_before < DELIVERIES / 2
    told = f"{len(repeated)} of {DELIVERIES} sent again; all delivered {lasted.total_seconds():.1f} s after the kill"
    print(told)  # noqa: T201  for whoever looks at figures (-s)
    assert lasted < LEASE + LITTLE
