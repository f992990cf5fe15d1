"""What tests make over HTTP."""

from typing import Any

import httpx

from tests.support.actors import Headers


async def made(client: httpx.AsyncClient, path: str, headers: Headers | None = None, /, **body: Any) -> Any:
    """What is answered for making something at ``/v1/<path>``."""
    answer = await client.post(f"/v1/{path}", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()
