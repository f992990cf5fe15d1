"""Clients that send too much, too slowly or nothing, and clients that do not read: over real sockets, bounded."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
import orjson
import pytest

from tests.support.database import new_database
from tests.support.service import Service, serving
from tests.support.tickets import TICKET
from tests.support.waiting import until

pytestmark = pytest.mark.faults

SECONDS: Final = "4"
"""Longer than a busy machine stands still: whoever sends or reads is not to be cut off for that."""
SMALL: Final = {
    "HELIODESK_HEADER_TIMEOUT": SECONDS,
    "HELIODESK_BODY_TIMEOUT": SECONDS,
    "HELIODESK_WRITE_TIMEOUT": SECONDS,
    "HELIODESK_KEEP_ALIVE": SECONDS,
    "HELIODESK_CONNECTIONS": "60",
    "HELIODESK_CONNECTIONS_PER_ADDRESS": "40",
    "HELIODESK_UNCOUNTED_NETWORKS": "203.0.113.0/24",  # so that loopback is counted
    "HELIODESK_RATE_PER_ADDRESS": "0",
}
GET: Final = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
POST: Final = b"POST /v1/tickets HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
DOCUMENT: Final = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
MEGABYTE: Final = b"x" * 2**20
PATIENCE: Final = 30.0


@pytest.fixture(scope="module")
async def service(server: str, template: str, admin_key: str) -> AsyncIterator[Service]:
    with TemporaryDirectory(prefix="heliodesk-test-") as name:
        async with new_database(server, template) as database:
            with serving(Path(name), database, admin_key, **SMALL) as service:
                yield service


@dataclass
class Client:
    """A connection on which anything can be sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send as much as the server takes."""
        with suppress(ConnectionError):
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()

    async def answer(self) -> tuple[int, httpx.Headers, bytes]:
        """The status, the fields and the body of the next answer; the body is as long as the server says."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        status, *fields = head.decode().strip().split("\r\n")
        headers = httpx.Headers(dict(field.split(": ", 1) for field in fields))
        return int(status.split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))

    async def ends(self) -> bytes:
        """All that comes until the server closes the connection."""
        read = b""
        with suppress(ConnectionError):
            while part := await self.reader.read(2**16):
                read += part
        return read


@asynccontextmanager
async def connected(service: Service, address: str = "127.0.0.1", buffer: int = 0) -> AsyncIterator[Client]:
    """A connection from this address; ``buffer``: bytes that its kernel takes without anybody reading."""
    raw = socket.socket()
    if buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    raw.bind((address, 0))
    raw.setblocking(False)
    async with asyncio.timeout(PATIENCE):
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", service.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=2**12 if buffer else 2**16)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()


def _is_problem(status: int, headers: httpx.Headers, body: bytes) -> bool:
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-request-id"]
    return bool(orjson.loads(body)["status"] == status)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([b"GET /", *[MEGABYTE] * 8], 431),
        ([GET, b"a: ", *[MEGABYTE] * 8], 431),
        ([GET, b"a: b\r\n" * 200, b"\r\n"], 431),
        ([GET, *[b"a: " + b"x" * 8000 + b"\r\n"] * 9, b"\r\n"], 431),
        ([CHUNKED, b"0\r\na: ", *[MEGABYTE] * 8], 431),
        ([CHUNKED, b"1;a=", *[MEGABYTE] * 8], 431),
        ([POST + b"Content-Length: 8388608\r\n\r\n", *[MEGABYTE] * 8], 413),
        ([POST + b"Content-Length: 8388608\r\n\r\n"], 413),
        ([CHUNKED, *[b"100000\r\n" + MEGABYTE + b"\r\n"] * 8], 413),
        ([CHUNKED, b"1\r\n \r\n" * 5000], 400),
        ([b"GET / HTTP/9.9\r\n\r\n"], 400),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20], 400),
        ([b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"], 400),
    ],
    ids=[
        "target",
        "value",
        "fields",
        "size",
        "trailer",
        "chunk",
        "body",
        "body to come",
        "chunks",
        "small chunks",
        "version",
        "tls",
        "bytes",
    ],
)
async def test_what_is_too_large_or_no_http_is_refused(service: Service, sent: list[bytes], status: int) -> None:
    async with connected(service) as client:
        sending = asyncio.create_task(client.send(*sent))
        answer = await client.answer()
        assert answer[0] == status
        assert _is_problem(*answer)
        assert answer[1]["connection"] == "close"
        await client.ends()
        await sending


