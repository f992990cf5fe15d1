"""The database is restarted, and drops connections, while the service works: it recovers by itself."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.cli.postgres.embedded import EmbeddedServer
from tests.faults.history import assert_nothing_lost, end_leases, is_quiet, prepare
from tests.support.desk import connected, fetch
from tests.support.openings import open_until_answered
from tests.support.service import serving
from tests.support.sse import Reader
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.faults

TICKETS = 120
AWAY = 1.5
"""Seconds for which there is no database."""
_TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedServer]:
    """A server of this test's own."""
    with EmbeddedServer(folder / "home", durable=False) as server:
        yield server


async def _drop_connections(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(_TERMINATE)
    await connection.close()


async def _ready(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    answer = await client.get("/readyz")
    return answer.status_code, answer.json()["checks"]


async def test_a_restart_of_postgres_loses_nothing_and_readiness_tells(
    postgres: EmbeddedServer, folder: Path, admin_key: str, receiver: Receiver
) -> None:
    names = [f"order-{number}" for number in range(TICKETS)]
    url = postgres.url()
    async with asyncio.timeout(120), AsyncExitStack() as stack:
        service = await asyncio.to_thread(stack.enter_context, serving(folder, url, admin_key))
        async with connected(url) as sessions:
            account_id = await prepare(sessions, receiver)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=30))
        assert (await _ready(client))[0] == 200
        reader = Reader(service.url, {"Authorization": f"Bearer {admin_key}"})
        stream = asyncio.create_task(reader.read())
        await until(lambda: _streams(client))
        opening = asyncio.create_task(open_until_answered(service.url, admin_key, account_id, names, callers=4))
        for _ in range(5):
            await asyncio.sleep(0.3)
            await _drop_connections(url)
        postgres.stop()
        await asyncio.sleep(AWAY)
        status, checks = await _ready(client)
        assert (status, checks["database"]) == (503, checks["database"])
        assert checks["database"] != "ok"
        assert (await client.get("/healthz")).status_code == 200
        postgres.start()
        await until(lambda: _is_ready(client))
        await opening
        sessions = await stack.enter_async_context(connected(url))
        await end_leases(sessions)
        await until(lambda: is_quiet(sessions, TICKETS), within=60, every=0.1)
        await assert_nothing_lost(sessions, names, receiver.messages)

        async def has_heard_all() -> bool:
            return reader.ids == [row["id"] for row in await fetch(sessions, "SELECT id FROM events ORDER BY position")]

        await until(has_heard_all)
        assert not stream.done()  # a browser takes a stream that ends with an error for the end of it all
        stream.cancel()
    assert "Traceback" not in service.printed()


async def _streams(client: httpx.AsyncClient) -> bool:
    return "heliodesk_streams 1.0" in (await client.get("/metrics")).text


async def _is_ready(client: httpx.AsyncClient) -> bool:
    return (await _ready(client))[0] == 200
