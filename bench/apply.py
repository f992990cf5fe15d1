"""A plan version applied to 10,000 open tickets, beside a plain UPDATE of the same rows. Goal: under 60 s.

Each ticket has two deadlines that move, and so three events; half of the deadlines run on business hours.
"""

import asyncio
import time
from typing import Any, Final

import asyncpg
import httpx
import orjson

from bench import servers

_OPEN: Final = 10_000
_KEY: Final = "wati-business-plus"
_COPIES: Final = """
INSERT INTO {table}
SELECT copy.* FROM {table} AS r, generate_series(1, $1::int) AS n,
jsonb_populate_record(r, jsonb_build_object('{id}', '{prefix}_' || lpad(n::text, 22, '0') || right(r.{id}, 4),
                                         '{name}', {value})) AS copy
"""
_TICKET: Final = "right(r.id, 4) || n"
_DEADLINE: Final = "'tkt_' || lpad(n::text, 22, '0') || right(r.ticket_id, 4)"
# What a change of the same rows costs at the least: no clocks, no events.
_PLAIN: Final = """
WITH t AS (UPDATE tickets SET plan_version = plan_version, updated_at = clock_timestamp() RETURNING id)
UPDATE deadlines AS d SET due_at = due_at + interval '1 s' FROM t WHERE d.ticket_id = t.id
"""


def main() -> None:
    """Print the seconds of a dry run, of an apply, of one that changes nothing, and of the plain UPDATE."""
    with servers.database() as url, servers.service(url) as port:
        asyncio.run(_measure(url, port))


async def _measure(url: str, port: int) -> None:
    account = servers.make_account(port, _KEY)
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, headers=servers.HEADERS, trust_env=False, timeout=600) as api:
        for priority in ("P2", "P3", "P4", "P4"):
            await _open(api, account, priority)
        connection = await asyncpg.connect(url)
        await _fill(connection)
        version = await _version(api)
        dry = await _apply(api, version, "dry run", dry_run=True)
        started = time.perf_counter()
        print(f"{'plain UPDATE of the rows':26} {await connection.execute(_PLAIN):15}", end="")
        floor = time.perf_counter() - started
        print(f" {floor:6.1f} s")
        await connection.execute("UPDATE deadlines SET due_at = due_at - interval '1 s'")
        await connection.close()
        real = await _apply(api, version, "apply", dry_run=False)
        again = await _apply(api, version, "apply again, no change", dry_run=False)
        for name, seconds in (("dry run", dry), ("apply", real), ("apply again", again)):
            print(f"{name:12} {_OPEN / seconds:6.0f} tickets/s   {seconds / floor:5.1f} x the plain UPDATE")


async def _open(api: httpx.AsyncClient, account: str, priority: str) -> None:
    requester = {"name": "Ana", "email": "ana@example.com"}
    body = {"account_id": account, "title": "t", "description": "d", "requester": requester, "priority": priority}
    (await api.post("/v1/tickets", json=body)).raise_for_status()


async def _fill(connection: "asyncpg.Connection[Any]") -> None:
    copies = _OPEN // 4 - 1
    tickets = {"table": "tickets", "id": "id", "prefix": "tkt", "name": "number", "value": _TICKET}
    deadlines = {"table": "deadlines", "id": "id", "prefix": "ddl", "name": "ticket_id", "value": _DEADLINE}
    for names in (tickets, deadlines):
        await connection.execute(_COPIES.format(**names), copies)
    for table in ("tickets", "deadlines"):
        await connection.execute(f"VACUUM ANALYZE {table}")
    assert await connection.fetchval("SELECT count(*) FROM tickets") == _OPEN
    assert await connection.fetchval("SELECT count(*) FROM deadlines") == 2 * _OPEN


async def _version(api: httpx.AsyncClient) -> int:
    """A version in which every deadline is due at another instant."""
    plan: dict[str, Any] = (await api.get(f"/v1/plans/{_KEY}")).raise_for_status().json()["document"]
    row = {"first_response": "PT6H", "resolution": {"duration": "PT30H", "calendar": "business"}}
    plan["targets"] = dict.fromkeys(plan["targets"], row)
    version: int = (await api.post(f"/v1/plans/{_KEY}/versions", json=plan)).raise_for_status().json()["version"]
    return version


async def _apply(api: httpx.AsyncClient, version: int, name: str, *, dry_run: bool) -> float:
    """The seconds that it took; prints them, what was done, and the longest step between two lines of progress."""
    headers = {"Accept": "application/x-ndjson"}
    path = f"/v1/plans/{_KEY}/versions/{version}/apply"
    started = last = time.perf_counter()
    longest, moves = 0.0, 0
    result: dict[str, Any] = {}
    async with api.stream("POST", path, json={"dry_run": dry_run}, headers=headers) as answer:
        async for line in answer.aiter_lines():
            told = orjson.loads(line)
            moves += "move" in told
            result = told.get("result", result)
            if "progress" in told:
                now = time.perf_counter()
                longest, last = max(longest, now - last), now
    seconds = time.perf_counter() - started
    assert result["tickets"] == _OPEN, result
    assert not result["failed"], result
    print(f"{name:26} {result['changed']:6} changed {seconds:6.1f} s   {moves} moves, longest step {longest:.2f} s")
    return seconds
