"""The clients: every operation is a method of the group that the API's reference has it in."""

from types import TracebackType
from typing import Any, Final, Self

import httpx

from heliodesk_client.generated.api import AllAsyncOperations, AllOperations
from heliodesk_client.sending import AsyncSender, Retries, Sender

_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)


class Heliodesk(AllOperations):
    """The sync client: ``Heliodesk(url, key).tickets.create_ticket(body=...)``.

    ``key`` is an API key; ``options`` go to ``httpx.Client``. A problem is raised as ``HeliodeskError``.
    """

    def __init__(self, url: str, key: str, *, retries: Retries | None = None, **options: Any) -> None:
        self._http = httpx.Client(**_options(url, key, options))
        super().__init__(Sender(self._http, retries or Retries()))

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

    ``key`` is an API key; ``options`` go to ``httpx.AsyncClient``. A problem is raised as ``HeliodeskError``.
    """

    def __init__(self, url: str, key: str, *, retries: Retries | None = None, **options: Any) -> None:
        self._http = httpx.AsyncClient(**_options(url, key, options))
        super().__init__(AsyncSender(self._http, retries or Retries()))

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
    return {"timeout": _TIMEOUT} | given | {"base_url": url, "headers": headers}
