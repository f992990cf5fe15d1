"""Callers that open tickets and do not give up: the same Idempotency-Key until there is an answer."""

import asyncio
from collections.abc import Iterable, Mapping

import httpx

from tests.support.tickets import TICKET

_PAUSE = 0.05


async def open_until_answered(url: str, key: str, account_id: str, names: Iterable[str], callers: int) -> None:
    """Open a ticket for each name (its ``external_ref`` and Idempotency-Key), ``callers`` at a time."""
    left = iter(names)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
        await asyncio.gather(*(_call(client, account_id, left) for _ in range(callers)))


async def _call(client: httpx.AsyncClient, account_id: str, left: Iterable[str]) -> None:
    for name in left:
        body = TICKET | {"account_id": account_id, "external_ref": name}
        while not await _opened(client, name, body):  # noqa: ASYNC110  each turn is a try of its own
            await asyncio.sleep(_PAUSE)


async def _opened(client: httpx.AsyncClient, name: str, body: Mapping[str, object]) -> bool:
    try:
        answer = await client.post("/v1/tickets", json=body, headers={"Idempotency-Key": name})
    except httpx.TransportError:  # killed, or not there yet
        return False
    assert answer.status_code in (201, 409, 503), answer.text
    return answer.status_code == 201
