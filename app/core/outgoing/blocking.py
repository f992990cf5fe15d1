"""What a library requests by itself, in threads: Apprise does, by requests and urllib3."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

from app.core.outgoing.addresses import Network, is_allowed, unresolved
from app.core.outgoing.via import HEADER

try:
    from requests.adapters import HTTPAdapter
    from urllib3.util import connection as urllib3_connection
except ImportError:  # only the extra ``apprise`` needs them
    HTTPAdapter = urllib3_connection = None  # type: ignore[assignment,misc]  # a class and a module, or nothing


class TargetUnreachable(OSError):
    """The target resolves to no address that outgoing calls may reach, in the form that urllib3 knows."""


_networks: ContextVar[Sequence[Network] | None] = ContextVar("networks", default=None)
"""The networks that requests may reach; None: they are the operator's own."""
_way: ContextVar[str] = ContextVar("way", default="")


@contextmanager
def vetting_blocking_calls(allow_networks: Sequence[Network]) -> Iterator[None]:
    """Let connections that urllib3 makes in this context reach allowed addresses only, whatever it is redirected to."""
    token = _networks.set(allow_networks)
    try:
        yield
    finally:
        _networks.reset(token)


@contextmanager
def naming_the_way(way: str) -> Iterator[None]:
    """Let what is requested in this context name the installations that its cause has come through, as webhooks do."""
    token = _way.set(way)
    try:
        yield
    finally:
        _way.reset(token)


def _connect_vetted(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
    """In the place of urllib3's own function: connects to exactly the addresses that were vetted."""
    networks = _networks.get()
    if networks is None:
        return _connect(address, *arguments, **options)
    host, port = address
    error: OSError = TargetUnreachable(unresolved(host))
    for target in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        found = target[-1]
        if is_allowed(ip_address(found[0]), networks):
            try:
                return _connect((str(found[0]), port), *arguments, **options)
            except OSError as failed:
                error = failed
    raise error


def _add_way(_adapter: Any, request: Any, **_options: Any) -> None:
    """In the place of a function of requests that does nothing: it is there to add header fields."""
    if way := _way.get():
        request.headers[HEADER] = way


if urllib3_connection is not None:
    _connect = urllib3_connection.create_connection
    urllib3_connection.create_connection = _connect_vetted
    HTTPAdapter.add_headers = _add_way  # type: ignore[assignment,method-assign]
