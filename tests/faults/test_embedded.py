"""The PostgreSQL of ``heliodesk up`` is killed, and its data folder removed, while the service runs."""

import asyncio
import os
import shutil
import signal
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.support.service import Service, running
from tests.support.tickets import TICKET
from tests.support.waiting import until

pytestmark = pytest.mark.faults


def _kill_the_database(folder: Path) -> None:
    os.kill(int((folder / "data" / "postgres" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)


async def _open_tickets(client: httpx.AsyncClient, folder: Path, kills: int) -> set[str]:
    """Open tickets one after the other, in between kill the database; which openings were acknowledged."""
    acknowledged: set[str] = set()
    for _ in range(kills):
        before = len(acknowledged)
        await until(partial(_opened, client, acknowledged, before + 5))
        _kill_the_database(folder)
    await until(lambda: _opened(client, acknowledged, len(acknowledged) + 1), within=60)
    return acknowledged


async def _opened(client: httpx.AsyncClient, acknowledged: set[str], wanted: int) -> bool:
    answer = await client.post("/v1/tickets", json=TICKET)
    assert answer.status_code in (201, 503), answer.text
    if answer.status_code == 201:
        acknowledged.add(answer.json()["id"])
    return len(acknowledged) >= wanted


async def _says(client: httpx.AsyncClient, path: str, status: int) -> bool:
    return (await client.get(path)).status_code == status


def _client(service: Service, folder: Path) -> httpx.AsyncClient:
    lines = (folder / "data" / "demo.env").read_text().splitlines()
    key = next(line.partition("=")[2].strip("'\"") for line in lines if "ACCOUNT_KEY" in line)
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60, trust_env=False)


async def test_a_database_killed_twice_comes_back_and_one_without_its_folder_fails_the_health_check(
    folder: Path,
) -> None:
    with running("up", folder, HELIODESK_WORKERS="2") as service:
        async with _client(service, folder) as client:
            for ticket in await _open_tickets(client, folder, kills=2):
                assert (await client.get(f"/v1/tickets/{ticket}")).status_code == 200
            await until(lambda: _says(client, "/readyz", 200))
            assert (await client.get("/readyz")).json()["checks"]["embedded_postgresql"] == "ok"
            assert await _says(client, "/healthz", 200)
            assert "the embedded PostgreSQL runs again" in service.printed()
            await until(lambda: _removed(folder / "data"))
            await until(lambda: _says(client, "/healthz", 503))
            ready = await client.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["checks"]["embedded_postgresql"] == "has ended and cannot be started again"
        assert await asyncio.to_thread(service.stop) == 0


def _removed(data: Path) -> bool:
    shutil.rmtree(data, ignore_errors=True)  # the server removes files of its own meanwhile
    return not data.exists()
