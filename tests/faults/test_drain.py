"""SIGTERM: what is in flight ends, nothing begins anew, and the exit code says that all was well."""

import asyncio
import signal
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from tests.support.actors import make_account
from tests.support.desk import fetch, make_endpoint, now_of, open_at, store_plan
from tests.support.service import serving
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.faults

SLOW = 1.5


async def _answer_slowly(_: web.Request) -> web.Response:
    await asyncio.sleep(SLOW)
    return web.Response(status=204)


async def test_sigterm_lets_requests_and_deliveries_in_flight_end(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, receiver: Receiver
) -> None:
    receiver.answer = _answer_slowly
    account = await make_account(shared, await store_plan(shared, "wati-business-plus"))
    (held,) = await open_at(shared, account.account_id, await now_of(shared))
    await make_endpoint(shared, receiver.url, "deadline.missed", "message.posted")
    with serving(folder, own_database, admin_key) as service:
        await open_at(shared, account.account_id, await now_of(shared) - timedelta(hours=5))
        await until(lambda: receiver.messages)
        async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=30) as client:
            async with transaction(shared) as session:
                await (await driver(session)).execute("SELECT 1 FROM tickets WHERE id = $1 FOR UPDATE", held)
                headers = {"Authorization": f"Bearer {admin_key}"}
                post = client.post(f"/v1/tickets/{held}/messages", json={"body": "In flight"}, headers=headers)
                request = asyncio.create_task(post)
                await until(lambda: _somebody_waits(shared))
                began = monotonic()
                service.process.send_signal(signal.SIGTERM)
                await asyncio.sleep(SLOW / 3)
                assert service.process.poll() is None
                assert not request.done()
            assert (await request).status_code == 201
        await until(lambda: service.process.poll() is not None)
        assert service.process.poll() == 0, service.printed()
        assert monotonic() - began < 20, "nothing waits for the end of the drain"
        assert '"level":"error"' not in service.printed()
        assert "Running job" not in service.printed()
    rows = await fetch(shared, "SELECT state, attempts, event_id FROM deliveries ORDER BY id")
    assert {(row["state"], row["attempts"]) for row in rows if row["event_id"] in receiver.ids} == {("delivered", 1)}
    unsent = [row for row in rows if row["event_id"] not in receiver.ids]
    assert {(row["state"], row["attempts"]) for row in unsent} <= {("pending", 0)}


async def _somebody_waits(sessions: Sessions) -> bool:
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await fetch(sessions, query))
