"""Streams over real connections: kills, replicas, slow readers, revoked keys, and the end of the service."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.events.types import WebhookDisabled
from tests.feed.conftest import INTERNAL, row, told_in
from tests.support.actors import make_account, make_key
from tests.support.desk import fetch, store_plan
from tests.support.service import Service, serving
from tests.support.sse import Reader
from tests.support.tickets import TICKET
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.faults

WRITERS: Final = 4
LARGE: Final = WebhookDisabled(endpoint_id="wh_1", url="https://example.com", reason="x" * 16_000)


@pytest.fixture
async def account_id(shared: Sessions) -> str:
    return (await make_account(shared, await store_plan(shared, "wati-business-plus"))).account_id


@pytest.fixture
async def key(shared: Sessions, account_id: str) -> dict[str, str]:
    return await make_key(shared, account_id=account_id)


async def _tell(sessions: Sessions, account_id: str) -> str:
    async with transaction(sessions) as session:
        [event_id, *_] = await told_in(session, row(account_id), row(account_id, data=INTERNAL), row("acc_other"))
        await asyncio.sleep(0.002)
    return event_id


async def _keep_telling(sessions: Sessions, account_id: str, told: list[str]) -> None:
    while True:
        told.append(await _tell(sessions, account_id))
        await asyncio.sleep(0.005)


@asynccontextmanager
async def _telling(sessions: Sessions, account_id: str) -> AsyncIterator[list[str]]:
    """Several writers for as long as the block runs; what they have committed."""
    told: list[str] = []
    writers = [asyncio.create_task(_keep_telling(sessions, account_id, told)) for _ in range(WRITERS)]
    yield told
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)


@asynccontextmanager
async def _reading(reader: Reader, **params: str) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(reader.read(**params))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_stream_has_no_gap_and_no_duplicate_over_kills_and_replicas(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, account_id: str, key: dict[str, str]
) -> None:
    reader = Reader("", key)
    async with _telling(shared, account_id):
        with serving(folder, own_database, admin_key) as doomed, serving(folder, own_database, admin_key) as other:
            for service in (doomed, other):
                reader.url, enough = service.url, len(reader.told) + 40
                async with _reading(reader) as stream:
                    await until(lambda enough=enough: len(reader.told) > enough)  # type: ignore[misc]  # of an int
                    service.stop(signal.SIGKILL)
                    with suppress(httpx.TransportError):
                        await stream
    with serving(folder, own_database, admin_key) as service:
        reader.url = service.url
        await reader.read(seconds="0")
    query = "SELECT id FROM events WHERE account_id = $1 AND audience = 'public' ORDER BY position"
    assert reader.ids == [each["id"] for each in await fetch(shared, query, account_id)]
    assert len(reader.ids) > 80


async def test_what_one_replica_commits_is_streamed_by_the_other(
    own_database: str, folder: Path, admin_key: str, key: dict[str, str]
) -> None:
    with serving(folder, own_database, admin_key) as one, serving(folder, own_database, admin_key) as other:
        readers = [Reader(one.url, key), Reader(other.url, key)]
        async with _reading(readers[0]), _reading(readers[1]):
            async with httpx.AsyncClient(base_url=one.url, headers=key, trust_env=False) as client:
                await asyncio.sleep(0.5)
                (await client.post("/v1/tickets", json=TICKET)).raise_for_status()
            await until(lambda: all(reader.told for reader in readers))
        for reader in readers:
            await reader.read(seconds="0")
    assert readers[0].told == readers[1].told
    assert [event["sequence"] for event in readers[0].told] == list(range(1, len(readers[0].told) + 1))


async def test_a_revoked_key_ends_its_stream_and_no_other(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, account_id: str, key: dict[str, str]
) -> None:
    """The stream that ends was opened with a token, which the log does not show."""
    left, ended = Reader("", await make_key(shared, account_id=account_id)), Reader("", {})
    with serving(folder, own_database, admin_key) as service:
        left.url = ended.url = service.url
        made = httpx.post(f"{service.url}/v1/events/stream-token", headers=key, trust_env=False).json()
        await _tell(shared, account_id)
        async with _reading(left) as other, _reading(ended, token=made["token"]) as stream:
            await until(lambda: left.told and ended.told)
            first = "(SELECT id FROM api_keys WHERE account_id = $1 ORDER BY created_at LIMIT 1)"
            await fetch(shared, f"UPDATE api_keys SET revoked_at = now() WHERE id = {first}", account_id)  # noqa: S608
            async with asyncio.timeout(PATIENCE):
                await stream
            event_id = await _tell(shared, account_id)
            await until(lambda: left.ids[-1] == event_id)
            assert not other.done()
        assert "/v1/events/stream" in service.printed()
        assert made["token"] not in service.printed()
    assert (ended.comments[-1], len(ended.told)) == ("the key, or whoever shows it, is no longer valid", 1)


async def _stuck(service: Service, key: dict[str, str]) -> socket.socket:
    """A client that asks for the stream and reads nothing of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", service.port))
    head = f"GET /v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {key['Authorization']}\r\n\r\n"
    client.sendall(head.encode())
    return client


async def test_streams_and_those_who_wait_end_at_once_when_the_service_stops(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, account_id: str, key: dict[str, str]
) -> None:
    async with transaction(shared) as session:
        await told_in(session, *(row(account_id, data=LARGE) for _ in range(1000)))  # more than the sockets take
    reader = Reader("", key)
    with serving(folder, own_database, admin_key) as service:
        reader.url = service.url
        stuck = await _stuck(service, key)
        client = httpx.AsyncClient(base_url=service.url, headers=key, trust_env=False, timeout=30)
        async with client, _reading(reader, after="latest") as stream:
            waiting = asyncio.create_task(client.get("/v1/events", params={"after": "latest", "wait": "60"}))
            await until(lambda: _streams(client, 3))
            began = monotonic()
            service.process.send_signal(signal.SIGTERM)
            await stream
            assert reader.comments[-1] == "the service is about to stop"
            answer = await waiting
            assert (answer.status_code, answer.json()["items"]) == (200, [])
            await until(lambda: service.process.poll() is not None)
            assert (service.process.poll(), monotonic() - began < 20) == (0, True), service.printed()
        stuck.close()


async def _streams(client: httpx.AsyncClient, number: int) -> bool:
    return f"heliodesk_streams {number}.0" in (await client.get("/metrics")).text
