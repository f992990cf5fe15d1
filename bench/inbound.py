"""What a hook takes in: POSTs answered 202 beside a bare FastAPI + asyncpg handler that inserts the same body.

Then what becomes of it: alerts that each open a ticket, many at once and one by one.
"""

import asyncio
import time
from functools import partial
from statistics import median
from typing import Any, Final

import asyncpg
import httpx
import orjson

from app.inbound.examples import ALERTMANAGER
from bench import load, servers
from tests.support.waiting import until

_ROUNDS: Final = 3
_SECONDS: Final = 2.0
_CONNECTIONS: Final = (1, 16)
_ALERTS: Final = 500
_PAUSE: Final = 0.03
_MANY: Final = "100000"


def main() -> None:
    """Print the rates of receiving, their ratio, the latencies; then the rate of tickets."""
    with servers.database() as url:
        _receiving(url)
        with servers.service(url) as ours:
            asyncio.run(_tickets(url, ours))


def _receiving(url: str) -> None:
    settings = {"HELIODESK_BACKGROUND": "false", "HELIODESK_HOOK_BACKLOG": _MANY}
    with servers.service(url, **settings) as ours, servers.bare(url, "bench.bare_inbound:app") as bare:
        hook = _make_hook(ours)
        headers = {"Authorization": f"Bearer {hook['secret']}", "Content-Type": "application/json"}
        request = load.request_bytes("POST", hook["url"], headers, orjson.dumps(ALERTMANAGER))
        for connections in _CONNECTIONS:
            ratios = []
            for _ in range(_ROUNDS):
                floor, real = (asyncio.run(_run(url, port, request, connections)) for port in (bare, ours))
                ratios.append(real.rate / floor.rate)
                print(
                    f"POST /v1/ingest, {connections:2} connections: bare {floor.rate:6.0f}/s"
                    f"   heliodesk {real.rate:6.0f}/s (p50 {real.percentile(50):.1f} ms, p99"
                    f" {real.percentile(99):.1f} ms)   ratio {ratios[-1]:.2f}"
                )
            print(f"POST /v1/ingest, {connections:2} connections: median ratio {median(ratios):.2f}")


async def _run(url: str, port: int, request: bytes, connections: int) -> load.Result:
    """Receive for a while, and have nothing wait: as if it were processed elsewhere."""
    connection, over = await asyncpg.connect(url), asyncio.Event()
    processing = asyncio.create_task(_process(connection, over))
    result = await load.run(port, request, connections=connections, seconds=_SECONDS, status=202)
    over.set()
    await processing
    await connection.execute("DELETE FROM receipts")
    await connection.execute("VACUUM receipts")
    await connection.close()
    return result


async def _process(connection: "asyncpg.Connection[Any]", over: asyncio.Event) -> None:
    while not over.is_set():
        await connection.execute("UPDATE receipts SET state = 'processed' WHERE state = 'pending'")
        await asyncio.sleep(0.1)


def _make_hook(port: int) -> Any:
    account = servers.make_account(port, "zmanda-premium")
    body = {"name": "Bench", "account_id": account, "format": "alertmanager"}
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/hooks", json=body, headers=servers.HEADERS, trust_env=False)
    answer.raise_for_status()
    return answer.json()


async def _tickets(url: str, port: int) -> None:
    """One alert a POST, one POST after the other: as fast as they are answered, and with a pause between them."""
    hook = _make_hook(port)
    headers = {"Authorization": f"Bearer {hook['secret']}"}
    connection = await asyncpg.connect(url)
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        for name, alerts, pause in (("at once", _ALERTS, 0.0), ("one by one", _ALERTS // 5, _PAUSE)):
            before = await connection.fetchval("SELECT count(*) FROM tickets")
            started = time.monotonic()
            for number in range(alerts):
                await _fire(client, f"http://127.0.0.1:{port}{hook['url']}", f"{name} {number}")
                await asyncio.sleep(pause)
            await until(partial(_are_open, connection, before + alerts), every=0.02)
            rate = f": {alerts / (time.monotonic() - started):.0f} tickets/s" if not pause else ""
            print(f"{alerts} alerts {name}{rate}; from the receipt to the ticket {await _waits(connection)}")
            await connection.execute("DELETE FROM receipts")
    await connection.close()


async def _fire(client: httpx.AsyncClient, url: str, fingerprint: str) -> None:
    alert = ALERTMANAGER["alerts"][0] | {"fingerprint": fingerprint}
    answer = await client.post(url, content=orjson.dumps(ALERTMANAGER | {"alerts": [alert]}))
    assert answer.status_code == 202, answer.text


async def _waits(connection: "asyncpg.Connection[Any]") -> str:
    query = "SELECT extract(epoch FROM processed_at - received_at) * 1000 FROM receipts WHERE state = 'processed'"
    waits = sorted(float(row[0]) for row in await connection.fetch(query))
    return f"p50 {waits[len(waits) // 2]:.0f} ms, p99 {waits[len(waits) * 99 // 100]:.0f} ms"


async def _are_open(connection: "asyncpg.Connection[Any]", number: int) -> bool:
    return bool(await connection.fetchval("SELECT count(*) FROM tickets") >= number)
