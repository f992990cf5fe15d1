"""What rate and concurrency limits cost a read. Goal: ``GET /v1/tickets/{id}`` is at most 5 % slower with them.

Two services on one database, one without limits, take turns; one request at a time, and sixteen. Beside the rates is
the CPU time of the service for each request, which other work on the machine hardly changes.
"""

import asyncio
from statistics import median
from typing import Final

import httpx

from bench import cpu, load, servers

_ROUNDS: Final = 9
_SECONDS: Final = 2.0
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
            rounds = [_round(without, limited, request, connections, number) for number in range(_ROUNDS)]
            for what, place in (("rate", 0), ("requests a CPU second", 1)):
                ratio = median(pair[1][place] / pair[0][place] for pair in rounds)
                print(
                    f"GET ticket, {connections:2} at a time: {what}, median ratio with limits {ratio:.3f} (goal 0.95)"
                )


def _round(
    without: int, limited: int, request: bytes, connections: int, number: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Rate and requests a CPU second, without limits and with them; who is first changes."""
    ports = (without, limited) if number % 2 else (limited, without)
    found = {port: _measured(port, request, connections) for port in ports}
    print(
        f"GET ticket, {connections:2} at a time: {found[without][0]:6.0f}/s, {found[without][1]:6.0f} a CPU second;"
        f" limited {found[limited][0]:6.0f}/s, {found[limited][1]:6.0f} a CPU second"
    )
    return found[without], found[limited]


def _measured(port: int, request: bytes, connections: int) -> tuple[float, float]:
    before = cpu.of_server(port)
    done = asyncio.run(load.run(port, request, connections=connections, seconds=_SECONDS, status=200))
    return done.rate, done.requests / (cpu.of_server(port) - before)


def _ticket(port: int, account_id: str) -> str:
    requester = {"name": "Ana", "email": "ana@example.com"}
    body = {"account_id": account_id, "title": "t", "description": "d", "requester": requester}
    url = f"http://127.0.0.1:{port}/v1/tickets"
    answer = httpx.post(url, json=body, headers=servers.HEADERS, trust_env=False)
    ticket_id: str = answer.raise_for_status().json()["id"]
    return ticket_id
