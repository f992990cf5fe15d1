"""``heliodesk check`` over copies of one worked ticket: how many it replays in a second, and in how much memory."""

import asyncio
import os
import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any, Final

import asyncpg
import httpx

from bench import servers

_TICKETS: Final = 3_000
_TURNS: Final = 10
# The deadlines' ids in the events stay those of the first ticket: a replay does not look at them.
_COPY: Final = """
INSERT INTO {table}
SELECT copy.* FROM {table} AS t, generate_series(1, $1::int) AS n,
jsonb_populate_record(t, jsonb_build_object({columns})) AS copy
WHERE t.{key} = $2
"""
_TABLES: Final = (
    ("tickets", "id", "'id', 'tkt_' || n, 'number', n::text"),
    ("deadlines", "ticket_id", "'id', t.id || n, 'ticket_id', 'tkt_' || n"),
    ("events", "ticket_id", "'id', t.id || n, 'ticket_id', 'tkt_' || n"),
)


def main() -> None:
    """Print the last line of the command, what a ticket of it is like, and the most memory that it took."""
    with servers.database() as url:
        with servers.service(url, HELIODESK_BACKGROUND="false") as port:
            asyncio.run(fill(url, port, _TICKETS))
        code = "import sys; sys.argv = ['heliodesk', 'check']; from app.cli.main import main; main()"
        environment = os.environ | {"DATABASE_URL": url}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=servers.ROOT, env=environment, stdout=subprocess.PIPE, check=False)
        print(done.stdout.decode().splitlines()[-1])
        print(f"at most {getrusage(RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB; exit code {done.returncode}")


async def fill(url: str, port: int, tickets: int) -> None:
    """One ticket with a few messages, pauses and raises, and copies of it: so many in all."""
    account = servers.make_account(port, "wati-business-plus")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=servers.HEADERS, trust_env=False) as api:
        ticket = await _worked(api, account)
    connection = await asyncpg.connect(url)
    for table, key, columns in _TABLES:
        await connection.execute(_COPY.format(table=table, columns=columns, key=key), tickets - 1, ticket)
        await connection.execute(f"VACUUM ANALYZE {table}")
    count = "SELECT count(*) FROM {} WHERE ticket_id = $1"
    counts = [await connection.fetchval(count.format(table), ticket) for table, _, _ in _TABLES[1:]]
    print("each ticket: {} deadlines, {} events".format(*counts))
    await connection.close()


async def _worked(api: httpx.AsyncClient, account: str) -> str:
    engineer = await _post(api, "/v1/engineers", {"name": "Jan Nowak", "email": "jan@example.com"})
    key = await _post(api, "/v1/keys", {"kind": "agent", "engineer_id": engineer["id"]})
    opening: dict[str, Any] = {"title": "Nothing arrives", "description": "Since nine o'clock", "account_id": account}
    opening |= {"requester": {"name": "Ana Ruiz", "email": "ana@example.com"}, "channel": "web", "priority": "P4"}
    path = f"/v1/tickets/{(await _post(api, '/v1/tickets', opening))['id']}"
    for turn in range(_TURNS):
        as_engineer = {"Authorization": f"Bearer {key['secret']}"}
        waiting = {"status": "waiting_on_customer", "message": "Which version? " * 20}
        await _post(api, f"{path}/status", waiting, as_engineer)
        await _post(api, f"{path}/messages", {"body": "The newest one. " * 20, "author": {"kind": "customer"}})
        if turn < 2:
            await _post(api, f"{path}/priority", {"priority": f"P{3 - turn}", "reason": "More of us"}, as_engineer)
    return path.rpartition("/")[2]


async def _post(api: httpx.AsyncClient, path: str, body: dict[str, Any], headers: Any = None) -> Any:
    answer = await api.post(path, json=body, headers=headers)
    answer.raise_for_status()
    return answer.json()
