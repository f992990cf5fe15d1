"""What opening a ticket costs an account with many webhook endpoints, and another account meanwhile.

Each endpoint has as many globs as it may, with as many stars as fit, and every event of a ticket matches. The
endpoints are made while the quota is large; what is measured runs with the quota that is the default.
"""

import asyncio
from collections.abc import Sequence
from statistics import median
from typing import Final

import httpx

from app.events.types import EVENTS
from bench import servers

_STEPS: Final = (0, 100, 1_000, 9_000)
_OPENED: Final = 5
_GLOBS: Final = [f"*{'*'.join(event.type)}*" for event in EVENTS][:50]
_AT_ONCE: Final = 16


def main() -> None:
    """Print how long POST /v1/tickets takes for the account with the endpoints and for another one beside it."""
    with servers.database() as url:
        accounts: list[str] = []
        before = 0
        for endpoints in _STEPS:
            with servers.service(url, HELIODESK_BACKGROUND="false", HELIODESK_MAX_ENDPOINTS="10000") as port:
                accounts = accounts or [servers.make_account(port, "wati-business-plus") for _ in "ab"]
                asyncio.run(_subscribe(port, accounts[0], endpoints - before))
            before = endpoints
            with servers.service(url, HELIODESK_BACKGROUND="false") as port:
                many, other = asyncio.run(_measure(port, accounts))
            print(f"POST /v1/tickets with {endpoints:5} endpoints: {many:8.1f} ms   another account: {other:6.1f} ms")


async def _subscribe(port: int, account: str, number: int) -> None:
    left = iter(range(number))
    address = f"http://127.0.0.1:{port}/v1/webhooks"
    body = {"url": "http://127.0.0.1:9/hook", "events": _GLOBS, "account_id": account}

    async def make(client: httpx.AsyncClient) -> None:
        for _ in left:
            (await client.post(address, json=body)).raise_for_status()

    async with httpx.AsyncClient(headers=servers.HEADERS, trust_env=False, timeout=60) as client:
        await asyncio.gather(*(make(client) for _ in range(_AT_ONCE)))


async def _measure(port: int, accounts: Sequence[str]) -> tuple[float, float]:
    """The medians in milliseconds; the other account opens tickets for as long as the first one does."""
    async with httpx.AsyncClient(headers=servers.HEADERS, trust_env=False, timeout=600) as client:
        await _open(client, port, accounts[1])
        beside: list[float] = []

        async def open_beside() -> None:
            while True:
                beside.append(await _open(client, port, accounts[1]))

        other = asyncio.create_task(open_beside())
        many = [await _open(client, port, accounts[0]) for _ in range(_OPENED)]
        other.cancel()
    return median(many), median(beside)


async def _open(client: httpx.AsyncClient, port: int, account: str) -> float:
    """Open a ticket; the milliseconds that it took."""
    requester = {"name": "Ana", "email": "ana@example.com"}
    body = {"account_id": account, "title": "t", "description": "d", "requester": requester}
    answer = await client.post(f"http://127.0.0.1:{port}/v1/tickets", json=body)
    answer.raise_for_status()
    return answer.elapsed.total_seconds() * 1000
