from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from app.core.db.engine import Sessions
from app.core.metrics import Metrics
from app.core.state import State
from app.measures.sampling import _BEGIN, MOST, OPEN, WAITING, Sampler
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.explaining import count_rows, looked_at, nodes, root, scans
from tests.support.sweeping import sweeper_of

COPY = """
INSERT INTO tickets SELECT copy.* FROM tickets AS t, generate_series(1, 20000) AS n,
    jsonb_populate_record(t, jsonb_build_object(
        'id', 'tkt_' || n, 'number', n, 'wake_at', now() + (n - 15000) * interval '1 second', 'sandbox', n % 10 = 0,
        'status', CASE n % 2 WHEN 0 THEN 'closed' ELSE 'open' END)) AS copy
"""


def shown(metrics: Metrics, name: str, labels: Mapping[str, str] | None = None) -> float | None:
    return metrics.registry.get_sample_value(f"heliodesk_{name}", dict(labels or {}))


@pytest.fixture
async def account_id(sessions: Sessions) -> str:
    return (await make_account(sessions, await store_plan(sessions, "wati-business-plus"))).account_id


async def test_what_is_due_and_not_swept_is_measured(sessions: Sessions, state: State, account_id: str) -> None:
    metrics = Metrics()
    sampler = Sampler(sessions, state.feed, metrics)
    await sampler.run_pass()
    assert [shown(metrics, name) for name in ("due_backlog_tickets", "due_lag_seconds")] == [0, 0]
    await open_at(sessions, account_id, *[await now_of(sessions)] * 3, priority="P2")
    await fetch(sessions, "UPDATE tickets SET wake_at = clock_timestamp() - interval '90 seconds'")
    await sampler.run_pass()
    assert shown(metrics, "due_backlog_tickets") == 3
    assert 90 <= (shown(metrics, "due_lag_seconds") or 0) < 150
    assert (shown(metrics, "sampled_timestamp_seconds") or 0) > 0


async def test_what_waits_is_measured_and_what_a_sandbox_holds_is_not(
    sessions: Sessions, state: State, account_id: str
) -> None:
    metrics = Metrics()
    await open_at(sessions, account_id, *[await now_of(sessions)] * 3, priority="P1")
    await fetch(sessions, "UPDATE tickets SET queued_at = clock_timestamp() - interval '70 seconds'")
    await fetch(sessions, "UPDATE tickets SET sandbox = true WHERE id = (SELECT min(id) FROM tickets)")
    await fetch(
        sessions,
        "INSERT INTO deliveries (account_id, id, endpoint_id, event_id, state) SELECT $1, 'dlv_' || n, 'wh_1', 'evt', s"
        " FROM generate_series(1, 2) AS n, unnest('{pending,delivered}'::text[]) AS s WHERE n = 1 OR s = 'pending'"
        " ON CONFLICT DO NOTHING",
        account_id,
    )
    await fetch(
        sessions,
        "INSERT INTO receipts (account_id, id, hook_id, format, headers, body, size, received_at)"
        " VALUES ($1, 'rcp_1', 'hok_1', 'generic', '{}', '', 0, clock_timestamp() - interval '70 seconds')",
        account_id,
    )
    await fetch(
        sessions,
        "INSERT INTO report_recounts (account_id, ticket_id, since, due_at, failures, error)"
        " SELECT $1, 'tkt_' || n, clock_timestamp(), clock_timestamp(), n, 'KeyError' FROM generate_series(2, 4) AS n",
        account_id,
    )
    await Sampler(sessions, state.feed, metrics).run_pass()
    assert shown(metrics, "unstaffed_tickets") == 2
    assert shown(metrics, "reports_left_out_tickets") == 2
    assert shown(metrics, "deliveries_waiting") == 2
    assert shown(metrics, "receipts_waiting") == 1
    assert shown(metrics, "feed_held_seconds") == 0
    assert 0 < (shown(metrics, "reports_behind_seconds") or 0) < 60
    for name in ("unstaffed_oldest_seconds", "receipts_oldest_seconds"):
        assert 70 <= (shown(metrics, name) or 0) < 130


