"""A page of a long list reads an index as far as the page goes, or reaches; for whatever is asked, however planned."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.tickets.read import listing
from app.tickets.wording import pattern
from tests.support import stories
from tests.support.actors import make_key
from tests.support.desk import fetch, make_endpoint
from tests.support.explaining import count_rows, counting, explain, explain_for_any, looked_at, nodes, root, scans
from tests.support.identities import ORIGIN, SECRET, claims, token
from tests.support.stories import TICKET, Caller, Story

MANY: Final = 12_000
BUSY, GONE, NOBODY = (f"eng_0000000000000000000000{name}" for name in ("bvsy", "g0ne", "n0ne"))
# The older ones have the greater n. What is rare is old: a page in the order of the list comes to it last.
TICKETS = """
INSERT INTO tickets SELECT copy.* FROM tickets AS t, generate_series(1, $1) AS n,
    jsonb_populate_record(t, jsonb_build_object('id', 'tkt_' || md5(t.id || n), 'number', n,
        'title', CASE WHEN n % 200 = 7 THEN 'kraken ' ELSE '' END
                 || CASE WHEN n < $1 / 2 THEN 'printer' ELSE 'scanner' END,
        'status', CASE WHEN n % 10 < 2 THEN 'open' ELSE 'closed' END, 'tier', CASE WHEN n > $1 - 20 THEN 3 ELSE 1 END,
        'missed', n > $1 - 30, 'priority', CASE WHEN n > $1 - 10 THEN 'P1' ELSE 'P3' END,
        'assignee_id', CASE WHEN n > $1 - 40 THEN $4::text WHEN n % 2 = 0 THEN $3::text END,
        'external_ref', CASE WHEN n > $1 - 5 THEN 'ORDER-' || n WHEN n % 2 = 0 THEN 'SHOP' END,
        'opened_at', t.opened_at - n * interval '1 minute', 'updated_at', t.opened_at - n * interval '1 second',
        'support_due_at', CASE WHEN n % 10 = 1 THEN t.opened_at + (n - $1 / 2) * interval '1 minute' END)) AS copy
WHERE t.id = $2
"""
TITLES = """
INSERT INTO ticket_titles (account_id, ticket_id, number, folded, opened_at, sandbox)
SELECT account_id, id, number, lower(title), opened_at, sandbox FROM tickets ON CONFLICT DO NOTHING
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
async def story(sessions: Sessions, client: httpx.AsyncClient, database: str, plans: None) -> Story:
    """A ticket with many messages. Nobody replays it."""
    del plans
    story = await stories.begin(sessions, client, "zmanda-standard")
    await story.customer.post(f"/v1/tickets/{(await story.open())['id']}/messages", 201, body="Any news?")
    await fetch(sessions, MESSAGES)
    await count_rows(database, "messages")
    return story


@pytest.fixture
async def crowd(story: Story, sessions: Sessions, client: httpx.AsyncClient, database: str) -> Story:
    """An account with many tickets, beside one with fewer."""
    crowd = await stories.begin(sessions, client, "zmanda-premium")
    for one, number in ((story, 2000), (crowd, MANY)):
        await fetch(sessions, TICKETS, number, (await one.open())["id"], BUSY, GONE)
    await fetch(sessions, TITLES)
    await count_rows(database, "tickets", "ticket_titles")
    return crowd


async def assert_reads(
    sessions: Sessions, statement: str, parameters: tuple[Any, ...], index: str, table: str = "tickets"
) -> None:
    plan = await explain(sessions, statement, *parameters)
    assert [(kind.replace(" Only", ""), used) for kind, used in scans(plan, table)] == [("Index Scan", index)], plan
    assert max(node["Actual Rows"] for node in nodes(plan)) <= 51


