"""Two replicas take alerts, each told to both of them at once, and one is killed in the middle of it."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import orjson
import pytest

from app.core.db.engine import Sessions
from tests.faults.hooks import make_hook
from tests.support.actors import make_account
from tests.support.desk import fetch, store_plan
from tests.support.ports import free_port
from tests.support.replaying import replayed
from tests.support.service import Service, running
from tests.support.waiting import until

pytestmark = pytest.mark.faults

ALERTS = 50
KILL_AT = 15
"""Tickets at which a replica is killed."""


async def test_kill_9_of_a_replica_in_the_middle_of_50_alerts_loses_none_and_opens_no_ticket_twice(
    folder: Path, shared: Sessions, own_database: str, admin_key: str
) -> None:
    account = await make_account(shared, await store_plan(shared, "zmanda-premium"))
    ports = [free_port(), free_port()]
    async with asyncio.timeout(120), AsyncExitStack() as stack, httpx.AsyncClient(trust_env=False) as client:

        async def start(port: int) -> Service:
            settings = {"DATABASE_URL": own_database, "HELIODESK_ADMIN_KEY": admin_key}
            return await asyncio.to_thread(stack.enter_context, running("serve", folder, port, **settings))

        services = await asyncio.gather(*(start(port) for port in ports))
        hook = await make_hook(client, services[0], admin_key, account.account_id)
        headers = {"Authorization": f"Bearer {hook['secret']}"}

        async def tell(service: Service, number: int) -> None:
            """Until it is taken, as a sender does."""
            body = {"alerts": [{"status": "firing", "fingerprint": str(number), "startsAt": "now"}]}

            async def is_taken() -> bool:
                try:
                    url = service.url + hook["url"]
                    return (await client.post(url, content=orjson.dumps(body), headers=headers)).status_code == 202
                except httpx.TransportError:
                    return False

            await until(is_taken, every=0.1)

        async def tell_all(service: Service) -> None:
            for number in range(ALERTS):
                await tell(service, number)

        telling = asyncio.gather(*(tell_all(service) for service in services))
        await until(lambda: _tickets(shared, KILL_AT), every=0.005)
        assert services[0].stop(signal.SIGKILL) == -signal.SIGKILL
        await start(ports[0])
        await telling
        await until(lambda: _nothing_waits(shared))
    assert await replayed(shared) == []
    assert await _tickets(shared, ALERTS)
    assert not await _tickets(shared, ALERTS + 1)
    outcomes = await fetch(shared, "SELECT DISTINCT signals -> 0 ->> 'outcome' AS outcome, state FROM receipts")
    assert {(row["outcome"], row["state"]) for row in outcomes} == {("started", "processed"), ("repeated", "ignored")}
    by_key = "SELECT count(DISTINCT ticket_id) AS tickets, count(*) AS alerts FROM incidents"
    assert await fetch(shared, by_key) == [{"tickets": ALERTS, "alerts": ALERTS}]


async def _tickets(sessions: Sessions, number: int) -> bool:
    (row,) = await fetch(sessions, "SELECT count(*) FROM tickets")
    return bool(row["count"] >= number)


async def _nothing_waits(sessions: Sessions) -> bool:
    return not await fetch(sessions, "SELECT 1 FROM receipts WHERE state = 'pending' LIMIT 1")
