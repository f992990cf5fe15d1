"""How long after its commit an event is read off a stream: of the process that committed it, and of another replica.

The commit is the timestamp that PostgreSQL itself keeps. Beside it: the same with a thousand idle streams open, and how
fast a reader that is far behind pages through. Another replica looks every 250 ms: half of that is its p50.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any, Final

import asyncpg
import httpx
import orjson

from bench import servers

_TICKETS: Final = 300
_RATE: Final = 20.0
_IDLE: Final = 1000
_FAR: Final = 50_000
_COMMITS: Final = "SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at FROM events"
_FILL: Final = """
INSERT INTO events (account_id, id, type, timestamp, actor, audience, sandbox, data)
SELECT account_id, id || n, type, timestamp, actor, audience, sandbox, data
FROM (SELECT * FROM events LIMIT 1) AS one, generate_series(1, $1::int) AS n
"""
Seen = dict[str, float]


def main() -> None:
    """Print the latencies and the rate."""
    options = {f"HELIODESK_{name}": "2000" for name in ("STREAMS_PER_KEY", "STREAMS_PER_ACCOUNT")}
    with (
        servers.database(track_commit_timestamp="on") as url,
        servers.service(url, **options) as one,
        servers.service(url, **options) as other,
    ):
        asyncio.run(_measure(url, one, other))


async def _measure(url: str, one: int, other: int) -> None:
    account, quiet = (servers.make_account(one, "wati-business-plus") for _ in range(2))
    connection = await asyncpg.connect(url)
    await _latencies(connection, one, other, account, "alone")
    async with _idle(one, await _key(one, quiet)):
        before = await _statements(connection)
        await asyncio.sleep(5)
        spent = await _statements(connection) - before
        print(f"{_IDLE} idle streams: {spent / 5:.0f} transactions a second in the whole database, all jobs included")
        await _latencies(connection, one, other, account, f"{_IDLE} idle streams")
    await connection.execute(_FILL, _FAR)
    await _far_behind(one)
    await connection.close()


async def _key(port: int, account: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        body = {"kind": "account", "account_id": account}
        answer = await client.post(f"http://127.0.0.1:{port}/v1/keys", json=body, headers=servers.HEADERS)
        return str(answer.raise_for_status().json()["secret"])


async def _statements(connection: "asyncpg.Connection[Any]") -> int:
    await asyncio.sleep(1.1)  # what the backends have counted is gathered about once a second
    query = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    return int(await connection.fetchval(query))


async def _latencies(connection: "asyncpg.Connection[Any]", one: int, other: int, account: str, what: str) -> None:
    seen: tuple[Seen, Seen] = ({}, {})
    async with _stream(one, seen[0]), _stream(other, seen[1]):
        await asyncio.sleep(0.5)
        async with httpx.AsyncClient(headers=servers.HEADERS, trust_env=False) as client:
            for _ in range(_TICKETS):
                requester = {"name": "Ana", "email": "ana@example.com"}
                body = {"account_id": account, "title": "t", "description": "d", "requester": requester}
                (await client.post(f"http://127.0.0.1:{one}/v1/tickets", json=body)).raise_for_status()
                await asyncio.sleep(random.expovariate(_RATE))
        await asyncio.sleep(2)
    commits = {row["id"]: row["at"] for row in await connection.fetch(_COMMITS)}
    for name, told in zip(("same process", "another replica"), seen, strict=True):
        assert len(told) >= _TICKETS, len(told)
        lags = [(at - commits[event_id]) * 1000 for event_id, at in told.items()]
        cuts = quantiles(lags, n=100)
        print(f"commit to stream, {name:16} {what:18} p50 {cuts[49]:6.1f} ms   p99 {cuts[98]:6.1f} ms   of {len(lags)}")


@asynccontextmanager
async def _stream(port: int, seen: Seen) -> AsyncIterator[None]:
    """A stream from now on; notes when each event came."""
    reader, writer = await _open(port, servers.ADMIN)
    task = asyncio.create_task(_note(reader, seen))
    yield
    task.cancel()
    writer.close()


async def _note(reader: asyncio.StreamReader, seen: Seen) -> None:
    while line := await reader.readline():
        if line.startswith(b"data: "):
            seen[orjson.loads(line[6:])["id"]] = time.time()


async def _open(port: int, key: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    request = f"GET /v1/events/stream?after=latest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(request.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.partition(b"\r\n")[0], head
    return reader, writer


@asynccontextmanager
async def _idle(port: int, key: str) -> AsyncIterator[None]:
    writers = [(await _open(port, key))[1] for _ in range(_IDLE)]
    yield
    for writer in writers:
        writer.close()


async def _far_behind(port: int) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=servers.HEADERS, trust_env=False
    ) as client:
        started, read, params = time.perf_counter(), 0, {"limit": "200"}
        while True:
            page = (await client.get("/v1/events", params=params)).raise_for_status().json()
            read += len(page["items"])
            params["after"] = page["next_cursor"]
            if not page["has_more"]:
                break
        print(f"far behind: {read / (time.perf_counter() - started):.0f} events a second in pages of 200")
