from contextlib import suppress
from typing import Any

import httpx
import pytest

from app.core.outgoing.connector import make_http
from app.core.settings import Settings
from tests.support.ports import free_port


async def test_authorities_are_read_before_the_first_request_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    really = httpx.create_ssl_context

    def counted(*, verify: Any = True, **more: Any) -> Any:
        read.extend([verify] if verify is True else [])
        return really(verify=verify, **more)

    monkeypatch.setattr(httpx, "create_ssl_context", counted)
    async with make_http(Settings(database_url="", allow_networks=[])) as client:
        assert len(read) == 1
        with suppress(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{free_port()}")
    assert len(read) == 1
