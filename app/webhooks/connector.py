"""The outgoing HTTP client: it connects only to addresses that were vetted, and reads only so much of an answer."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from app.core.settings import Settings
from app.webhooks.addresses import Network, is_allowed

CONNECT_TIMEOUT: Final = 5.0
"""Seconds for a connection, TLS included."""

TOTAL_TIMEOUT: Final = 20.0
"""Seconds for a whole exchange, so that a receiver that drips cannot hold a sender."""

MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read at most."""

_MAX_CONNECTIONS: Final = 256
_AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


class TargetRefused(httpx.ConnectError):
    """The target is, or resolves to, an address that outgoing calls may not reach."""


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
            raise TargetRefused(f"{host} resolves to no address that outgoing calls may reach")
        return kept

    async def close(self) -> None:
        """Close the resolver underneath."""
        await self._inner.close()


def _vetted_socket(allow_networks: Sequence[Network], target: _AddressInfo) -> socket.socket:
    """The last wall, right before a connection: also sees the literal addresses that skip the resolver."""
    family, kind, protocol, _, (host, *_) = target
    try:
        allowed = is_allowed(ip_address(host), allow_networks)
    except ValueError:  # a spelled form such as 2130706433, which the socket would take for an address
        allowed = False
    if not allowed:
        raise TargetRefused(f"{host} is an address that outgoing calls may not reach")
    return socket.socket(family, kind, protocol)


def make_http(settings: Settings, resolver: AbstractResolver | None = None) -> httpx.AsyncClient:
    """The process's client: vetted targets, no proxies from the environment, no redirects, no cookies.

    To be made inside the running loop's lifetime and closed with ``aclose()``. ``resolver`` replaces the system's.
    """
    tls = httpx.create_ssl_context()

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=VettingResolver(resolver or aiohttp.ThreadedResolver(), settings.allow_networks),
            socket_factory=partial(_vetted_socket, settings.allow_networks),
            ssl=tls,
            limit=_MAX_CONNECTIONS,
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    return httpx.AsyncClient(
        transport=AiohttpTransport(verify=tls, client=session),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TOTAL_TIMEOUT, connect=CONNECT_TIMEOUT),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": "Heliodesk"},
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said: the body is cut after ``MAX_ANSWER`` bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Unreachable(Exception):
    """There was no answer; the message says why, for the one who looks at the delivery."""


async def post(
    http: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = TOTAL_TIMEOUT
) -> Answer:
    """POST and read at most ``MAX_ANSWER`` bytes of the answer, all within ``seconds``. Raises ``Unreachable``."""
    try:
        async with (
            asyncio.timeout(seconds),
            http.stream("POST", url, content=body, headers=dict(headers)) as response,
        ):
            return Answer(response.status_code, response.headers, await _read(response))
    except TimeoutError as error:
        raise Unreachable(f"no complete answer within {seconds:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as error:
        raise Unreachable(_explain(error)) from error


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= MAX_ANSWER:
            break
    return bytes(body[:MAX_ANSWER])


def _explain(error: Exception) -> str:
    """The transport's own error is the better explanation: httpx knows fewer kinds."""
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
