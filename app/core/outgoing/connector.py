"""The outgoing HTTP clients: they connect only to addresses that were vetted, and read only so much of an answer."""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any, Final

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from app.core.outgoing.addresses import SETTING, Network, is_allowed, unresolved
from app.core.problems import message_of
from app.core.settings import Settings
from app.core.text.messages import Message, _, verbatim

CONNECT_TIMEOUT: Final = 5.0
"""Seconds for a connection, TLS included."""

TOTAL_TIMEOUT: Final = 20.0
"""Seconds for a whole exchange, so that a receiver that drips cannot hold a sender."""

MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read at most."""

_MAX_CONNECTIONS: Final = 256
_USER_AGENT: Final = "Heliodesk"
_AUTHORITIES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""The variables of the environment by which an operator adds authorities."""
_AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


class TargetRefused(httpx.ConnectError):
    """The target is, or resolves to, an address that outgoing calls may not reach."""


class ThreadsResolver(AbstractResolver):
    """Asks the system, each time in a thread of its own: one that a name server keeps waiting holds up nobody.

    The loop's own threads for this are four.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MAX_CONNECTIONS, thread_name_prefix="resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises ``OSError`` where it has none."""
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [
            ResolveResult(
                hostname=host, host=str(address), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _, protocol, _, (address, *_) in found
        ]

    async def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class VettingResolver(AbstractResolver):
    """Resolves a name and keeps the allowed addresses; the connector then connects to exactly these (no rebinding)."""

    def __init__(self, inner: AbstractResolver, allow_networks: Sequence[Network]) -> None:
        self._inner = inner
        self._allow_networks = allow_networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses of a name. Raises ``TargetRefused`` when there are none."""
        found = await self._inner.resolve(host, port, family)
        kept = [result for result in found if is_allowed(ip_address(result["host"]), self._allow_networks)]
        if not kept:
            raise TargetRefused(unresolved(host))
        return kept

    async def close(self) -> None:
        """Close the resolver underneath."""
        await self._inner.close()


def _vetted_socket(allow_networks: Sequence[Network], target: _AddressInfo) -> socket.socket:
    """The last wall, right before a connection: also sees the literal addresses that skip the resolver."""
    family, kind, protocol, _canonical, (host, *_port) = target
    try:
        allowed = is_allowed(ip_address(host), allow_networks)
    except ValueError:  # a spelled form such as 2130706433, which the socket would take for an address
        allowed = False
    if not allowed:
        raise TargetRefused(
            _("{host} is an address to which connections are not allowed ({setting})", host=host, setting=SETTING)
        )
    return socket.socket(family, kind, protocol)


def authorities() -> SSLContext:
    """The certificates of the authorities that clients trust. Reading them takes 20 ms, so a process does it once."""
    return _read_authorities(*map(os.environ.get, _AUTHORITIES))


@lru_cache(maxsize=4)
def _read_authorities(*_places: str | None) -> SSLContext:
    return httpx.create_ssl_context()


def make_session(settings: Settings, resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """A client session with vetted targets; without proxies from the environment, cookies or decompression.

    To be made in a running loop, and closed. ``resolver`` replaces the system's.
    """
    connector = aiohttp.TCPConnector(
        resolver=VettingResolver(resolver or ThreadsResolver(), settings.allow_networks),
        socket_factory=partial(_vetted_socket, settings.allow_networks),
        ssl=authorities(),
        limit=_MAX_CONNECTIONS,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        headers={"User-Agent": _USER_AGENT},
    )


def make_http(settings: Settings, resolver: AbstractResolver | None = None) -> httpx.AsyncClient:
    """The process's client for APIs: httpx over such a session, without redirects. To be closed with ``aclose()``.

    From then on, sessions that are made while the process serves find the authorities' certificates read.
    """
    make = partial(make_session, settings, resolver)
    return httpx.AsyncClient(
        transport=AiohttpTransport(verify=authorities(), client=make, trust_env=False),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TOTAL_TIMEOUT, connect=CONNECT_TIMEOUT),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": _USER_AGENT},
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said, and the headers that it got: the body is cut after ``MAX_ANSWER`` bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: Mapping[str, str]


class Unreachable(Exception):
    """There was no answer; ``reason`` says why, for whoever looks at the delivery."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


class TimedOut(Unreachable):
    """There was no answer in time."""


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = TOTAL_TIMEOUT
) -> Answer:
    """POST and read at most ``MAX_ANSWER`` bytes of the answer, all within ``seconds``. Raises ``Unreachable``.

    By aiohttp itself: through httpx half the throughput is lost.
    """
    timeout = _timeout(seconds)
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False, timeout=timeout) as response:
            sent = response.request_info.headers
            return Answer(response.status, response.headers, await _read(response), sent)
    except TimeoutError as error:
        raise TimedOut(_("no complete answer within {seconds} s", seconds=seconds)) from error
    except TargetRefused as error:
        raise Unreachable(message_of(error)) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unreachable(verbatim(f"{type(error).__name__}: {error}")) from error


async def open_stream(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a daemon of the operator's own, ``tcp://host:port`` or ``unix:/path``: it is not vetted."""
    kind, _, place = address.partition(":")
    if kind == "unix":
        return await asyncio.wait_for(asyncio.open_unix_connection(place), CONNECT_TIMEOUT)
    host, _, port = place.removeprefix("//").rpartition(":")
    return await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), CONNECT_TIMEOUT)


@lru_cache(maxsize=16)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) >= MAX_ANSWER:
            break
    return bytes(body[:MAX_ANSWER])
