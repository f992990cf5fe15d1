"""A retry goes out at its instant, by the scheduler that runs in every process. How close: ``bench/webhooks.py``."""

import asyncio
from datetime import timedelta

from aiohttp import web

from app.core.db.engine import Sessions
from app.core.state import State
from app.scheduler import Scheduler, jobs
from app.webhooks.background.deliver import Limits, Sender
from tests.support.desk import fetch
from tests.support.waiting import PATIENCE, until
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, event_row
from tests.webhooks.receiver import Receiver, status

SOON = "UPDATE deliveries SET next_attempt_at = clock_timestamp() + $1 RETURNING next_attempt_at"
BEGUN = "SELECT (last_attempt->>'at')::timestamptz AS at FROM deliveries WHERE attempts = 2"


async def test_a_retry_is_never_early_and_does_not_wait_for_a_backlog(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver
) -> None:
    gone = asyncio.Event()

    async def hold_the_backlog(request: web.Request) -> web.Response:
        if request.path.endswith("/busy"):
            await gone.wait()
        return web.Response(status=204)

    await make_endpoint(receiver.url, events=["ticket.opened"])
    await make_endpoint(f"{receiver.url}/busy", "acc_1", events=["ticket.withdrawn"])
    sender = Sender(state, Limits(slots=10, timeout=PATIENCE, lease=2 * PATIENCE))
    receiver.answer = status(500)
    await tell()
    await sender.run_pass()
    await sender.drain()
    receiver.answer = hold_the_backlog
    (soon,) = await fetch(sessions, SOON, timedelta(milliseconds=600))
    scheduler = Scheduler(state, sender, [job for job in jobs(state, sender) if job.name == "deliver"])
    scheduler.start()
    await tell(*(event_row("ticket.withdrawn") for _ in range(400)))
    await until(lambda: fetch(sessions, BEGUN))
    gone.set()
    await until(lambda: len(receiver.messages) == 402)
    await scheduler.stop()
    (begun,) = await fetch(sessions, BEGUN)
    assert begun["at"] >= soon["next_attempt_at"]
    assert {one.state for one in await deliveries(sessions)} == {"delivered"}