async def test_small_chunks_are_taken_where_there_are_few(service: Service, admin_key: str) -> None:
    head = CHUNKED.replace(b"Host", b"Authorization: Bearer " + admin_key.encode() + b"\r\nHost")
    async with connected(service) as client:
        await client.send(head, b"1\r\n \r\n" * 1000 + b"1\r\n}\r\n0\r\n\r\n" + GET + b"\r\n")
        assert (await client.answer())[0] == 422
        assert (await client.answer())[0] == 200


async def test_a_header_within_the_limits_is_taken(service: Service) -> None:
    async with connected(service) as client:
        await client.send(GET, b"a: " + b"x" * 60_000 + b"\r\n", b"b: c\r\n" * 90, b"\r\n")
        assert (await client.answer())[0] == 200
        await client.send(GET + b"\r\n" + GET + b"\r\n")  # ahead of the first one's answer
        assert [(await client.answer())[0] for _ in range(2)] == [200, 200]


async def test_head_has_no_body_and_the_connection_goes_on(service: Service, admin_key: str) -> None:
    key = b"Authorization: Bearer " + admin_key.encode() + b"\r\n\r\n"
    async with connected(service) as client:
        for path in (b"/openapi.json", b"/v1/events/stream", b"/nothing"):
            await client.send(b"HEAD " + path + b" HTTP/1.1\r\nHost: a\r\n" + key)
            assert b"nosniff" in await client.reader.readuntil(b"\r\n\r\n")
        await client.send(GET, b"\r\n")
        assert (await client.answer())[0] == 200


STOPS: Final[dict[bytes, int | None]] = {
    b"": None,
    b"\r\n": None,
    GET: 408,
    POST + b"Content-Length: 100\r\n\r\n{": 408,
    CHUNKED: 408,
    GET + b"\r\n": 200,
    GET + b"\r\n\r\n": 200,
}
"""What is sent before nothing more is, and how it is answered."""


async def test_who_sends_no_more_is_disconnected(service: Service) -> None:
    async def stop(sent: bytes, status: int | None) -> None:
        async with connected(service) as client:
            await client.send(sent)
            if status:
                assert (await client.answer())[0] == status, sent
            assert await client.ends() == b"", sent

    await asyncio.gather(*(stop(sent, status) for sent, status in STOPS.items()))


async def test_a_head_that_drips_is_cut_off_in_time(service: Service) -> None:
    async with connected(service) as client:
        answering = asyncio.create_task(client.answer())
        for byte in GET * 100:
            await client.send(bytes([byte]))
            if (await asyncio.wait([answering], timeout=0.2))[0]:
                break
        assert answering.result()[0] == 408


async def test_a_client_that_does_not_read_is_dropped(service: Service) -> None:
    async with connected(service, buffer=4096) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(DOCUMENT)
        await until(lambda: not _holds(service, client))
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert len(await client.ends()) < 2**19


