"""The sweep's statements stay probes of one partial index, however many tickets are open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import Sessions, make_engine
from app.core.db.session import driver, make_sessions, transaction
from app.core.signals import WakeUps
from app.sweep import claims
from app.sweep.batch import BEGIN
from tests.support.actors import make_account
from tests.support.database import new_database
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.explaining import count_rows, counting, explain, looked_at, nodes, root, scans
from tests.support.sweeping import next_wake

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


@dataclass(frozen=True, slots=True)
class Crowd:
    """A database that holds tickets of one account, and nothing else that the sweep could look at."""

    sessions: Sessions
    engine: AsyncEngine
    account_id: str


@asynccontextmanager
async def crowd(url: str, wake_at: str) -> AsyncIterator[Crowd]:
    engine = make_engine(url, pool_size=2)
    sessions = make_sessions(engine, WakeUps())
    account = await make_account(sessions, await store_plan(sessions, "wati-business-plus"))
    await open_at(sessions, account.account_id, await now_of(sessions), priority="P2")
    await fetch(sessions, COPY % wake_at)
    await count_rows(url, "tickets", alone=True)
    yield Crowd(sessions, engine, account.account_id)
    await engine.dispose()


@pytest.fixture(scope="module", params=WHEN)
async def filled(request: pytest.FixtureRequest, server: str, template: str) -> AsyncIterator[Crowd]:
    """One for all tests here, which only read it: a claim takes its locks back."""
    async with new_database(server, template) as url, crowd(url, WHEN[request.param]) as made:
        yield made


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
async def test_a_claim_reads_only_what_is_due(filled: Crowd, mode: str) -> None:
    plan = await plan_of(filled.sessions, mode, "bigint", claims.ALL, "500")
    assert scans(plan) == [("Index Scan", "ix_tickets_wakes")]
    assert read(plan, "Index Scan") <= 500


@pytest.mark.parametrize("mode", MODES)
async def test_a_claim_reads_past_an_account_in_the_index_alone(filled: Crowd, mode: str) -> None:
    heavy = filled.account_id
    types, arguments = "bigint, timestamptz, text[], text[]", f"500, NULL, '{{{heavy}}}', '{{tkt_1,tkt_2}}'"
    plan = await plan_of(filled.sessions, mode, types, claims.WITHOUT, arguments)
    index, key = [scan for scan in scans(plan) if scan[1]]
    assert index == ("Index Only Scan", "ix_tickets_wakes")
    assert key in BY_KEY
    since = await plan_of(filled.sessions, mode, types, claims.WITHOUT, arguments.replace("NULL", "now()"))
    assert read(since, "Index Only Scan") < 10


@pytest.mark.parametrize("mode", MODES)
async def test_a_claim_of_one_account_locks_no_more_than_it_takes(filled: Crowd, mode: str) -> None:
    arguments = f"100, '{filled.account_id}', '{{}}'"
    plan = await plan_of(filled.sessions, mode, "bigint, text, text[]", claims.OF_ACCOUNT, arguments)
    assert read(plan, "Index Only Scan") <= 400
    locks = [node["Actual Loops"] for node in nodes(plan) if node["Node Type"] == "LockRows"]
    assert sum(locks) <= 100
    assert {scan for scan in scans(plan) if "Index Scan" in scan} <= set(BY_KEY)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("filled", ["all are due"], indirect=True)
async def test_single_tickets_are_found_by_their_ids(filled: Crowd, mode: str) -> None:
    plan = await plan_of(filled.sessions, mode, "text[]", claims.OF_TICKETS, "'{tkt_1,tkt_2,tkt_3}'")
    assert plan["Actual Rows"] == 3
    assert {index for _, index in scans(plan) if "tickets" in index} == {"ix_tickets_id"}


@pytest.mark.parametrize("filled", ["none is due"], indirect=True)
async def test_the_next_instant_is_one_probe(filled: Crowd) -> None:
    async with counting(filled.engine) as sent:
        await next_wake(filled.sessions)
    [(statement, parameters)] = sent
    plan = await explain(filled.sessions, statement, *parameters)
    assert [index for _, index in scans(plan)] == ["ix_tickets_wakes"]
    assert looked_at(plan, "tickets") <= 1


async def test_the_next_instant_beside_a_storm_reads_nothing_that_is_due(filled: Crowd) -> None:
    plan = await explain(filled.sessions, claims.NEXT_WITHOUT, [filled.account_id], [])
    assert scans(plan) == [("Index Only Scan", "ix_tickets_wakes")]
    assert read(plan, "Index Only Scan") < 10