async def test_a_page_of_tickets(crowd: Story, sessions: Sessions, engine: AsyncEngine) -> None:
    for who, sort, index in (
        ("customer", "created", "ix_tickets_opened"),
        ("engineer", "created", "ix_tickets_support_opened"),
        ("customer", "updated", "ix_tickets_updated"),
        ("engineer", "updated", "ix_tickets_support_updated"),
        ("customer", "due", "ix_tickets_due"),
        ("engineer", "due", "ix_tickets_support_due"),
    ):
        caller = getattr(crowd, who)
        cursor = (await caller.get("/v1/tickets", sort=sort))["next_cursor"]
        for place in ({}, {"cursor": cursor}):
            async with counting(engine) as sent:
                await caller.get("/v1/tickets", sort=sort, **place)
            await assert_reads(sessions, *sent[0], index)


PAST, FUTURE = (datetime.now(UTC) + sign * timedelta(days=365) for sign in (-1, 1))
ASKED: Final[dict[str, dict[str, Any]]] = {
    "a tier that nothing has": {"tier": 9},
    "a tier that few have": {"tier": 3},
    "a tier that all have": {"tier": 1},
    "what is missed": {"missed": True},
    "what is not": {"missed": False},
    "what is missed, of a tier that nothing has": {"missed": True, "tier": 9},
    "a priority that few have": {"priority": "P1"},
    "a priority that nothing has": {"priority": "P9"},
    "what is open": {"status": "open"},
    "what is closed or resolved": {"status": ["closed", "resolved"]},
    "a status that nothing has": {"status": "mitigated"},
    "what is open, of a priority that nothing has": {"status": ["new", "open"], "priority": "P9"},
    "somebody who has half of all": {"assignee_id": BUSY},
    "somebody who has few": {"assignee_id": GONE},
    "what is open, of somebody": {"assignee_id": BUSY, "status": "open"},
    "somebody who has nothing": {"assignee_id": NOBODY},
    "a reference": {"external_ref": f"ORDER-{MANY - 1}"},
    "a reference that half of all have": {"external_ref": "SHOP"},
    "a reference that half of all have, and a tier that nothing has": {"external_ref": "SHOP", "tier": 9},
    "what is due before all": {"due_before": PAST},
    "what is due before the end": {"due_before": FUTURE},
    "what has changed since never": {"updated_since": FUTURE},
    "what has ever changed": {"updated_since": PAST},
    "a word that few have": {"q": "kraken"},
    "a word that nothing has": {"q": "unicorn"},
    "a word that half of all have, the newest": {"q": "printer"},
    "a word that half of all have, the oldest": {"q": "scanner"},
    "a word that half of all have, of a tier that nothing has": {"q": "scanner", "tier": 9},
    "a number": {"q": "K7M-3QP"},
    "a number, and nothing else": {"number": "k7m3qp"},
    "sandboxes": {"sandbox": True},
    "live ones": {"sandbox": False},
}


