import asyncio
import socket
import threading
from ipaddress import ip_network

import aiohttp
import httpx
import pytest
from aiohttp import web

from app.core.outgoing.connector import MAX_ANSWER, TargetRefused, Unreachable, make_http, make_session, post
from app.core.settings import Settings
from tests.support.waiting import PATIENCE, until
from tests.webhooks.receiver import Receiver, hang, status
from tests.webhooks.resolving import FakeResolver

LOOPBACK = Settings(allow_networks="127.0.0.0/8")
NOWHERE = Settings()


LITERALS = [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "0.0.0.0",  # noqa: S104 - nothing binds to it here
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "localhost",
    "localhost.",
    "LocalHost",
    "127.0.0.1.",
    "017700000001",
    "0",
    "[::]",
    "[::ffff:7f00:1]",
    "[::ffff:0:7f00:1]",
    "[::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a00:1]",
    "[2002:a9fe:a9fe::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "\u2460\u2461\u2466.0.0.\u2460",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
    "\u24dbocalhost",
]


@pytest.mark.parametrize("host", LITERALS)
async def test_no_spelling_of_a_private_address_is_reached(host: str, receiver: Receiver) -> None:
    port = httpx.URL(receiver.url).port
    async with make_session(NOWHERE) as outgoing:
        for address in (f"{host}:{port}", f"example.com@{host}:{port}", f"{host}:{port}#@example.com"):
            with pytest.raises(Unreachable):
                await post(outgoing, f"http://{address}/", b"{}", {}, seconds=2)
    async with make_http(NOWHERE) as http:
        with pytest.raises((httpx.TransportError, httpx.InvalidURL)):
            await http.post(f"http://{host}:{port}/")
    assert not receiver.messages


async def test_a_refusal_is_an_error_of_its_own(receiver: Receiver) -> None:
    async with make_http(NOWHERE) as http:
        with pytest.raises(TargetRefused, match=r"127\.0\.0\.1 is an address"):
            await http.get(receiver.url)
    async with make_session(NOWHERE) as outgoing:
        with pytest.raises(Unreachable, match="connections are"):
            await post(outgoing, receiver.url, b"", {})
    assert not receiver.messages


RESOLVED = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.1.1", "::1", "::ffff:127.0.0.1", "64:ff9b::a00:1"]


@pytest.mark.parametrize("address", RESOLVED)
async def test_a_name_that_resolves_to_a_private_address_is_refused(address: str) -> None:
    resolver = FakeResolver([address])
    async with make_session(NOWHERE, resolver) as outgoing:
        with pytest.raises(Unreachable, match=r"^hook\.example resolves to"):
            await post(outgoing, "http://hook.example:9/", b"", {})
    async with make_http(NOWHERE, resolver) as http:
        with pytest.raises(TargetRefused, match=r"hook\.example resolves to"):
            await http.post("http://hook.example:9/")


async def test_of_a_names_addresses_only_the_allowed_ones_are_tried(receiver: Receiver) -> None:
    port = httpx.URL(receiver.url).port
    async with make_session(LOOPBACK, FakeResolver(["10.0.0.1", "::1", "127.0.0.1"])) as outgoing:
        answer = await post(outgoing, f"http://hook.example:{port}/", b"{}", {}, seconds=2)
    assert answer.status == 204
    assert receiver.messages[0].headers["host"] == f"hook.example:{port}"


async def test_rebinding_changes_nothing_because_what_was_vetted_is_connected_to(receiver: Receiver) -> None:
    port = httpx.URL(receiver.url).port
    allowed = Settings(allow_networks="127.0.0.0/30")
    resolver = FakeResolver(["127.0.0.1"], ["127.0.0.9"])
    async with make_session(allowed, resolver) as outgoing:
        await post(outgoing, f"http://hook.example:{port}/", b"{}", {}, seconds=2)
    assert len(resolver.answers) == 1, "asked once, and connected to that answer"
    async with make_session(allowed, resolver) as outgoing:
        with pytest.raises(Unreachable, match="connections are"):
            await post(outgoing, f"http://hook.example:{port}/", b"{}", {}, seconds=2)


