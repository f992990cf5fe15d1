"""A real Prometheus Alertmanager fires, repeats and resolves, while it is stopped and the service killed."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.faults.hooks import make_hook
from tests.support.actors import make_account
from tests.support.desk import fetch, store_plan
from tests.support.ports import free_port
from tests.support.programs import program
from tests.support.replaying import replayed
from tests.support.service import Service, running
from tests.support.waiting import until

pytestmark = pytest.mark.faults

NAME: Final = "prometheus-alertmanager"
CONFIGURATION: Final = """
route: {{receiver: heliodesk, group_by: [alertname], group_wait: 100ms, group_interval: 500ms, repeat_interval: 1s}}
receivers:
  - name: heliodesk
    webhook_configs:
      - url: {url}
        http_config: {{authorization: {{credentials: {key}}}}}
"""
STARTED: Final = "2026-11-20T09:00:00Z"
"""When the alerts began to fire: as Prometheus does, each sending says the same."""
AHEAD, PAST = "2150-01-01T00:00:00Z", "2026-11-20T10:00:00Z"


@contextmanager
def alerting(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A running Alertmanager, as ``folder`` configures it and where it keeps what it has told; stopped at the end."""
    flags = {
        "config.file": folder / "alertmanager.yml",
        "storage.path": folder / "alertmanager",
        "web.listen-address": f"127.0.0.1:{port}",
        "cluster.listen-address": "",
    }
    command = [program(NAME, NAME), *(f"--{name}={value}" for name, value in flags.items())]
    with (folder / "alertmanager.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@dataclass(frozen=True, slots=True)
class Prometheus:
    """What sends alerts to Alertmanager: again and again, as long as they fire."""

    port: int
    client: httpx.AsyncClient

    async def send(self, *names: str, ends_at: str = AHEAD) -> None:
        """Tell Alertmanager of these alerts, once it is there."""
        alerts = [
            {
                "labels": {"alertname": "DiskFull", "instance": name, "severity": "critical"},
                "annotations": {"summary": f"Disk full on {name}"},
                "startsAt": STARTED,
                "endsAt": ends_at,
            }
            for name in names
        ]
        await until(lambda: self._is_told(alerts), every=0.05)

    async def _is_told(self, alerts: Any) -> bool:
        try:
            answer = await self.client.post(f"http://127.0.0.1:{self.port}/api/v2/alerts", json=alerts)
        except httpx.TransportError:
            return False
        return answer.is_success


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


async def statuses(sessions: Sessions) -> dict[str, str]:
    """The status of each ticket by its title; two of one title would be a duplicate."""
    rows = await fetch(sessions, "SELECT title, status FROM tickets ORDER BY id")
    assert len({row["title"] for row in rows}) == len(rows)
    return {row["title"]: row["status"] for row in rows}


async def receipts(sessions: Sessions) -> int:
    (row,) = await fetch(sessions, "SELECT count(*) FROM receipts WHERE state <> 'pending'")
    return int(row["count"])


async def test_alertmanager_opens_and_resolves_tickets_and_loses_nothing_when_both_are_stopped_and_killed(
    folder: Path, shared: Sessions, own_database: str, admin_key: str, client: httpx.AsyncClient
) -> None:
    port, prometheus = free_port(), Prometheus(free_port(), client)
    account = await make_account(shared, await store_plan(shared, "zmanda-premium"))
    async with asyncio.timeout(120), AsyncExitStack() as stack:

        async def start() -> Service:
            settings = {"DATABASE_URL": own_database, "HELIODESK_ADMIN_KEY": admin_key}
            return await asyncio.to_thread(stack.enter_context, running("serve", folder, port, **settings))

        service = await start()
        hook = await make_hook(client, service, admin_key, account.account_id)
        written = CONFIGURATION.format(url=service.url + hook["url"], key=hook["secret"])
        (folder / "alertmanager.yml").write_text(written)

        with alerting(folder, prometheus.port):
            await prometheus.send("h1")
            await until(lambda: statuses(shared))
            assert await fetch(shared, "SELECT priority, priority_source, channel FROM tickets") == [
                {"priority": "P2", "priority_source": "matrix", "channel": "hook"}
            ]
            assert await fetch(shared, "SELECT metric, state FROM deadlines") == [
                {"metric": "first_response", "state": "running"}
            ]
            await until(lambda: _at_least(shared, 3))
            assert await statuses(shared) == {"Disk full on h1": "new"}
            assert service.stop(signal.SIGKILL) == -signal.SIGKILL
            await prometheus.send("h1", "h2")  # while nobody is there to hear it
            await asyncio.sleep(0.5)
        with alerting(folder, prometheus.port):
            service = await start()
            await prometheus.send("h1", "h2")
            await until(lambda: _is(shared, {"Disk full on h1": "new", "Disk full on h2": "new"}))
            heard = await receipts(shared)
            await prometheus.send("h1", "h2", ends_at=PAST)
            await until(lambda: _at_least(shared, heard + 1), every=0.001)
            service.stop(signal.SIGKILL)
            await start()
            await until(lambda: _is(shared, {"Disk full on h1": "resolved", "Disk full on h2": "resolved"}))
        assert await replayed(shared) == []
        done = await fetch(shared, "SELECT state, reason FROM deadlines")
        assert done == [{"state": "cancelled", "reason": "resolved_by_sender"}] * 2
        assert await fetch(shared, "SELECT 1 FROM receipts WHERE state NOT IN ('processed', 'ignored')") == []


async def _at_least(sessions: Sessions, number: int) -> bool:
    return await receipts(sessions) >= number


async def _is(sessions: Sessions, wanted: dict[str, str]) -> bool:
    return await statuses(sessions) == wanted
