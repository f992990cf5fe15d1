"""``POST /v1/tickets``, all its work, beside a bare FastAPI + asyncpg handler that inserts the same rows. Goal 0.6.

The background passes are off on our side: what is measured is the write path, not the sending of what it put out.
Rates tell how much of the machine there was; CPU seconds per 1,000 tickets hold on a busy one too.
"""

import asyncio
from dataclasses import dataclass
from statistics import median
from typing import Final

import asyncpg
import httpx
import orjson

from bench import cpu, load, servers

_BODY: Final = {
    "title": "No backup has succeeded since Thursday",
    "description": "Every job ends with 'catalogue locked'. Restores fail too. " * 5,
    "product": "backup",
    "requester": {"name": "Ana Ruiz", "email": "ana@example.com"},
    "channel": "web",
    "impact": "large",
    "urgency": "medium",
    "tags": ["backup", "urgent"],
}
_ROUNDS: Final = 3
_SECONDS: Final = 5.0
_CONNECTIONS: Final = (1, 16)


def main() -> None:
    """Print both rates, their ratio, and the latencies, in interleaved rounds of one run."""
    with servers.database() as url, servers.service(url, HELIODESK_BACKGROUND="false") as ours:
        account = servers.make_account(ours, "wati-business-plus")
        body = orjson.dumps(_BODY | {"account_id": account})
        _subscribe(ours, account)
        asyncio.run(_keep_rows(url, ours, body))
        with servers.bare(url) as bare:
            print("rows per ticket:", httpx.get(f"http://127.0.0.1:{bare}/healthz", trust_env=False).json())
            for connections in _CONNECTIONS:
                _compare(url, (bare, ours), body, connections)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a run measured, with the CPU seconds per 1,000 tickets of the server and of PostgreSQL."""

    result: load.Result
    server: float
    postgres: float

    @property
    def cpu(self) -> float:
        return self.server + self.postgres

    def __str__(self) -> str:
        return f"{self.result.rate:6.0f}/s, CPU {self.server:.2f} + {self.postgres:.2f} s per 1,000"


def _compare(url: str, ports: tuple[int, int], body: bytes, connections: int) -> None:
    headers = servers.HEADERS | {"Idempotency-Key": load.UNIQUE.decode()}
    request = load.request_bytes("POST", "/v1/tickets", headers, body)
    rates, cpus, what = [], [], f"POST /v1/tickets, {connections:2} connections"
    for _ in range(_ROUNDS):
        floor, real = (_measured(url, port, request, connections) for port in ports)
        rates.append(real.result.rate / floor.result.rate)
        cpus.append(real.cpu / floor.cpu)
        times = f"p50 {real.result.percentile(50):.1f} ms, p99 {real.result.percentile(99):.1f} ms"
        print(f"{what}: bare {floor}   heliodesk {real} ({times})   ratio {rates[-1]:.2f}, of CPU {cpus[-1]:.2f}")
    print(f"{what}: median ratio {median(rates):.2f} (goal 0.6), of CPU {median(cpus):.2f}")


def _measured(url: str, port: int, request: bytes, connections: int) -> _Run:
    server, postgres = cpu.of_server(port), asyncio.run(cpu.of_postgres(url))
    done = asyncio.run(load.run(port, request, connections=connections, seconds=_SECONDS, status=201))
    each = 1000 / done.requests
    return _Run(done, each * (cpu.of_server(port) - server), each * (asyncio.run(cpu.of_postgres(url)) - postgres))


def _subscribe(port: int, account: str) -> None:
    """A webhook endpoint of the account that hears about opened tickets, so that the outbox is written too."""
    body = {"url": "http://127.0.0.1:9/hook", "events": ["ticket.opened"], "account_id": account}
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/webhooks", json=body, headers=servers.HEADERS, trust_env=False)
    answer.raise_for_status()


async def _keep_rows(url: str, port: int, body: bytes) -> None:
    """Open one ticket with an Idempotency-Key and note whose rows the bare handler has to write."""
    headers = servers.HEADERS | {"Idempotency-Key": "bench"}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"http://127.0.0.1:{port}/v1/tickets", content=body, headers=headers)
        answer.raise_for_status()
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE bench_rows AS SELECT account_id FROM tickets LIMIT 1")
    await connection.execute("UPDATE stored_answers SET account_id = (SELECT account_id FROM bench_rows)")
    await connection.close()
