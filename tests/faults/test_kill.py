"""kill -9 of the service, and of the database that it runs, in the middle of its work."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.cli.postgres.embedded import EmbeddedServer
from tests.faults.history import assert_nothing_lost, end_leases, is_quiet, prepare
from tests.support.desk import connected, fetch
from tests.support.openings import open_until_answered
from tests.support.ports import free_port
from tests.support.service import Service, running
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.faults

TICKETS = 200
KILL_AT = (60, 130)
"""Numbers of tickets at which the service is killed."""


async def _kill_at(service: Service, database: str, tickets: int) -> None:
    """Kill the service when there are so many tickets."""
    async with connected(database) as sessions:

        async def opened() -> bool:
            (row,) = await fetch(sessions, "SELECT count(*) FROM tickets")
            return bool(row["count"] >= tickets)

        await until(opened, every=0.02)
        assert service.stop(signal.SIGKILL) == -signal.SIGKILL


async def test_kill_9_in_the_middle_of_200_tickets_loses_nothing_and_does_nothing_twice(
    folder: Path, admin_key: str, receiver: Receiver
) -> None:
    names = [f"order-{number}" for number in range(TICKETS)]
    port, database = free_port(), EmbeddedServer(folder / "data").url()
    settings = {"HELIODESK_ADMIN_KEY": admin_key, "HELIODESK_ALLOW_NETWORKS": "127.0.0.0/8", "DEMO": "0"}

    async with asyncio.timeout(150), AsyncExitStack() as stack:

        async def start() -> Service:
            return await asyncio.to_thread(stack.enter_context, running("up", folder, port, **settings))

        service = await start()
        async with connected(database) as sessions:
            account_id = await prepare(sessions, receiver)
        opening = asyncio.create_task(open_until_answered(service.url, admin_key, account_id, names, callers=8))
        for tickets in KILL_AT:
            await _kill_at(service, database, tickets)
            service = await start()
        await opening
        sessions = await stack.enter_async_context(connected(database))
        await end_leases(sessions)
        await until(lambda: is_quiet(sessions, TICKETS), within=60, every=0.1)
        await assert_nothing_lost(sessions, names, receiver.messages)
