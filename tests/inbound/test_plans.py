"""What a hook's statements read does not grow with what it has received."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.inbound.background import processing
from app.inbound.usecases import receive
from tests.inbound.conftest import Desk
from tests.support.desk import fetch
from tests.support.explaining import count_rows, counting, explain, nodes

RECEIPTS = """
INSERT INTO receipts (account_id, id, hook_id, format, headers, body, size, state, received_at)
SELECT $1, 'rcp_' || md5(n::text), CASE WHEN n % 2 = 0 THEN $2 ELSE 'hook_other' END, 'generic', '{}', '{}', 2,
       CASE WHEN n > 19600 THEN 'pending' ELSE 'processed' END, now() - (20000 - n) * interval '1 s'
FROM generate_series(1, 20000) AS n
"""
WAITING = 200


@pytest.fixture
async def full(desk: Desk, database: str) -> Desk:
    """A desk whose hook has received much, of which some waits."""
    await fetch(desk.sessions, RECEIPTS, desk.account_id, desk.hook["id"])
    await count_rows(database, "receipts")
    return desk


async def read_of_receipts(desk: Desk, statement: str, *parameters: Any) -> set[str]:
    """The indexes of ``receipts`` that a statement reads: it looks at no more of them than what waits."""
    plan = await explain(desk.sessions, statement, *parameters)
    read = [node for node in nodes(plan) if node.get("Relation Name") == "receipts"]
    assert all(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) <= 2 * WAITING for node in read)
    return {node["Index Name"] for node in read}


async def test_the_door_counts_what_waits_and_nothing_else(full: Desk) -> None:
    indexes = await read_of_receipts(full, receive._OPEN, full.hook["id"], b"", 1000, 10_000)
    assert indexes <= {"ix_receipts_turn", "ix_receipts_waiting"}


async def test_whose_turn_it_is_looks_at_what_waits_alone(full: Desk) -> None:
    indexes = await read_of_receipts(full, processing._NEXT, full.account_id, full.hook["id"], None)
    assert indexes <= {"ix_receipts_turn", "ix_receipts_waiting"}


async def test_what_waits_longest_is_one_probe(full: Desk) -> None:
    assert await read_of_receipts(full, processing._FIRST, [], []) == {"ix_receipts_waiting"}


async def test_a_page_of_receipts_reads_no_payload(full: Desk, engine: AsyncEngine) -> None:
    async with counting(engine) as sent:
        assert len(await full.receipts()) == WAITING
    (page,) = [one for one in sent if "FROM receipts" in str(one)]
    assert "receipts.body" not in str(page)
