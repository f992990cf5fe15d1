"""A page of a long list reads one index as far as the page goes: nothing is sorted, whatever the number of rows."""

from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Sessions
from tests.support import stories
from tests.support.desk import fetch, make_endpoint
from tests.support.explaining import counting, explain, nodes, scans
from tests.support.stories import Story

TICKETS = """
INSERT INTO tickets SELECT copy.* FROM tickets AS t, generate_series(1, $1) AS n,
    jsonb_populate_record(t, jsonb_build_object('id', 'tkt_' || md5(t.id || n), 'number', n,
        'opened_at', t.opened_at - n * interval '1 minute', 'updated_at', t.opened_at - n * interval '1 second',
        'support_due_at', t.opened_at + n * interval '1 minute')) AS copy
WHERE t.id = $2
"""
MESSAGES = """
INSERT INTO messages SELECT copy.* FROM messages AS m, generate_series(100, 20000) AS n,
    jsonb_populate_record(m, jsonb_build_object('id', 'msg_' || md5(n::text), 'sequence', n)) AS copy
"""

DELIVERIES = """
INSERT INTO deliveries (account_id, id, endpoint_id, event_id, created_at)
SELECT $1, 'dlv_' || md5(n::text), CASE WHEN n % 10 = 0 THEN $2 ELSE 'wh_other' END, 'evt_' || n,
       now() - n * interval '1 s'
FROM generate_series(1, 20000) AS n
"""


@pytest.fixture
async def story(sessions: Sessions, client: httpx.AsyncClient, plans: None, database: str) -> Story:
    """A ticket with many messages, among many tickets of its account and many more of another. Nobody replays them."""
    del plans
    story, other = [await stories.begin(sessions, client, plan) for plan in ("zmanda-standard", "zmanda-premium")]
    ticket = await story.open()
    await fetch(sessions, TICKETS, 2000, ticket["id"])
    await fetch(sessions, TICKETS, 20000, (await other.open())["id"])
    await story.customer.post(f"/v1/tickets/{ticket['id']}/messages", 201, body="Any news?")
    await fetch(sessions, MESSAGES)
    connection = await asyncpg.connect(database)
    await connection.execute("VACUUM ANALYZE tickets, messages")
    await connection.close()
    return story


async def assert_reads(sessions: Sessions, statement: str, parameters: tuple[Any, ...], index: str) -> None:
    plan = await explain(sessions, statement, *parameters)
    assert scans(plan) == [("Index Scan", index)], plan
    assert max(node["Actual Rows"] for node in nodes(plan)) <= 51


@pytest.mark.parametrize(
    ("who", "sort", "index"),
    [
        ("customer", "created", "ix_tickets_opened"),
        ("engineer", "created", "ix_tickets_all_opened"),
        ("customer", "updated", "ix_tickets_updated"),
    ],
)
async def test_a_page_of_tickets(
    story: Story, sessions: Sessions, engine: AsyncEngine, who: str, sort: str, index: str
) -> None:
    caller = getattr(story, who)
    cursor = (await caller.get("/v1/tickets", sort=sort))["next_cursor"]
    for place in ({}, {"cursor": cursor}):
        with counting(engine) as sent:
            await caller.get("/v1/tickets", sort=sort, **place)
        await assert_reads(sessions, *sent[0], index)


async def test_a_page_of_messages(story: Story, sessions: Sessions, engine: AsyncEngine) -> None:
    [ticket] = await fetch(sessions, "SELECT ticket_id FROM messages LIMIT 1")
    path = f"/v1/tickets/{ticket['ticket_id']}/messages"
    cursor = (await story.engineer.get(path))["next_cursor"]
    for place in ({}, {"cursor": cursor}):
        with counting(engine) as sent:
            await story.engineer.get(path, **place)
        await assert_reads(sessions, *sent[1], "ix_messages_account_id_ticket_id_sequence")


async def test_a_page_of_deliveries(story: Story, sessions: Sessions, engine: AsyncEngine) -> None:
    endpoint = await make_endpoint(sessions, "https://hooks.example.com/", "*")
    await fetch(sessions, DELIVERIES, story.account.account_id, endpoint.id)
    await fetch(sessions, "ANALYZE deliveries")
    path = f"/v1/webhooks/{endpoint.id}/deliveries"
    cursor = (await story.product.get(path))["next_cursor"]
    for place in ({}, {"cursor": cursor}):
        with counting(engine) as sent:
            await story.product.get(path, **place)
        await assert_reads(sessions, *sent[1], "ix_deliveries_endpoint_id_created_at_id")
