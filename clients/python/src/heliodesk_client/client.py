"""The clients: every operation is a method of the group that the API's reference has it in."""

from copy import copy
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final, Self

import httpx

from heliodesk_client.generated.api import AllAsyncOperations, AllOperations
from heliodesk_client.sending import AsyncSender, Options, Retries, Sender

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
