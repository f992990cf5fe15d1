"""Globs become lists of event types when they are written, and events find their endpoints by an index."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.statements.bulk import to_json
from app.core.state import State
from app.events.types import EVENT_TYPES
from app.webhooks.outbox import subscriptions
from app.webhooks.outbox.fanout import fanned_out
from app.webhooks.outbox.subscriptions import refresh_subscriptions
from app.webhooks.rules import patterns
from tests.support import making
from tests.support.actors import Headers, make_account, make_key, make_plan
from tests.support.desk import fetch
from tests.support.explaining import count_rows, explain, nodes
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, event_row

URL = "https://example.com/hook"


async def subscribed(sessions: Sessions, endpoint_id: str) -> list[str]:
    rows = await fetch(
        sessions, "SELECT type FROM webhook_subscriptions WHERE endpoint_id = $1 ORDER BY type", endpoint_id
    )
    return [row["type"] for row in rows]


async def make(client: httpx.AsyncClient, headers: Headers, **fields: Any) -> dict[str, Any]:
    endpoint: dict[str, Any] = await making.made(client, "webhooks", headers, **{"url": URL} | fields)
    return endpoint


async def test_an_endpoint_is_subscribed_for_as_long_as_its_globs_say(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions
) -> None:
    made = await make(client, admin, events=["deadline.met*"])
    assert await subscribed(sessions, made["id"]) == ["deadline.met", "deadline.met_late"]
    path = f"/v1/webhooks/{made['id']}"
    changed = await client.patch(path, json={"events": ["call.ready"]}, headers=admin)
    assert changed.json()["events"] == ["call.ready"]
    assert await subscribed(sessions, made["id"]) == ["call.ready"]
    await client.delete(path, headers=admin)
    assert await subscribed(sessions, made["id"]) == []


async def test_a_glob_that_matches_no_type_is_refused_and_the_nearest_named(
    client: httpx.AsyncClient, admin: Headers
) -> None:
    refused = await client.post("/v1/webhooks", json={"url": URL, "events": ["*", "ticket.opend"]}, headers=admin)
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert fault["pointer"] == "/events/1"
    assert "ticket.opened" in fault["hint"]
    refused = await client.get("/v1/events", params={"types": ["call.*", "cal.*"]}, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/query/types/1")


async def test_a_stored_glob_that_matches_nothing_stays_and_matches_nothing(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoint = await make_endpoint(URL, events=["no.such.*"])
    path = f"/v1/webhooks/{endpoint.id}"
    moved = await client.patch(path, json={"url": f"{URL}/2"}, headers=admin)
    assert (moved.status_code, moved.json()["events"]) == (200, ["no.such.*"])
    await tell()
    assert await deliveries(sessions) == []
    more = await client.patch(path, json={"events": ["no.such.*", "nor.this"]}, headers=admin)
    assert [fault["pointer"] for fault in more.json()["errors"]] == ["/events/1"]
    again = {"since": (wall_now() - timedelta(hours=1)).isoformat()}
    assert (await client.post(f"{path}/replay", json=again, headers=admin)).json()["events"] == 0


async def test_what_another_version_wrote_is_subscribed_to_at_the_next_start(
    sessions: Sessions, make_endpoint: MakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Endpoints of a version without subscriptions, globs that it changed, and types that this one adds."""
    first, second = await make_endpoint(URL, events=["call.ready"]), await make_endpoint(URL, events=["change.*"])
    monkeypatch.setattr(subscriptions, "_BATCH", 1)
    assert await refresh_subscriptions(sessions) == 0, "all are as this version makes them"
    await fetch(sessions, "DELETE FROM webhook_subscriptions")
    await fetch(sessions, "UPDATE webhook_endpoints SET subscribed = NULL")
    assert await refresh_subscriptions(sessions) == 2
    assert await subscribed(sessions, first.id) == ["call.ready"]
    await fetch(sessions, "UPDATE webhook_endpoints SET events = '[\"call.ended\"]' WHERE id = $1", first.id)
    assert await refresh_subscriptions(sessions) == 1
    assert await subscribed(sessions, first.id) == ["call.ended"]
    assert await subscribed(sessions, second.id) == []
    monkeypatch.setattr(patterns.types_of, "__defaults__", (["call.ended", "change.opened"],))
    monkeypatch.setattr(subscriptions, "_CATALOGUE", "that of another version")
    assert await refresh_subscriptions(sessions) == 2
    assert await subscribed(sessions, second.id) == ["change.opened"]


MANY = """
WITH made AS (
    INSERT INTO webhook_endpoints (id, account_id, url, events, secrets, created_at, updated_at)
    SELECT 'wh_' || n, 'acc_' || n / 10, 'https://example.com', '["*"]', '[]', now(), now()
    FROM generate_series(1, 9000) AS n RETURNING id, account_id
)
INSERT INTO webhook_subscriptions SELECT account_id, type, id FROM made, unnest($1::text[]) AS type
"""


async def test_an_event_finds_its_endpoints_by_account_and_type(sessions: Sessions, database: str) -> None:
    await fetch(sessions, MANY, list(EVENT_TYPES))
    await count_rows(database, "webhook_subscriptions", "webhook_endpoints")
    writing = fanned_out([event_row(account_id="acc_7"), event_row("call.ready", account_id="acc_8")])
    plan = await explain(sessions, writing.sql, to_json(writing.rows))
    (found,) = [node for node in nodes(plan) if node.get("Index Name") == "pk_webhook_subscriptions"]
    assert "account_id" in found["Index Cond"]
    assert "type" in found["Index Cond"]
    assert 20 <= found["Actual Rows"] * found["Actual Loops"] < 1_000  # of 9,000; dead rows are named too
    read = [node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"]
    assert "webhook_subscriptions" not in read


async def test_an_account_has_no_more_endpoints_than_its_quota(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await make_account(sessions, await make_plan(sessions, "gold"))
    other = await make_account(sessions, account.plan, name="Another")
    owner = await make_key(sessions, account_id=account.account_id, role="owner")
    monkeypatch.setattr(state.settings, "max_endpoints", 2)
    (first, _) = [await make(client, owner) for _ in "ab"]
    refused = await client.post("/v1/webhooks", json={"url": URL}, headers=owner)
    assert refused.status_code == 409
    problem = refused.json()
    assert {name: problem[name] for name in ("type", "quota", "value", "used")} == {
        "type": "/problems/quota-exceeded",
        "quota": "endpoints",
        "value": 2,
        "used": 2,
    }
    await make(client, admin, account_id=other.account_id)
    for _ in "ab":
        await make(client, admin)
    assert (await client.post("/v1/webhooks", json={"url": URL}, headers=admin)).status_code == 409, "operators too"
    await client.delete(f"/v1/webhooks/{first['id']}", headers=owner)
    await make(client, owner)