@pytest.mark.no_cover
async def test_a_page_looks_at_a_bounded_number_of_tickets(
    crowd: Story, sessions: Sessions, engine: AsyncEngine, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, rows in (("REACH", 400), ("_REACH_BY_TITLE", 400), ("_FEW", 200), ("_BEGINNING", 50)):
        monkeypatch.setattr(listing, name, rows)
    connection = await asyncpg.connect(database)
    planned = set[str]()
    for name, asked in ASKED.items():
        for scope, sort in product(({}, {"account_id": crowd.account.account_id}), ("created", "updated", "due")):
            async with counting(engine) as sent:
                page = await _listed(crowd.engineer, **scope, **asked, sort=sort)
                if page["next_cursor"]:
                    await _listed(crowd.engineer, **scope, **asked, sort=sort, cursor=page["next_cursor"])
            for statement, parameters in sent:
                if statement.startswith(("SET", "SELECT ticket_id")):  # of a search: another test's
                    continue
                plans = [await explain(sessions, statement, *parameters)]
                if statement not in planned:
                    plans.append(await explain_for_any(connection, statement, *parameters))
                planned.add(statement)
                for plan in plans:
                    told = (name, scope, sort, statement, plan)
                    assert ("Seq Scan", "") not in scans(plan, "tickets", "ticket_titles"), told
                    assert looked_at(plan, "tickets", "ticket_titles") <= 3 * 400, told
    await connection.close()


@pytest.mark.usefixtures("crowd")
async def test_a_search_reads_the_titles_that_hold_the_term(database: str) -> None:
    connection = await asyncpg.connect(database)
    account_id = await connection.fetchval("SELECT account_id FROM tickets GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    for own, arguments, hits in (("", [], (MANY + 2000) // 200), ("account_id = $2 AND", [account_id], MANY // 200)):
        for term, expected in (("kraken", hits), ("unicorn", 0), ("the printer", 0), ("printer", listing._FEW + 1)):
            async with connection.transaction():
                await connection.execute(listing._BY_TRIGRAMS)
                statement = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {listing._TITLES.format(own)}"
                plan = root(await connection.fetchval(statement, pattern(term), *arguments))
            assert ("Bitmap Index Scan", "ix_ticket_titles_words") in scans(plan), plan
            assert looked_at(plan, "ticket_titles") == expected, plan
    await connection.close()


async def _listed(caller: Caller, **parameters: Any) -> Any:
    known = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in parameters.items()}
    return await caller.get("/v1/tickets", **known)


async def test_a_page_of_messages(story: Story, sessions: Sessions, engine: AsyncEngine) -> None:
    [ticket] = await fetch(sessions, "SELECT ticket_id FROM messages LIMIT 1")
    path = f"/v1/tickets/{ticket['ticket_id']}/messages"
    cursor = (await story.engineer.get(path))["next_cursor"]
    for place in ({}, {"cursor": cursor}):
        async with counting(engine) as sent:
            await story.engineer.get(path, **place)
        await assert_reads(sessions, *sent[1], "ix_messages_account_id_ticket_id_sequence", "messages")


async def test_a_page_of_deliveries(story: Story, sessions: Sessions, engine: AsyncEngine, database: str) -> None:
    endpoint = await make_endpoint(sessions, "https://hooks.example.com/", "*")
    await fetch(sessions, DELIVERIES, story.account.account_id, endpoint.id)
    await count_rows(database, "deliveries")
    path = f"/v1/webhooks/{endpoint.id}/deliveries"
    cursor = (await story.product.get(path))["next_cursor"]
    for place in ({}, {"cursor": cursor}):
        async with counting(engine) as sent:
            await story.product.get(path, **place)
        await assert_reads(sessions, *sent[1], "ix_deliveries_endpoint_id_created_at_id", "deliveries")


@pytest.mark.no_cover
async def test_a_visitors_own_tickets_are_found_by_their_marks(
    crowd: Story, sessions: Sessions, engine: AsyncEngine, client: httpx.AsyncClient, database: str
) -> None:
    keys = [{"kid": "k1", "alg": "HS256", "key": SECRET}]
    widget = {"account_id": crowd.account.account_id, "allowed_origins": [ORIGIN], "jwt_keys": keys}
    headers = await make_key(sessions, "widget", **widget) | {"Heliodesk-Identity": token(claims(wall_now()))}
    opened = await client.post("/v1/tickets", json=TICKET, headers=headers)
    own = "SELECT visitor_marks FROM tickets WHERE id = $1"
    some = "SELECT id FROM tickets WHERE account_id = $2 AND id <> $1 ORDER BY opened_at LIMIT 20"
    marked = f"UPDATE tickets SET visitor_marks = ({own}) WHERE id IN ({some}) RETURNING 1"  # noqa: S608
    assert len(await fetch(sessions, marked, opened.json()["id"], crowd.account.account_id)) == 20
    await count_rows(database, "tickets")
    for asked in ({}, {"sort": "due"}, {"sort": "updated"}):
        async with counting(engine) as sent:
            answer = await client.get("/v1/tickets", headers=headers, params=asked)
        assert len(answer.json()["items"]) == 21
        statement, parameters = sent[-1]
        plan = await explain(sessions, statement, *parameters)
        assert "ix_tickets_visitors" in {node.get("Index Name") for node in nodes(plan)}
        assert max(node["Actual Rows"] for node in nodes(plan)) <= 21
