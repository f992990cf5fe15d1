"""The sweep's statements stay probes of one partial index, however many tickets are open."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.accounts.models import AccountRow
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.sweep import claims
from app.sweep.batch import BEGIN
from tests.support.desk import fetch, now_of, open_at
from tests.support.explaining import counting, explain, looked_at, nodes, root, scans
from tests.support.sweeping import next_wake

Fill = Callable[[str], Awaitable[str]]
WHEN = {
    "none is due": "now() + n * interval '1 minute'",
    "half are due": "now() + (n - 10000) * interval '1 minute'",
    "all are due": "now() - n * interval '1 second'",
    "all are due at one instant": "now() - interval '1 second'",
}
COPY = """
INSERT INTO tickets SELECT copy.* FROM tickets AS t, generate_series(1, 20000) AS n,
    jsonb_populate_record(t, jsonb_build_object(
        'id', 'tkt_' || n, 'number', n, 'wake_at', %s, 'sandbox', n %% 10 = 0)) AS copy
"""
MODES = ("force_custom_plan", "force_generic_plan")
BY_KEY = ("Index Scan", "ix_tickets_id"), ("Index Scan", "pk_tickets")


@pytest.fixture
async def fill(sessions: Sessions, account: AccountRow, database: str) -> Fill:
    """Makes tickets of one account, without what the tests before have left behind in the index; its id."""

    async def with_tickets(wake_at: str) -> str:
        await open_at(sessions, account.account_id, await now_of(sessions), priority="P2")
        await fetch(sessions, COPY % wake_at)
        connection = await asyncpg.connect(database)
        await connection.execute("VACUUM ANALYZE tickets")
        await connection.close()
        return account.account_id

    return with_tickets


async def plan_of(sessions: Sessions, mode: str, types: str, statement: str, arguments: str) -> dict[str, Any]:
    """How a statement is run in the sweep's transaction, prepared, with or without knowledge of its values."""
    async with transaction(sessions) as session:
        connection = await driver(session)
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await connection.execute(BEGIN, "1s")
        await connection.execute(f"PREPARE probe ({types}) AS {statement}")
        found = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE probe ({arguments})")
        await connection.execute("DEALLOCATE probe")
    return root(found)


def read(plan: dict[str, Any], kind: str) -> float:
    """How many rows the index of what is due gave, also those that a filter threw away."""
    (scan,) = [node for node in nodes(plan) if node["Node Type"] == kind and "wakes" in node["Index Name"]]
    rows: float = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)
    return rows


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("when", WHEN)
async def test_a_claim_reads_only_what_is_due(sessions: Sessions, fill: Fill, when: str, mode: str) -> None:
    await fill(WHEN[when])
    plan = await plan_of(sessions, mode, "bigint", claims.ALL, "500")
    assert scans(plan) == [("Index Scan", "ix_tickets_wakes")]
    assert read(plan, "Index Scan") <= 500


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("when", WHEN)
async def test_a_claim_reads_past_an_account_in_the_index_alone(
    sessions: Sessions, fill: Fill, when: str, mode: str
) -> None:
    heavy = await fill(WHEN[when])
    types, arguments = "bigint, timestamptz, text[], text[]", f"500, NULL, '{{{heavy}}}', '{{tkt_1,tkt_2}}'"
    plan = await plan_of(sessions, mode, types, claims.WITHOUT, arguments)
    index, key = [scan for scan in scans(plan) if scan[1]]
    assert index == ("Index Only Scan", "ix_tickets_wakes")
    assert key in BY_KEY
    since = await plan_of(sessions, mode, types, claims.WITHOUT, arguments.replace("NULL", "now()"))
    assert read(since, "Index Only Scan") < 10


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("when", WHEN)
async def test_a_claim_of_one_account_locks_no_more_than_it_takes(
    sessions: Sessions, fill: Fill, when: str, mode: str
) -> None:
    heavy = await fill(WHEN[when])
    plan = await plan_of(sessions, mode, "bigint, text, text[]", claims.OF_ACCOUNT, f"100, '{heavy}', '{{}}'")
    assert read(plan, "Index Only Scan") <= 400
    locks = [node["Actual Loops"] for node in nodes(plan) if node["Node Type"] == "LockRows"]
    assert sum(locks) <= 100
    assert {scan for scan in scans(plan) if "Index Scan" in scan} <= set(BY_KEY)


@pytest.mark.parametrize("mode", MODES)
async def test_single_tickets_are_found_by_their_ids(sessions: Sessions, fill: Fill, mode: str) -> None:
    await fill(WHEN["all are due"])
    plan = await plan_of(sessions, mode, "text[]", claims.OF_TICKETS, "'{tkt_1,tkt_2,tkt_3}'")
    assert plan["Actual Rows"] == 3
    assert {index for _, index in scans(plan) if "tickets" in index} == {"ix_tickets_id"}


async def test_the_next_instant_is_one_probe(sessions: Sessions, fill: Fill, engine: AsyncEngine) -> None:
    await fill(WHEN["none is due"])
    async with counting(engine) as sent:
        await next_wake(sessions)
    [(statement, parameters)] = sent
    plan = await explain(sessions, statement, *parameters)
    assert [index for _, index in scans(plan)] == ["ix_tickets_wakes"]
    assert looked_at(plan, "tickets") <= 1


@pytest.mark.parametrize("when", WHEN)
async def test_the_next_instant_beside_a_storm_reads_nothing_that_is_due(
    sessions: Sessions, fill: Fill, when: str
) -> None:
    heavy = await fill(WHEN[when])
    plan = await explain(sessions, claims.NEXT_WITHOUT, [heavy], [])
    assert scans(plan) == [("Index Only Scan", "ix_tickets_wakes")]
    assert read(plan, "Index Only Scan") < 10
