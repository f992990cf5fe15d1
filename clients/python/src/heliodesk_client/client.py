"""The clients: every operation is a method of the group that the API's reference has it in."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from copy import copy
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final, Self

import httpx
from httpx_sse import EventSource

from heliodesk_client.generated.api import AllAsyncOperations, AllOperations
from heliodesk_client.generated.models import FeedEvent
from heliodesk_client.sending import AsyncSender, Options, Outcome, Retries, Sender
from heliodesk_client.streams import Reading

_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_AGENT: Final = f"heliodesk-client-python/{version('heliodesk-client')}"


class Heliodesk(AllOperations):
    """The sync client: ``Heliodesk(url, key).tickets.create_ticket(body=...)``. Threads may share it.

    ``key`` is an API key. ``timeout`` is in seconds, or an ``httpx.Timeout``, and holds for each attempt. ``options``
    go to ``httpx.Client``. Raises ``HeliodeskError`` when an operation does not succeed.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float | httpx.Timeout = _TIMEOUT,
        retries: Retries | None = None,
        **options: Any,
    ) -> None:
        self._http = httpx.Client(timeout=timeout, **_options(url, key, options))
        super().__init__(Sender(self._http, Options(retries or Retries(), {})))

    def with_options(self, *, retries: Retries | None = None, **options: Any) -> Self:
        """The same client, on the same connections, with other ``retries``, ``timeout`` or ``headers``.

        ``desk.with_options(timeout=2, headers={"Accept-Language": "pl"}).tickets.get_ticket(ticket_id)``
        """
        other = copy(self)
        AllOperations.__init__(other, self._sender.altered(retries, options))
        return other

    def stream_events(
        self,
        *,
        after: str | None = None,
        types: Sequence[str] | None = None,
        account_id: str | None = None,
        ticket_id: str | None = None,
        sandbox: bool | None = None,
    ) -> Iterator[FeedEvent]:
        """The events of the feed for ever, over one connection (``GET /v1/events/stream``), each exactly once.

        ``after`` is the ``cursor`` of the last event that you are done with, ``"latest"`` begins with what happens from
        this moment on, and without it the oldest event that is kept comes first. A stream that breaks off is opened
        again behind the last event, by the client's ``retries``; whatever arrives makes the attempts count anew.
        """
        asked = {"types": types, "account_id": account_id, "ticket_id": ticket_id, "sandbox": sandbox}
        reading = Reading(self._sender.retries, after=after, **asked)
        while True:
            outcome: Outcome
            try:
                with self._sender.opened(reading.request()) as outcome:
                    if not outcome.is_success:
                        outcome.read()
                    else:
                        for message in EventSource(outcome).iter_sse():
                            if event := reading.take(message):
                                yield event
            except httpx.TransportError as error:
                outcome = error
            time.sleep(reading.wait(outcome))

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncHeliodesk(AllAsyncOperations):
    """The async client: ``await AsyncHeliodesk(url, key).tickets.create_ticket(body=...)``.

    Its arguments are those of ``Heliodesk``; ``options`` go to ``httpx.AsyncClient``.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float | httpx.Timeout = _TIMEOUT,
        retries: Retries | None = None,
        **options: Any,
    ) -> None:
        self._http = httpx.AsyncClient(timeout=timeout, **_options(url, key, options))
        super().__init__(AsyncSender(self._http, Options(retries or Retries(), {})))

    def with_options(self, *, retries: Retries | None = None, **options: Any) -> Self:
        """The same client, on the same connections, with other ``retries``, ``timeout`` or ``headers``."""
        other = copy(self)
        AllAsyncOperations.__init__(other, self._sender.altered(retries, options))
        return other

    async def stream_events(
        self,
        *,
        after: str | None = None,
        types: Sequence[str] | None = None,
        account_id: str | None = None,
        ticket_id: str | None = None,
        sandbox: bool | None = None,
    ) -> AsyncIterator[FeedEvent]:
        """The events of the feed for ever: ``async for event in desk.stream_events(after=cursor)``."""
        asked = {"types": types, "account_id": account_id, "ticket_id": ticket_id, "sandbox": sandbox}
        reading = Reading(self._sender.retries, after=after, **asked)
        while True:
            outcome: Outcome
            try:
                async with self._sender.opened(reading.request()) as outcome:
                    if not outcome.is_success:
                        await outcome.aread()
                    else:
                        async for message in EventSource(outcome).aiter_sse():
                            if event := reading.take(message):
                                yield event
            except httpx.TransportError as error:
                outcome = error
            await asyncio.sleep(reading.wait(outcome))

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _options(url: str, key: str, given: dict[str, Any]) -> dict[str, Any]:
    headers = httpx.Headers(given.get("headers"))
    headers["Authorization"] = f"Bearer {key}"
    headers.setdefault("User-Agent", _AGENT)
    return given | {"base_url": url, "headers": headers}
