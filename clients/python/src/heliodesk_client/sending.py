"""How requests are sent: with a key, and again where that is safe.

What may be sent again: a GET, and a POST that has an ``Idempotency-Key``, which it is given where it takes one. It is
sent again after 429, 502, 503, 504, a 409 that says that the first request is still running, and after a connection
that broke. ``Retry-After`` is honoured.
"""

import asyncio
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any, Final

import httpx

from heliodesk_client.problems import HeliodeskError

_KEY: Final = "Idempotency-Key"
_PASSING: Final = frozenset({429, 502, 503, 504})
_SAFE: Final = frozenset({"get", "head"})
_CONFLICT: Final = 409
_ERRORS: Final = 400


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is tried at most, and how long is waited at first and at most, in seconds."""

    attempts: int = 4
    first: float = 0.5
    longest: float = 30.0

    def wait(self, attempt: int, response: httpx.Response | None) -> float:
        """Seconds until the next attempt: what ``Retry-After`` says, else twice as long each time, and by chance."""
        said = response.headers.get("retry-after", "") if response is not None else ""
        if said.isdecimal():
            return min(float(said), self.longest)
        return min(self.first * 2 ** (attempt - 1), self.longest) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def prepared(asked: dict[str, Any], *, repeatable: bool) -> tuple[dict[str, Any], bool]:
    """The request with an ``Idempotency-Key`` where it takes one, and whether it may be sent again."""
    headers = dict(asked.get("headers", {}))
    if repeatable:
        headers.setdefault(_KEY, str(uuid.uuid4()))
    return asked | {"headers": headers}, asked["method"] in _SAFE or _KEY in headers


def passes(response: httpx.Response) -> bool:
    """Whether the same request may succeed a little later."""
    if response.status_code == _CONFLICT:
        return HeliodeskError(response).slug == "request-in-flight"
    return response.status_code in _PASSING


def successful(response: httpx.Response) -> httpx.Response:
    """The response, or ``HeliodeskError`` where it is a problem."""
    if response.status_code >= _ERRORS:
        raise HeliodeskError(response)
    return response


class Sender:
    """Sends requests through an ``httpx.Client``."""

    def __init__(self, http: httpx.Client, retries: Retries) -> None:
        self._http, self._retries = http, retries

    def send(self, asked: dict[str, Any], *, repeatable: bool) -> httpx.Response:
        """The answer, once it is no passing trouble, or the attempts are used up."""
        request, again = prepared(asked, repeatable=repeatable)
        attempts = self._retries.attempts if again else 1
        for attempt in range(1, attempts):
            response = None
            try:
                response = self._http.request(**request)
                if not passes(response):
                    return successful(response)
            except httpx.TransportError:
                pass
            time.sleep(self._retries.wait(attempt, response))
        return successful(self._http.request(**request))


class AsyncSender:
    """Sends requests through an ``httpx.AsyncClient``."""

    def __init__(self, http: httpx.AsyncClient, retries: Retries) -> None:
        self._http, self._retries = http, retries

    async def send(self, asked: dict[str, Any], *, repeatable: bool) -> httpx.Response:
        """The answer, once it is no passing trouble, or the attempts are used up."""
        request, again = prepared(asked, repeatable=repeatable)
        attempts = self._retries.attempts if again else 1
        for attempt in range(1, attempts):
            response = None
            try:
                response = await self._http.request(**request)
                if not passes(response):
                    return successful(response)
            except httpx.TransportError:
                pass
            await asyncio.sleep(self._retries.wait(attempt, response))
        return successful(await self._http.request(**request))
