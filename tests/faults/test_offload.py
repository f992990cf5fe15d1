"""Worker processes of a real service: they are there on demand, finish what is in flight, and never stay behind."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.desk import store_plan
from tests.support.service import Service, serving
from tests.support.waiting import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells who descends from whom"),
]

HEAVY: Final[dict[str, Any]] = {
    "plan": "itil-native",
    "priority": "critical",
    "time_zone": "Europe/Warsaw",
    "opened_at": "2026-11-20T14:00:00Z",
    "until": "2027-02-20T14:00:00Z",
}


PATIENT: Final = {"HELIODESK_OFFLOAD_DEADLINE": "120"}
"""Workers give way to all else that this machine does."""


def workers(service: Service) -> set[int]:
    """The worker processes of a service, whichever of its processes they belong to."""
    return {pid for pid in _descendants(service.process.pid) if b"app.core.workers.worker" in _read(pid, "cmdline")}


def _descendants(pid: int) -> set[int]:
    children = {int(child) for thread in _threads(pid) for child in thread.split()}
    return children.union(*map(_descendants, children))


def _threads(pid: int) -> list[bytes]:
    try:
        return [(thread / "children").read_bytes() for thread in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def lives(pid: int) -> bool:
    """Whether the process is a worker still; nobody may have counted its end yet."""
    return b"app.core.workers.worker" in _read(pid, "cmdline")


async def preview(service: Service, admin_key: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=120) as client:
        return await client.post("/v1/sla/preview", json=HEAVY, headers={"Authorization": f"Bearer {admin_key}"})


async def held_up(service: Service, admin_key: str, worker: int) -> "list[asyncio.Task[httpx.Response]]":
    """Two previews, one at a worker that stands still, one in the queue behind it."""
    os.kill(worker, signal.SIGSTOP)
    callers = [asyncio.create_task(preview(service, admin_key)) for _ in range(2)]
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=120) as client:
        await until(lambda: _one_waits(client))
    return callers


async def _one_waits(client: httpx.AsyncClient) -> bool:
    return "heliodesk_offload_waiting 1.0" in (await client.get("/metrics")).text


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_kill_9_of_the_service_leaves_no_idle_worker(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, processes: str
) -> None:
    await store_plan(shared, "itil-native")
    with serving(folder, own_database, admin_key, HELIODESK_WORKERS=processes, **PATIENT) as service:
        assert workers(service) == set()
        assert (await preview(service, admin_key)).status_code == 200
        (worker,) = workers(service)
        service.process.kill()
        await until(lambda: not lives(worker))


async def test_kill_9_of_the_service_leaves_no_busy_worker(
    shared: Sessions, own_database: str, folder: Path, admin_key: str
) -> None:
    await store_plan(shared, "itil-native")
    with serving(folder, own_database, admin_key, HELIODESK_OFFLOAD_WORKERS="1", **PATIENT) as service:
        await preview(service, admin_key)
        (worker,) = workers(service)
        callers = await held_up(service, admin_key, worker)
        service.process.kill()
        await until(lambda: not lives(worker))
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert all(isinstance(answer, httpx.TransportError) for answer in answers)


async def test_sigterm_lets_previews_in_flight_end_and_then_their_worker(
    shared: Sessions, own_database: str, folder: Path, admin_key: str
) -> None:
    await store_plan(shared, "itil-native")
    with serving(folder, own_database, admin_key, HELIODESK_OFFLOAD_WORKERS="1", **PATIENT) as service:
        await preview(service, admin_key)
        (worker,) = workers(service)
        callers = await held_up(service, admin_key, worker)
        for pid in (service.process.pid, worker):  # a service manager tells all of them
            os.kill(pid, signal.SIGTERM)
        await until(lambda: _refuses(service))
        os.kill(worker, signal.SIGCONT)
        assert [answer.status_code for answer in await asyncio.gather(*callers)] == [200, 200]
        await until(lambda: service.process.poll() is not None)
        assert service.process.poll() == 0, service.printed()
        assert not lives(worker)


async def _refuses(service: Service) -> bool:
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
        try:
            await client.get("/healthz")
        except httpx.TransportError:
            return True
    return False


async def test_a_worker_that_is_killed_is_replaced(
    shared: Sessions, own_database: str, folder: Path, admin_key: str
) -> None:
    await store_plan(shared, "itil-native")
    with serving(folder, own_database, admin_key, HELIODESK_OFFLOAD_IDLE="1", **PATIENT) as service:
        first = await preview(service, admin_key)
        for worker in workers(service):
            os.kill(worker, signal.SIGKILL)
        second = await preview(service, admin_key)
        assert (second.status_code, second.content) == (200, first.content), service.printed()
        await until(lambda: workers(service) == set())  # it is idle
        assert (await preview(service, admin_key)).content == first.content
