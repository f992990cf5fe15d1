"""Any number of replicas may sweep one database: everything happens once."""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from app.core.db.engine import Sessions
from tests.support.actors import make_account
from tests.support.desk import connected, fetch, now_of, open_at, store_plan
from tests.support.service import serving
from tests.support.sweeping import run_pass
from tests.support.waiting import until

pytestmark = pytest.mark.faults

TICKETS: Final = 60
TOLD: Final = """
SELECT t.id, t.priority, t.sequence, count(*) AS events, max(e.sequence) AS last,
       count(*) FILTER (WHERE e.type = 'escalation.automatic') AS escalations,
       count(*) FILTER (WHERE e.type = 'ticket.priority_changed') AS raises,
       count(*) FILTER (WHERE e.type = 'deadline.missed' AND e.data->>'metric' = 'resolution') AS misses,
       (SELECT count(*) FROM escalations AS x WHERE x.ticket_id = t.id) AS records,
       (SELECT array_agg(d.cycle || ' ' || d.priority || ' ' || d.state ORDER BY d.cycle)
        FROM deadlines AS d WHERE d.ticket_id = t.id AND d.metric = 'resolution') AS cycles
FROM tickets AS t JOIN events AS e ON e.ticket_id = t.id GROUP BY t.account_id, t.id
"""


async def _each_was_escalated_once(sessions: Sessions) -> None:
    told = await fetch(sessions, TOLD)
    assert len(told) == TICKETS
    for one in told:
        assert (one["misses"], one["escalations"], one["raises"], one["records"]) == (1, 1, 1, 1), one
        assert (one["priority"], one["cycles"]) == ("P1", ["1 P2 missed", "2 P1 running"])
        assert one["events"] == one["last"] == one["sequence"]


async def test_w4_a_miss_escalates_once_with_four_replicas_sweeping(sessions: Sessions, database: str) -> None:
    account = await make_account(sessions, await store_plan(sessions, "wati-business-plus"))
    opened = await now_of(sessions) - timedelta(hours=8, seconds=1)
    await open_at(sessions, account.account_id, *[opened] * TICKETS, priority="P2")
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(connected(database, 1)) for _ in range(4)]
        passes = [run_pass(replica, batch=7) for replica in replicas for _ in range(3)]
        swept = await asyncio.gather(*passes)
    assert sum(swept) == TICKETS
    await _each_was_escalated_once(sessions)


async def test_w4_a_miss_escalates_once_with_four_processes_sweeping(
    shared: Sessions, own_database: str, folder: Path, admin_key: str
) -> None:
    account = await make_account(shared, await store_plan(shared, "wati-business-plus"))
    with ExitStack() as stack:
        services = [serving(folder, own_database, admin_key) for _ in range(4)]
        await asyncio.gather(*(asyncio.to_thread(stack.enter_context, service) for service in services))
        opened = await now_of(shared) - timedelta(hours=8) + timedelta(seconds=2)
        await open_at(shared, account.account_id, *[opened] * TICKETS, priority="P2")
        await until(lambda: _all_missed(shared))
        await asyncio.sleep(0.5)
    await _each_was_escalated_once(shared)


async def _all_missed(sessions: Sessions) -> bool:
    (row,) = await fetch(sessions, "SELECT count(*) FROM deadlines WHERE metric = 'resolution' AND state = 'missed'")
    return bool(row["count"] >= TICKETS)