def _holds(service: Service, client: Client) -> bool:
    """Whether the service's end of the connection is there."""
    _, port = client.writer.get_extra_info("sockname")
    ends = [line.split()[1:3] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(own.endswith(f":{service.port:04X}") and other.endswith(f":{port:04X}") for own, other in ends)


async def test_a_client_that_reads_hardly_anything_is_dropped(service: Service) -> None:
    async with connected(service, "127.0.0.31", buffer=4096) as client:
        await client.send(DOCUMENT)
        read = b""
        with suppress(ConnectionError):
            while part := await client.reader.read(128):
                read += part
                await asyncio.sleep(0.02)
        assert read.startswith(b"HTTP/1.1 200 ")
        assert len(read) < 2**19
        await until(lambda: "the client does not read" in service.printed())


async def test_a_client_that_reads_slowly_gets_all(service: Service) -> None:
    async with connected(service, buffer=2**16) as client:
        await client.send(DOCUMENT.replace(b"Host", b"Connection: close\r\nHost"))
        read, total = b"", b""
        while part := await client.reader.read(2**14):
            total += part
            read += part
            if len(read) > 2**17:
                read = b""
                await asyncio.sleep(0.2)
        head, _, body = total.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head


async def test_a_stream_whose_reader_does_not_read_is_ended(service: Service, admin_key: str) -> None:
    headers = {"Authorization": f"Bearer {admin_key}"}
    async with httpx.AsyncClient(base_url=service.url, headers=headers, trust_env=False, timeout=PATIENCE) as admin:

        async def open_streams() -> float:
            lines = (await admin.get("/metrics")).text.splitlines()
            return float(next(line.split()[1] for line in lines if line.startswith("heliodesk_streams ")))

        account = {"name": "Writers", "plan": "wati-business-plus", "time_zone": "UTC"}
        account_id = (await admin.post("/v1/accounts", json=account)).json()["id"]
        ticket = TICKET | {"account_id": account_id, "description": "x" * 8000, "priority": "P3"}
        opened = (await admin.post("/v1/tickets", json=ticket)).raise_for_status().json()["id"]
        async with connected(service, buffer=4096) as client:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            sent = f"GET /v1/events/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {admin_key}\r\n\r\n"
            await client.send(sent.encode())
            await until(open_streams)
            for number in range(80):
                message = {"body": f"{number} {'x' * 8000}", "author": {"kind": "automation"}}
                (await admin.post(f"/v1/tickets/{opened}/messages", json=message)).raise_for_status()
            await until(lambda: _closed(open_streams))


async def _closed(open_streams: object) -> bool:
    assert callable(open_streams)
    return bool(await open_streams() == 0)


async def test_requests_far_ahead_of_their_answers_are_dropped(service: Service) -> None:
    async with connected(service) as client:
        await client.send((GET + b"\r\n") * 1000)
        assert (await client.ends()).count(b"HTTP/1.1 200") < 100


async def test_an_address_has_only_so_many_connections_and_cannot_take_them_all(service: Service) -> None:
    async with _many(service, "127.0.0.1", 40), connected(service) as refused:
        answer = await refused.answer()
        assert answer[0] == 429
        assert _is_problem(*answer)
        async with _many(service, "127.0.0.2", 20):
            assert await _is_served(service, "127.0.0.3"), "the first address gives one up"


@asynccontextmanager
async def _many(service: Service, address: str, number: int) -> AsyncIterator[None]:
    """So many connections that have been answered, and ask again before they become idle."""
    async with asyncio.TaskGroup() as group:
        ready = [asyncio.Event() for _ in range(number)]
        tasks = [group.create_task(_stay(service, address, event)) for event in ready]
        for event in ready:
            await event.wait()
        yield
        for task in tasks:
            task.cancel()


async def _stay(service: Service, address: str, ready: asyncio.Event) -> None:
    while True:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            async with connected(service, address) as client:
                while True:
                    await client.send(GET, b"\r\n")
                    status, _, _ = await client.answer()
                    if status != 200:
                        break
                    ready.set()
                    await asyncio.sleep(0.5)


async def _is_served(service: Service, address: str) -> bool:
    async with connected(service, address) as client:
        await client.send(GET, b"\r\n")
        return (await client.answer())[0] == 200