async def test_names_whose_servers_never_answer_hold_up_no_other_name(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    asked = threading.Semaphore(0)

    def ask(host: str, *_: object) -> list[object]:
        if host != "fine.example":
            asked.release()
            over.wait(PATIENCE)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    async with make_session(LOOPBACK) as outgoing:
        hanging = [asyncio.create_task(post(outgoing, f"http://n{n}.example", b"", {})) for n in range(50)]
        await until(lambda: asked.acquire(blocking=False))
        address = receiver.url.replace("127.0.0.1", "fine.example")
        assert (await post(outgoing, address, b"{}", {})).status == 204
        assert not any(task.done() for task in hanging)
        over.set()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_names_that_do_not_resolve_are_unreachable() -> None:
    async with make_session(NOWHERE, FakeResolver([])) as outgoing:
        with pytest.raises(Unreachable):
            await post(outgoing, "http://hook.example/", b"{}", {})


@pytest.mark.parametrize(
    "url", ["http://[::1/", "ftp://example.com/", "http:///x", "http://" + "a" * 300 + ".com/", ""]
)
async def test_an_unusable_url_is_unreachable_and_nothing_worse(url: str) -> None:
    async with make_session(NOWHERE) as outgoing:
        with pytest.raises(Unreachable):
            await post(outgoing, url, b"{}", {}, seconds=2)


async def test_redirects_are_not_followed(
    outgoing: aiohttp.ClientSession, http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answer = status(302, location=receiver.url)
    assert (await post(outgoing, receiver.url, b"{}", {})).status == 302
    assert (await http.post(receiver.url)).status_code == 302
    assert len(receiver.messages) == 2


async def test_cookies_are_not_kept(
    outgoing: aiohttp.ClientSession, http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answer = status(204, set_cookie="a=b; Path=/")
    for _ in range(2):
        await post(outgoing, receiver.url, b"{}", {})
        await http.post(receiver.url)
    assert not [message for message in receiver.messages if "cookie" in message.headers]


async def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with make_session(LOOPBACK) as outgoing:
        assert (await post(outgoing, receiver.url, b"{}", {})).status == 204
    async with make_session(LOOPBACK) as outgoing:
        assert (await post(outgoing, receiver.url, b"{}", {})).status == 204


async def test_a_hanging_receiver_is_left(outgoing: aiohttp.ClientSession, receiver: Receiver) -> None:
    receiver.answer = hang
    with pytest.raises(Unreachable, match=r"no complete answer within 0\.1 s"):
        await post(outgoing, receiver.url, b"{}", {}, seconds=0.1)


async def test_a_dripping_receiver_is_left(outgoing: aiohttp.ClientSession, receiver: Receiver) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.02)

    receiver.answer = drip
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Unreachable, match="no complete answer"):
            await post(outgoing, receiver.url, b"{}", {}, seconds=0.2)


async def test_of_a_huge_answer_only_the_beginning_is_read(outgoing: aiohttp.ClientSession, receiver: Receiver) -> None:
    sent, left = 0, asyncio.Event()

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"content-length": str(10 * 2**30)})
        await response.prepare(request)
        try:
            for _ in range(10 * 2**30 // 2**16):
                await response.write(b"x" * 2**16)
                sent += 2**16
        finally:
            left.set()
        return response

    receiver.answer = flood
    answer = await post(outgoing, receiver.url, b"{}", {}, seconds=5)
    assert answer.body == b"x" * MAX_ANSWER
    async with asyncio.timeout(PATIENCE):
        await left.wait()
    assert sent < 64 * 2**20, "the connection was closed; only buffers were filled"


async def test_a_reset_is_unreachable(outgoing: aiohttp.ClientSession, receiver: Receiver) -> None:
    async def reset(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    receiver.answer = reset
    with pytest.raises(Unreachable, match=r"Server ?[Dd]isconnected|reset"):
        await post(outgoing, receiver.url, b"{}", {})


async def test_garbage_instead_of_http_is_unreachable(outgoing: aiohttp.ClientSession) -> None:
    async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable):
            await post(outgoing, f"http://127.0.0.1:{port}/", b"{}", {})


def test_networks_are_read_from_the_settings() -> None:
    assert LOOPBACK.allow_networks == [ip_network("127.0.0.0/8")]
