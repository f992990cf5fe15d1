"""Guests: visitors for whom nobody vouches. They open tickets, follow those, and cause nobody any trouble."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.limits.callers import GuestQuota
from app.core.state import State
from app.digests.contents import digest_of
from app.digests.weeks import Managed
from app.tickets.schemas import NewTicket
from app.tickets.usecases.people.guests import FOR_KNOWN
from tests.support.actors import Headers, make_account, make_key
from tests.support.desk import fetch, now_of, store_plan
from tests.support.identities import ORIGIN
from tests.support.sweeping import run_pass
from tests.support.tickets import TICKET
from tests.support.waiting import PATIENCE
from tests.visitors.conftest import KEYS, P1, TEXTS, Page

REQUESTER = {"name": "Eva", "email": "eva@example.com"}
TROUBLED = """
SELECT ticket_id FROM calls UNION SELECT ticket_id FROM alerts
UNION SELECT e.ticket_id FROM notices AS n JOIN events AS e ON e.id = n.event_id
"""
"""The tickets for which somebody was called, alerted or notified."""


def follower(page: Page, opened: Any) -> Headers:
    return page.guest | {"Heliodesk-Identity": opened["access"]["token"]}


OF_GUESTS = {
    *("title", "description", "product", "environment", "impact", "urgency", "business_impact", "priority_reason"),
    *("account_id", "requester", "channel", "priority", "actor"),
}


def test_of_each_member_of_a_new_ticket_it_is_decided_whether_guests_send_it() -> None:
    assert {*OF_GUESTS, *FOR_KNOWN} == set(NewTicket.model_fields)
    assert OF_GUESTS.isdisjoint(FOR_KNOWN)


async def test_a_guest_opens_a_ticket_and_follows_it(page: Page) -> None:
    opened = await page.open(page.guest, channel="phone")
    assert (opened["channel"], opened["unconfirmed"]) == ("widget", True)
    path, headers = f"/v1/tickets/{opened['id']}", follower(page, opened)
    for part in ("", "/messages", "/timeline", "/deadlines", "/call", "/escalations"):
        await page.get(path + part, headers)
    written = await page.post(f"{path}/messages", headers, 201, body="It is urgent")
    assert written["author"] == {"kind": "customer", "name": "Ana Silva"}
    answer = await page.post(f"{path}/messages", page.admin, 201, body="We look")
    shown = await page.get(f"{path}/messages", headers)
    assert [each["id"] for each in shown["items"]] == [written["id"], answer["id"]]
    alone = {"Authorization": f"Bearer {opened['access']['token']}"}
    assert (await page.get(path, alone))["id"] == opened["id"]


async def test_a_guest_sees_nothing_else(page: Page) -> None:
    theirs = await page.post("/v1/tickets", page.owner, 201, **TICKET)
    one, two = await page.open(page.guest), await page.open(page.guest)
    for headers, status in ((page.guest, 403), (follower(page, one), 404)):
        await page.get("/v1/tickets", headers, 403)
        await page.get("/v1/accounts", headers, 403)
        for ticket in (theirs, two):
            await page.get(f"/v1/tickets/{ticket['id']}", headers, status)
            await page.post(f"/v1/tickets/{ticket['id']}/messages", headers, status, body="x")
    await page.post("/v1/tickets", follower(page, one), 403, **TICKET)
    await page.get(f"/v1/events?ticket_id={two['id']}", follower(page, one), 404)
    told = (await page.get("/v1/events?types=ticket.opened", follower(page, one)))["items"]
    assert [event["ticket_id"] for event in told] == [one["id"]]


@pytest.fixture
async def premium(page: Page, sessions: Sessions, expert: str) -> Page:
    """The page of an account whose P1s get an expert and a call at once."""
    assert expert
    account = (await make_account(sessions, "google-premium")).account_id
    key = await make_key(sessions, "widget", account_id=account, allowed_origins=[ORIGIN], jwt_keys=KEYS)
    return replace(page, account=account, key=key)


async def troubled(sessions: Sessions) -> set[str]:
    return {row["ticket_id"] for row in await fetch(sessions, TROUBLED)}


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [(P1, "P1"), ({"impact": "large", "urgency": "high"}, None), ({}, None)],
    ids=["priority", "matrix", "nothing"],
)
async def test_what_a_guest_asks_for_alerts_nobody(
    premium: Page, sessions: Sessions, asked: dict[str, str], recorded: str | None
) -> None:
    opened = await premium.open(premium.guest, **asked)
    assert (opened["priority_source"], opened["requested_priority"]) == ("default", recorded)
    assert opened["priority"] != "P1"
    assert (opened["call"], opened["assignee"]) == (None, None)
    assert await troubled(sessions) == set()
    headers = follower(premium, opened)
    path = f"/v1/tickets/{opened['id']}"
    await premium.post(f"{path}/priority", headers, 403, priority="P1", reason="now", business_impact="all")
    await premium.post(f"{path}/escalations", headers, 403, reason="business_impact", justification="now")
    await premium.post(f"{path}/call/join", headers, 403, participant="customer")
    await premium.call("PATCH", path, headers, 403, json={"impact": "large"})
    by_support: dict[str, Any] = {"priority": "P1", "reason": "It is true", "business_impact": "All"}
    raised = await premium.post(f"{path}/priority", premium.admin, **by_support)
    assert not raised["unconfirmed"]
    assert (raised["call"]["state"], raised["routing"]["state"]) == ("requested", "alerted")
    assert await troubled(sessions) == {opened["id"]}


async def test_a_guest_alerts_nobody_where_every_ticket_is_urgent(premium: Page, sessions: Sessions) -> None:
    plan = await store_plan(sessions, "google-premium", default_priority="P1")
    await premium.call("PATCH", f"/v1/accounts/{premium.account}", premium.admin, json={"plan": plan})
    opened = await premium.open(premium.guest, **P1)
    assert (opened["priority"], opened["call"], opened["assignee"]) == ("P1", None, None)
    path = f"/v1/tickets/{opened['id']}"
    await premium.call("POST", f"{path}/messages", follower(premium, opened), 201, json={"body": "Hello?"})
    await fetch(sessions, "UPDATE tickets SET wake_at = now() RETURNING 1")
    await run_pass(sessions)
    assert await troubled(sessions) == set()
    await premium.call("POST", f"{path}/messages", premium.admin, 201, json={"body": "We look"})
    assert (await premium.get(path, premium.admin))["routing"]["state"] == "alerted"


async def test_an_owner_vouches_for_what_a_guest_opened(premium: Page, sessions: Sessions) -> None:
    owner = await make_key(sessions, account_id=premium.account, role="owner")
    opened = await premium.open(premium.guest)
    path = f"/v1/tickets/{opened['id']}/priority"
    body = {"priority": "P1", "reason": "It is true", "business_impact": "All"}
    raised = await premium.call("POST", path, owner, json=body)
    assert (raised["unconfirmed"], raised["priority"]) == (False, "P1")
    assert await troubled(sessions) == {opened["id"]}


async def test_a_missed_promise_to_a_guest_alerts_nobody_either(page: Page, sessions: Sessions, expert: str) -> None:
    manager = {"manager": {"name": "Mia", "email": "mia@example.com"}}
    await page.call("PATCH", f"/v1/accounts/{page.account}", page.admin, json=manager)
    opened, known = await page.open(page.guest), await page.post("/v1/tickets", page.owner, 201, **TICKET)
    long_ago = "UPDATE deadlines SET due_at = due_at - interval '90 days', started_at = started_at - interval '90 days'"
    await fetch(sessions, f"{long_ago} RETURNING 1")
    await fetch(sessions, "UPDATE tickets SET wake_at = now() RETURNING 1")
    for _ in range(4):
        await run_pass(sessions)
    for ticket in (opened, known):
        found = await page.get(f"/v1/tickets/{ticket['id']}", page.admin)
        assert found["deadlines"][0]["state"] == "missed"
    assert await troubled(sessions) == {known["id"]}
    assert expert


async def test_what_support_puts_away_counts_for_nothing(page: Page, sessions: Sessions) -> None:
    """Whoever opens tickets as a guest does not spoil what the account is told of how its promises were kept."""
    tam = {"tam": {"name": "Tom Berg", "email": "tom@example.com"}}
    await page.call("PATCH", f"/v1/accounts/{page.account}", page.admin, json=tam)
    spam, left, taken = [await page.open(page.guest) for _ in "abc"]
    await fetch(sessions, "UPDATE deadlines SET due_at = due_at - interval '90 days' RETURNING 1")
    await fetch(sessions, "UPDATE tickets SET wake_at = now() RETURNING 1")
    await run_pass(sessions)
    put_away = await page.post(f"/v1/tickets/{spam['id']}/withdraw", page.admin)
    assert (put_away["status"], put_away["unconfirmed"]) == ("closed", True)
    told = (await page.get(f"/v1/tickets/{left['id']}/timeline", page.admin))["items"]
    assert {event["data"]["unconfirmed"] for event in told if event["type"] == "deadline.missed"} == {True}
    await page.post(f"/v1/tickets/{taken['id']}/messages", page.admin, 201, body="We are sorry")
    account = Managed(page.account, "A", "UTC", "en", tam["tam"])
    async with transaction(sessions) as session:
        found = await digest_of(session, account, await database_now(session))
    assert found
    assert (found.open, found.unconfirmed) == (1, 1)
    assert {each.ticket_id for each in found.tickets_missed} == {taken["id"]}


async def test_a_repeated_request_gives_the_same_ticket_and_what_opens_it(page: Page) -> None:
    once = {"Idempotency-Key": str(uuid4())}
    first = await page.open(page.guest | once)
    again = await page.open(page.guest | once)
    assert again == first
    await page.get(f"/v1/tickets/{again['id']}", follower(page, again))
    own = await page.post("/v1/tickets", page.owner | once, 201, **TICKET)
    assert own["id"] != first["id"]


async def test_what_a_guest_repeats_a_request_by_cannot_be_guessed(page: Page) -> None:
    """Whoever guesses it gets what opens the ticket."""
    for guessed in ("1", "order-1842-opened", "x" * 31):
        refused = await page.post("/v1/tickets", page.guest | {"Idempotency-Key": guessed}, 422, **TICKET)
        assert [fault["pointer"] for fault in refused["errors"]] == ["#/header/idempotency-key"]
    one = page.person("one@example.com") | {"Idempotency-Key": "1"}
    await page.post("/v1/tickets", one, 201, **TEXTS)


@pytest.mark.parametrize(
    "given",
    [
        {"region_lock": "emea"},
        {"external_ref": "INC-1"},
        {"tags": ["vip"]},
        {"custom": {"tenant": "acme"}},
        {"call_link": "https://meet.example.com/a"},
    ],
    ids=lambda given: next(iter(given)),
)
async def test_a_guest_says_what_a_form_asks_and_no_more(page: Page, expert: str, given: dict[str, Any]) -> None:
    assert expert
    refused = await page.post("/v1/tickets", page.guest, 403, **TICKET, **given)
    assert next(iter(given)) in refused["detail"]
    await page.post("/v1/tickets", page.person("one@example.com"), 201, **TEXTS, **given)


async def test_a_tickets_key_ends_and_is_stored_hashed(page: Page, sessions: Sessions) -> None:
    opened = await page.open(page.guest)
    secret = opened["access"]["token"]
    assert secret.startswith("hd_ticket_")
    stored = await fetch(sessions, "SELECT to_jsonb(k)::text AS row FROM api_keys AS k WHERE kind = 'ticket'")
    assert secret not in str(stored)
    assert opened["access"]["expires_at"] > (await now_of(sessions) + timedelta(days=29)).isoformat()
    listed = [await page.get("/v1/keys", who) for who in (page.owner, page.admin)]
    assert {key["kind"] for each in listed for key in each["items"]} == {"account", "admin", "widget"}
    await fetch(sessions, "UPDATE api_keys SET expires_at = now() WHERE kind = 'ticket' RETURNING 1")
    refused = await page.get(f"/v1/tickets/{opened['id']}", follower(page, opened), 401)
    assert refused["reason"] == "ticket_token"
    alone = {"Authorization": f"Bearer {secret}"}
    assert (await page.get(f"/v1/tickets/{opened['id']}", alone, 401))["type"] == "/problems/unauthorized"


async def test_another_accounts_widget_does_not_take_it(page: Page, sessions: Sessions) -> None:
    opened = await page.open(page.guest)
    headers = page.of_many | {"Heliodesk-Identity": opened["access"]["token"]}
    assert (await page.get(f"/v1/tickets/{opened['id']}", headers))["id"] == opened["id"]
    await fetch(sessions, "UPDATE api_keys SET account_id = $1 WHERE kind = 'widget' RETURNING 1", page.other)
    assert (await page.get(f"/v1/tickets/{opened['id']}", headers, 401))["reason"] == "ticket_token"


async def _opened_from(page: Page, address: str, email: str) -> httpx.Response:
    transport = httpx.ASGITransport(page.client._transport.app, client=(address, 1))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=PATIENCE) as client:
        body = TICKET | {"requester": REQUESTER | {"email": email}}
        return await client.post("/v1/tickets", json=body, headers=page.guest)


async def test_limits_are_of_an_address_and_of_an_email_and_never_of_the_page(page: Page, state: State) -> None:
    for number in range(state.settings.guest_tickets_per_address):
        answer = await _opened_from(page, "203.0.113.5", f"a{number}@example.com")
        assert answer.status_code == 201, answer.text
    refused = await _opened_from(page, "203.0.113.5", "b@example.com")
    assert (refused.status_code, refused.json()["quota"]) == (429, "guest_tickets_per_address")
    assert int(refused.headers["retry-after"]) > 0
    for number in range(state.settings.guest_tickets_per_email):
        assert (await _opened_from(page, f"203.0.113.{10 + number}", "eva@example.com")).status_code == 201
    refused = await _opened_from(page, "203.0.113.99", "eva@example.com")
    assert (refused.status_code, refused.json()["quota"]) == (429, "guest_tickets_per_email")
    assert (await _opened_from(page, "203.0.113.99", "ina@example.com")).status_code == 201
    await page.post("/v1/tickets", page.owner, 201, **TICKET)


@pytest.mark.parametrize(
    ("addresses", "elsewhere"),
    [
        (["2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1"], "2001:db8:2:1::1"),
        (["203.0.113.1", "203.0.113.2", "203.0.113.3"], "198.51.100.1"),
    ],
)
async def test_whoever_holds_a_network_opens_no_more_from_all_of_its_addresses(
    page: Page, state: State, monkeypatch: pytest.MonkeyPatch, addresses: list[str], elsewhere: str
) -> None:
    few = state.settings.model_copy(update={"guest_tickets_per_network": 2})
    monkeypatch.setattr(state.limits, "guests", GuestQuota(few, state.limits.rates))
    *first, last = addresses
    for number, address in enumerate(first):
        assert (await _opened_from(page, address, f"a{number}@example.com")).status_code == 201
    refused = await _opened_from(page, last, "b@example.com")
    assert (refused.status_code, refused.json()["quota"]) == (429, "guest_tickets_per_network")
    assert (await _opened_from(page, elsewhere, "b@example.com")).status_code == 201


async def test_what_a_guest_changes_is_limited_and_is_not_the_accounts(page: Page, state: State) -> None:
    opened = await page.open(page.guest)
    path, headers = f"/v1/tickets/{opened['id']}", follower(page, opened)
    before = state.limits.tickets.used(page.account)
    for _ in range(3):
        await page.call("POST", f"{path}/status", headers, json={"status": "resolved"})
        await page.post(f"{path}/reopen", headers)
    assert state.limits.tickets.used(page.account) == before
    for _ in range(state.settings.guest_changes_per_address - 6):
        await page.post(f"{path}/messages", headers, 201, body="Hello?")
    refused = await page.post(f"{path}/messages", headers, 429, body="Hello?")
    assert refused["quota"] == "guest_changes_per_address"
    await page.get(path, headers)
