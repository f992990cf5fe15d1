"""How requests are sent, and when they are sent again.

A GET, and a request with an ``Idempotency-Key``, which it is given where it takes one, can be repeated safely: they are
sent again after 500, 502, 503, 504, after a 409 that says that the first request is still running, and after a
connection that broke. Any request is sent again after 408 and 429 and when no connection was made, since nothing was
done.
"""

import asyncio
import logging
import random
import time
import uuid
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeAlias

import httpx

from heliodesk_client.errors import ConnectionFailed, ProblemError, TimedOut, seconds_to_wait

_KEY: Final = "Idempotency-Key"
_SAFE: Final = frozenset({"get", "head"})
_NOT_DONE: Final = frozenset({408, 429})
_PASSING: Final = frozenset({500, 502, 503, 504})
_IN_FLIGHT: Final = (409, "request-in-flight")
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_UNSENDABLE: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_log: Final = logging.getLogger("heliodesk_client")

Outcome: TypeAlias = httpx.Response | httpx.TransportError


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is tried at most, and how long is waited in between, in seconds.

    The waits double from ``first_wait`` up to ``longest_wait`` and are shortened by chance, so that many clients do not
    come back at once. ``Retry-After`` is obeyed; a request that would have to wait longer than ``longest_wait`` fails.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def wait(self, attempt: int, outcome: Outcome, *, repeatable: bool) -> float | None:
        """Seconds to wait after this attempt; None when the request is not to be sent again."""
        if attempt >= self.attempts or not _may_be_sent_again(outcome, repeatable=repeatable):
            return None
        asked = seconds_to_wait(outcome) if isinstance(outcome, httpx.Response) else None
        if asked is not None:
            return asked if asked <= self.longest_wait else None
        usual = min(self.first_wait * 2.0 ** (attempt - 1), self.longest_wait)
        return usual * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _may_be_sent_again(outcome: Outcome, *, repeatable: bool) -> bool:
    if isinstance(outcome, httpx.Response):
        passes = outcome.status_code in _PASSING or _is_in_flight(outcome)
        return outcome.status_code in _NOT_DONE or (repeatable and passes)
    return isinstance(outcome, _NOT_SENT) or (repeatable and not isinstance(outcome, _UNSENDABLE))


def _is_in_flight(response: httpx.Response) -> bool:
    status, slug = _IN_FLIGHT
    return response.status_code == status and ProblemError.of(response).slug == slug


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for every request: its retries, and arguments of httpx such as ``timeout`` and ``headers``."""

    retries: Retries
    arguments: dict[str, Any]

    def altered(self, retries: Retries | None, arguments: dict[str, Any]) -> "Options":
        """The same with other retries or arguments; headers are added."""
        headers = {**self.arguments.get("headers", {}), **arguments.get("headers", {})}
        return Options(retries or self.retries, self.arguments | arguments | {"headers": headers})


class _Request:
    """A request with an ``Idempotency-Key`` where it takes one, which every attempt has in common."""

    def __init__(self, asked: dict[str, Any], options: "Options", *, takes_key: bool) -> None:
        headers = {**options.arguments.get("headers", {}), **asked.get("headers", {})}
        if takes_key:
            headers.setdefault(_KEY, str(uuid.uuid4()))
        self.arguments = options.arguments | asked | {"headers": headers}
        self._repeatable = asked["method"] in _SAFE or _KEY in headers
        self._retries = options.retries

    def wait(self, attempt: int, outcome: Outcome) -> float | None:
        """Seconds to wait before it is sent again; None when it is not."""
        wait = self._retries.wait(attempt, outcome, repeatable=self._repeatable)
        if wait is not None:
            method, url = self.arguments["method"].upper(), self.arguments["url"]
            _log.info("%s %s is sent again in %.1f s: %r", method, url, wait, outcome)
        return wait


def successful(outcome: Outcome) -> httpx.Response:
    """The response, if it is a success; else ``ProblemError``, ``ConnectionFailed`` or ``TimedOut`` is raised."""
    if isinstance(outcome, httpx.TimeoutException):
        raise TimedOut(f"No answer in time: {outcome!r}") from outcome
    if isinstance(outcome, httpx.TransportError):
        raise ConnectionFailed(f"No answer: {outcome!r}") from outcome
    if not outcome.is_success:
        raise ProblemError.of(outcome)
    return outcome


class Sender:
    """Sends requests through an ``httpx.Client``."""

    def __init__(self, http: httpx.Client, options: Options) -> None:
        self._http, self._options = http, options

    def altered(self, retries: Retries | None, arguments: dict[str, Any]) -> "Sender":
        """The same with other options for every request."""
        return Sender(self._http, self._options.altered(retries, arguments))

    @property
    def retries(self) -> Retries:
        """How often requests are tried."""
        return self._options.retries

    def opened(self, asked: dict[str, Any]) -> AbstractContextManager[httpx.Response]:
        """The answer to one attempt, to be read as it comes."""
        return self._http.stream(**_Request(asked, self._options, takes_key=False).arguments)

    def send(self, asked: dict[str, Any], *, repeatable: bool) -> httpx.Response:
        """The answer of the last attempt. ``repeatable``: whether the operation takes an ``Idempotency-Key``."""
        request = _Request(asked, self._options, takes_key=repeatable)
        for attempt in count(1):
            outcome: Outcome
            try:
                outcome = self._http.request(**request.arguments)
            except httpx.TransportError as error:
                outcome = error
            if (wait := request.wait(attempt, outcome)) is None:
                return successful(outcome)
            time.sleep(wait)
        raise AssertionError  # the attempts are counted without end


class AsyncSender:
    """Sends requests through an ``httpx.AsyncClient``."""

    def __init__(self, http: httpx.AsyncClient, options: Options) -> None:
        self._http, self._options = http, options

    def altered(self, retries: Retries | None, arguments: dict[str, Any]) -> "AsyncSender":
        """The same with other options for every request."""
        return AsyncSender(self._http, self._options.altered(retries, arguments))

    @property
    def retries(self) -> Retries:
        """How often requests are tried."""
        return self._options.retries

    def opened(self, asked: dict[str, Any]) -> AbstractAsyncContextManager[httpx.Response]:
        """The answer to one attempt, to be read as it comes."""
        return self._http.stream(**_Request(asked, self._options, takes_key=False).arguments)

    async def send(self, asked: dict[str, Any], *, repeatable: bool) -> httpx.Response:
        """The answer of the last attempt. ``repeatable``: whether the operation takes an ``Idempotency-Key``."""
        request = _Request(asked, self._options, takes_key=repeatable)
        for attempt in count(1):
            outcome: Outcome
            try:
                outcome = await self._http.request(**request.arguments)
            except httpx.TransportError as error:
                outcome = error
            if (wait := request.wait(attempt, outcome)) is None:
                return successful(outcome)
            await asyncio.sleep(wait)
        raise AssertionError  # the attempts are counted without end
