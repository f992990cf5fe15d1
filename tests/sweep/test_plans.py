"""The sweep's statements stay probes of one partial index, however many tickets are open."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.accounts.models import Account
from app.core.db import Sessions, driver, transaction
from app.sweep.passes import next_wake
from app.tickets.settle import CLAIM
from tests.support.desk import fetch, now_of, open_at
from tests.support.explaining import counting, explain, nodes, root, scans

Fill = Callable[[str], Awaitable[None]]
WHEN = {
    "none is due": "now() + n * interval '1 minute'",
    "half are due": "now() + (n - 10000) * interval '1 minute'",
    "all are due": "now() - n * interval '1 second'",
}
COPY = """
INSERT INTO tickets SELECT copy.* FROM tickets AS t, generate_series(1, 20000) AS n,
    jsonb_populate_record(t, jsonb_build_object(
        'id', 'tkt_' || n, 'number', n, 'wake_at', %s, 'sandbox', n %% 10 = 0)) AS copy
"""


@pytest.fixture
async def fill(sessions: Sessions, account: Account, database: str) -> Fill:
    """Makes tickets, without what the tests before have left behind in the index."""

    async def with_tickets(wake_at: str) -> None:
        await open_at(sessions, account.account_id, await now_of(sessions), priority="P2")
        await fetch(sessions, COPY % wake_at)
        connection = await asyncpg.connect(database)
        await connection.execute("VACUUM ANALYZE tickets")
        await connection.close()

    return with_tickets


@pytest.mark.parametrize("when", WHEN)
async def test_a_claim_reads_only_what_is_due(sessions: Sessions, fill: Fill, when: str) -> None:
    await fill(WHEN[when])
    for mode in ("force_custom_plan", "force_generic_plan"):
        async with transaction(sessions) as session:
            connection = await driver(session)
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            await connection.execute(f"PREPARE probe (bigint) AS {CLAIM}")
            found = await connection.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE probe (500)")
            await connection.execute("DEALLOCATE probe")
        plan = root(found)
        assert scans(plan) == [("Index Scan", "ix_tickets_wake_at")]
        assert [node["Actual Rows"] for node in nodes(plan)][-1] <= 500


async def test_the_next_instant_is_one_probe(sessions: Sessions, fill: Fill, engine: AsyncEngine) -> None:
    await fill(WHEN["none is due"])
    with counting(engine) as sent:
        await next_wake(sessions)
    [(statement, parameters)] = sent
    plan = await explain(sessions, statement, *parameters)
    assert [index for _, index in scans(plan)] == ["ix_tickets_wake_at"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 10