@pytest.mark.parametrize("routing", [{"tier": 2, "reason": "unstaffed"}, {"tier": None, "reason": "owner_held"}])
async def test_ordinary_work_that_waits_for_somebody_wakes_nobody(
    sessions: Sessions, state: State, account_id: str, routing: dict[str, Any]
) -> None:
    metrics = Metrics()
    await open_at(sessions, account_id, *[await now_of(sessions)] * 2, priority="P2")
    await fetch(sessions, 'UPDATE tickets SET queued_at = clock_timestamp(), routing = \'{"reason": "unstaffed"}\'')
    ordinary = "UPDATE tickets SET routing = $1::text::jsonb WHERE id = (SELECT min(id) FROM tickets)"
    await fetch(sessions, ordinary, orjson.dumps(routing).decode())
    await Sampler(sessions, state.feed, metrics).run_pass()
    assert shown(metrics, "unstaffed_tickets") == 1


async def test_open_tickets_are_counted_in_rounds(sessions: Sessions, state: State, account_id: str) -> None:
    metrics, now = Metrics(), await now_of(sessions)
    await open_at(sessions, account_id, *[now - timedelta(minutes=n // 2) for n in range(4)], priority="P2")
    await open_at(sessions, account_id, now, priority="P3")
    sampler = Sampler(sessions, state.feed, metrics, page=2)
    for _ in range(2):
        await sampler.run_pass()
        assert shown(metrics, "open_tickets", {"priority": "P2"}) is None
    await sampler.run_pass()
    assert [shown(metrics, "open_tickets", {"priority": each}) for each in ("P2", "P3")] == [4, 1]
    await fetch(sessions, "UPDATE tickets SET status = 'closed' WHERE priority = 'P3'")
    for _ in range(3):
        await sampler.run_pass()
    assert [shown(metrics, "open_tickets", {"priority": each}) for each in ("P2", "P3")] == [4, None]


async def _plan(connection: "asyncpg.Connection[Any]", statement: str, *arguments: Any) -> dict[str, Any]:
    return root(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments))


async def test_a_sample_reads_only_as_much_as_it_may(sessions: Sessions, account_id: str, database: str) -> None:
    await open_at(sessions, account_id, await now_of(sessions), priority="P2")
    await fetch(sessions, COPY)
    await count_rows(database, "tickets")
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        await connection.execute(_BEGIN)
        waiting = await _plan(connection, WAITING, 1000)
        begin = await connection.fetchval("SELECT '-infinity'::timestamptz")
        page = await _plan(connection, OPEN, begin, "", 1000)
    await connection.close()
    assert all("Index" in kind for plan in (waiting, page) for kind, _ in scans(plan) if kind not in _INNER)
    assert looked_at(waiting, "tickets") <= 2 * 1000
    assert looked_at(page, "tickets") <= 2 * 1000  # the sandboxes' are passed over
    assert {node.get("Index Name") for node in nodes(page)} >= {"ix_tickets_support_active"}
    assert MOST >= 1000


_INNER = ("CTE Scan", "Subquery Scan", "Function Scan")


async def test_the_sweep_tells_how_late_it_came(sessions: Sessions, account_id: str) -> None:
    await open_at(sessions, account_id, await now_of(sessions) - timedelta(hours=9), priority="P2")
    sweeper = sweeper_of(sessions)
    await fetch(sessions, "UPDATE tickets SET wake_at = clock_timestamp() - interval '2 seconds'")
    await sweeper.run_pass()
    metrics = sweeper.isolation.metrics
    assert shown(metrics, "wake_lag_seconds_count") == 1
    assert 2 <= (shown(metrics, "wake_lag_seconds_sum") or 0) < 60
