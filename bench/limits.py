"""What rate and concurrency limits cost a read. Goal: ``GET /v1/tickets/{id}`` is at most 5 % slower with them.

Two services on one database, one without limits, take turns; one request at a time, and sixteen.
"""

import asyncio
from statistics import median
from typing import Final

import httpx

from bench import load, servers

_ROUNDS: Final = 7
_SECONDS: Final = 3.0
_AMPLE: Final = dict.fromkeys(
    ("HELIODESK_RATE_PER_KEY", "HELIODESK_RATE_PER_ACCOUNT", "HELIODESK_RATE_PER_SUPPORT_KEY"), "100000000"
)


def main() -> None:
    """Print the rates of both services, and the median of their ratios."""
    with servers.database() as url, servers.service(url) as without, servers.service(url, **_AMPLE) as limited:
        account_id = servers.make_account(without, "wati-pro")
        headers = servers.account_key(without, account_id)
        request = load.request_bytes("GET", f"/v1/tickets/{_ticket(without, account_id)}", headers)
        for connections in (1, 16):
            ratios = []
            for number in range(_ROUNDS):
                ports = (without, limited) if number % 2 else (limited, without)
                rates = {port: _rate(port, request, connections) for port in ports}
                ratios.append(rates[limited] / rates[without])
                print(
                    f"GET ticket, {connections:2} at a time: {rates[without]:6.0f}/s, limited {rates[limited]:6.0f}/s"
                )
            print(f"GET ticket, {connections:2} at a time: median ratio with limits {median(ratios):.3f} (goal 0.95)")


def _ticket(port: int, account_id: str) -> str:
    requester = {"name": "Ana", "email": "ana@example.com"}
    body = {"account_id": account_id, "title": "t", "description": "d", "requester": requester}
    url = f"http://127.0.0.1:{port}/v1/tickets"
    answer = httpx.post(url, json=body, headers=servers.HEADERS, trust_env=False)
    ticket_id: str = answer.raise_for_status().json()["id"]
    return ticket_id


def _rate(port: int, request: bytes, connections: int) -> float:
    return asyncio.run(load.run(port, request, connections=connections, seconds=_SECONDS, status=200)).rate
