from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core.outgoing.connector import make_http, make_session
from app.core.settings import Settings
from tests.support.ports import free_port


async def test_authorities_are_read_before_the_first_request_and_only_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read: list[Any] = []
    really = httpx.create_ssl_context

    def counted(*, verify: Any = True, **more: Any) -> Any:
        read.extend([verify] if verify is True else [])
        return really(verify=verify, **more)

    monkeypatch.setattr(httpx, "create_ssl_context", counted)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))  # whose authorities nobody has read before
    settings = Settings(database_url="", allow_networks=[])
    async with make_http(settings) as client:
        assert len(read) == 1
        with suppress(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{free_port()}")
        async with make_session(settings):  # as the sender of webhooks makes one, once it serves
            pass
    assert len(read) == 1
