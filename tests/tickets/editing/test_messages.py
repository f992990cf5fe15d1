"""Messages: who may write what, in whose name, and what they start and stop."""

import re
from typing import Any, Final

import pytest
from sqlalchemy import select

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.ids import new_id
from app.events.models import EventRow
from app.webhooks.models import DeliveryRow, WebhookEndpointRow
from app.webhooks.outbox.subscriptions import subscribe
from tests.support.actors import make_key, make_person
from tests.support.stories import Begin, Story, deadline, path_of, pointers


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium")


@pytest.fixture
async def path(story: Story) -> str:
    return path_of(await story.open(priority="P2"))


async def test_the_first_engineer_message_opens_the_ticket_and_meets_the_first_response(
    story: Story, path: str
) -> None:
    message = await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    assert message["author"] == {"kind": "engineer", "id": story.engineer_id, "name": "Noor Haddad"}
    ticket = await story.customer.get(path)
    assert (ticket["status"], ticket["version"]) == ("open", 2)
    response = deadline(ticket, "first_response")
    assert (response["state"], response["stopped_by"], response["ended_at"]) == (
        "met",
        "engineer",
        message["created_at"],
    )
    assert deadline(ticket, "update")["state"] == "running"
    assert ticket["next_update_due_at"] == deadline(ticket, "update")["due_at"]
    [changed] = await story.events(path, "ticket.status_changed")
    assert (changed["data"]["from"], changed["data"]["to"], changed["actor"]["kind"]) == ("new", "open", "engineer")


@pytest.mark.parametrize(
    "body",
    [{"visibility": "internal"}, {"author": {"kind": "customer"}}, {"author": {"kind": "automation", "name": "Bot"}}],
)
async def test_nothing_else_answers(story: Story, path: str, body: dict[str, Any]) -> None:
    for caller in (story.engineer, story.product):
        await caller.post(f"{path}/messages", 201, body="For the record", **body)
    ticket = await story.customer.get(path)
    assert (ticket["status"], deadline(ticket, "first_response")["state"]) == ("new", "running")


async def test_the_note_of_a_call_answers_and_is_public(story: Story, path: str) -> None:
    note = {"body": "Called Ana, she retries.", "channel": "phone"}
    assert (await story.engineer.post(f"{path}/messages", 201, **note))["channel"] == "phone"
    assert deadline(await story.customer.get(path), "first_response")["state"] == "met"
    await story.engineer.post(f"{path}/messages", 422, **note, visibility="internal")


async def test_each_answer_restarts_the_updates(story: Story, path: str) -> None:
    for _ in range(2):
        await story.engineer.post(f"{path}/messages", 201, body="Still looking.")
    ticket = await story.customer.get(path)
    assert [deadline(ticket, "update", cycle)["state"] for cycle in (1, 2)] == ["met", "running"]


# --- authors ---------------------------------------------------------------------------------------------------


async def test_only_an_engineers_own_key_writes_as_an_engineer(story: Story, path: str) -> None:
    stated = {"kind": "engineer", "engineer_id": story.engineer_id}
    for caller in (story.product, story.customer):
        await caller.post(f"{path}/messages", 403, body="I am Noor", author=stated)
        await caller.post(f"{path}/messages", 403, body="I am somebody", author={"kind": "engineer"})
    await story.engineer.post(f"{path}/messages", 403, body="Not me", author=stated | {"engineer_id": new_id("eng")})
    message = await story.engineer.post(f"{path}/messages", 201, body="Me", author=stated)
    assert message["author"]["id"] == story.engineer_id


async def test_an_internal_product_writes_as_automation_or_passes_a_customers_words_on(story: Story, path: str) -> None:
    plain = await story.product.post(f"{path}/messages", 201, body="Disk is full")
    assert plain["author"]["kind"] == "automation"
    ana = {"kind": "customer", "name": "Ana Silva", "email": "ana@solar-roofs.example"}
    assert (await story.product.post(f"{path}/messages", 201, body="Help", author=ana))["author"] == ana
    [_, posted] = await story.events(path, "message.posted")
    assert (posted["actor"]["kind"], posted["data"]["author"]["kind"]) == ("automation", "customer")
    nobody = {"kind": "automation", "engineer_id": story.engineer_id}
    problem = await story.product.post(f"{path}/messages", 422, body="Hm", author=nobody)
    assert pointers(problem) == ["/author/engineer_id"]


async def test_customers_see_what_their_own_automation_is_called_and_not_what_supports_is(
    story: Story, path: str, sessions: Sessions
) -> None:
    """A key's label is a note of whoever made it."""
    bot = await make_key(sessions, "agent", label="Robot in rack 7")
    await story.product.client.post(f"{path}/messages", json={"body": "Disk is full"}, headers=bot)
    stated = {"body": "I look after disks", "author": {"kind": "automation", "name": "Disk robot"}}
    await story.product.client.post(f"{path}/messages", json=stated, headers=bot)
    gateway = await make_key(sessions, account_id=story.account.account_id, role="editor", label="Gateway")
    reply = {"body": "I am out of office", "author": {"kind": "automation"}}
    await story.customer.client.post(f"{path}/messages", json=reply, headers=gateway)
    supports = await story.events(path, "message.posted", who=story.product)
    assert [_author(event) for event in supports] == ["Robot in rack 7", "Disk robot", "Gateway"]
    seen = await story.events(path, "message.posted", who=story.customer)
    assert [_author(event) for event in seen] == [None, "Disk robot", "Gateway"]
    messages = (await story.customer.get(f"{path}/messages"))["items"]
    assert [message["author"].get("name") for message in messages] == [_author(event) for event in seen]
    feed = (await story.customer.get("/v1/events", limit=200))["items"]
    assert len(feed) > len(seen)
    assert not re.search("rack 7|display_name", str((seen, messages, feed)))
    assert [event["actor"]["kind"] for event in seen] == ["automation"] * 3


def _author(event: Any) -> str | None:
    name: str | None = event["data"]["author"].get("name")
    return name


async def test_an_accounts_key_writes_as_its_customer(story: Story, path: str, sessions: Sessions) -> None:
    ana = await make_person(sessions, story.account.account_id, "ana@solar-roofs.example", "editor")
    message = await story.customer.post(f"{path}/messages", 201, body="Hello", actor={"email": ana.email})
    assert message["author"] == {"kind": "customer", "id": ana.id, "name": ana.name}


AWAY: Final = {"body": "I am out of office.", "author": {"kind": "automation", "name": "Mail gateway"}}
"""What an account's mail gateway passes on."""


async def test_an_accounts_key_writes_as_its_own_automation(story: Story, path: str, sessions: Sessions) -> None:
    message = await story.customer.post(f"{path}/messages", 201, **AWAY)
    author = message["author"]
    assert (author["kind"], author["name"], author["id"][:4]) == ("automation", "Mail gateway", "key_")
    [posted] = await story.events(path, "message.posted", who=story.customer)
    assert (posted["actor"]["kind"], posted["actor"]["id"]) == ("automation", author["id"])
    ana = await make_person(sessions, story.account.account_id, "ana@solar-roofs.example", "editor")
    await story.customer.post(f"{path}/messages", 201, **AWAY, actor={"email": ana.email})
    [_, posted] = await story.events(path, "message.posted")
    assert (posted["actor"]["id"], posted["data"]["author"]["kind"]) == (ana.id, "automation")
    bob = await make_person(sessions, story.account.account_id, "bob@solar-roofs.example", "viewer")
    await story.customer.post(f"{path}/messages", 403, **AWAY, actor={"email": bob.email})
    await story.customer.post(f"{path}/messages", 403, **AWAY, visibility="internal")
    engineers = {"kind": "automation", "engineer_id": story.engineer_id}
    await story.customer.post(f"{path}/messages", 422, body="Hm", author=engineers)


async def test_c07_an_automatic_reply_is_nobodys_answer(story: Story, path: str) -> None:
    await story.customer.post(f"{path}/messages", 201, **AWAY)
    ticket = await story.customer.get(path)
    assert (ticket["status"], deadline(ticket, "first_response")["state"]) == ("new", "running")
    await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    update = deadline(await story.customer.get(path), "update")
    await story.customer.post(f"{path}/messages", 201, **AWAY)
    ticket = await story.customer.get(path)
    assert "next_response" not in [one["metric"] for one in ticket["deadlines"]]
    assert deadline(ticket, "update") == update


async def test_c10_an_automatic_reply_does_not_end_the_waiting_for_the_customer(begin: Begin) -> None:
    story = await begin("itil-native")
    path = path_of(await story.open())
    await story.engineer.post(f"{path}/status", 200, status="waiting_on_customer", message="Which disk?")
    before = await story.customer.get(path)
    await story.customer.post(f"{path}/messages", 201, **AWAY)
    after = await story.customer.get(path)
    assert (after["status"], after["deadlines"]) == ("waiting_on_customer", before["deadlines"])
    assert deadline(after, "update")["state"] == "paused"
    await story.customer.post(f"{path}/messages", 201, body="The second one.")
    after = await story.customer.get(path)
    assert (after["status"], deadline(after, "update")["state"]) == ("open", "running")


async def test_c13_an_automatic_reply_never_reopens(story: Story, path: str) -> None:
    await story.engineer.post(f"{path}/status", 200, status="resolved", message="Mended.")
    before = await story.customer.get(path)
    await story.customer.post(f"{path}/messages", 201, **AWAY)
    after = await story.customer.get(path)
    assert (after["status"], after["deadlines"]) == ("resolved", before["deadlines"])
    assert await story.events(path, "ticket.reopened") == []
    await story.customer.post(f"{path}/messages", 201, body="It is down again.")
    assert (await story.customer.get(path))["status"] == "open"


# --- what a customer never sees --------------------------------------------------------------------------------


async def test_internal_messages_are_for_support_only(story: Story, path: str) -> None:
    await story.customer.post(f"{path}/messages", 403, body="Psst", visibility="internal")
    note = await story.engineer.post(f"{path}/messages", 201, body="Looks like their disk", visibility="internal")
    public = await story.engineer.post(f"{path}/messages", 201, body="Please check the disk")
    assert [m["id"] for m in (await story.engineer.get(f"{path}/messages"))["items"]] == [note["id"], public["id"]]
    assert (await story.customer.get(f"{path}/messages"))["items"] == [public]
    seen = await story.events(path, "message.posted", who=story.customer)
    assert [event["data"]["message_id"] for event in seen] == [public["id"]]
    assert all(event["audience"] == "public" for event in await story.events(path, who=story.customer))
    assert "disk" not in str((await story.customer.get(path))["deadlines"])


async def test_a_customers_webhook_never_hears_an_internal_message(story: Story, path: str, sessions: Sessions) -> None:
    endpoints = {account_id: new_id("wh") for account_id in (story.account.account_id, None)}
    now = wall_now()
    async with transaction(sessions) as session:
        for account_id, endpoint_id in endpoints.items():
            facts = {"account_id": account_id, "url": "https://example.com/", "events": ["*"]}
            endpoint = WebhookEndpointRow(id=endpoint_id, **facts, secrets=[], created_at=now, updated_at=now)
            session.add(endpoint)
            await session.flush()
            await subscribe(session, endpoint)
    await story.engineer.post(f"{path}/messages", 201, body="Internal", visibility="internal")
    await story.engineer.post(f"{path}/messages", 201, body="Public")
    query = select(DeliveryRow.endpoint_id, EventRow.data["body"].astext).join(
        EventRow, EventRow.id == DeliveryRow.event_id
    )
    async with sessions() as session:
        rows = (await session.execute(query.where(EventRow.type == "message.posted"))).all()
    heard = {endpoint_id: {body for found, body in rows if found == endpoint_id} for endpoint_id in endpoints.values()}
    assert heard == {
        endpoints[story.account.account_id]: {"Public"},
        endpoints[None]: {"Internal", "Public"},
    }


# --- statuses --------------------------------------------------------------------------------------------------


async def test_a_customers_message_wakes_a_waiting_ticket(story: Story, path: str) -> None:
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version is it?")
    waiting = await story.customer.get(path)
    assert (waiting["status"], deadline(waiting, "update")["state"]) == ("waiting_on_customer", "paused")
    assert (deadline(waiting, "update")["due_at"], waiting["next_update_due_at"]) == (None, None)
    await story.customer.post(f"{path}/messages", 201, body="3.2")
    ticket = await story.customer.get(path)
    assert (ticket["status"], deadline(ticket, "update")["state"]) == ("open", "running")
    assert [e["data"]["reason"] for e in await story.events(path, "deadline.resumed")] == ["open"]


async def test_a_customers_message_reopens_a_resolved_ticket(story: Story, path: str) -> None:
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.customer.post(f"{path}/messages", 201, body="Not fixed.")
    ticket = await story.customer.get(path)
    assert (ticket["status"], ticket["resolved_at"]) == ("open", None)
    assert deadline(ticket, "first_response")["state"] == "met"
    [reopened] = await story.events(path, "ticket.reopened")
    assert (reopened["data"]["from"], reopened["actor"]["kind"]) == ("resolved", "customer")


async def test_a_closed_ticket_takes_no_message(story: Story, path: str) -> None:
    ticket = await story.engineer.post(f"{path}/status", status="closed")
    for caller in (story.customer, story.engineer):
        problem = await caller.post(f"{path}/messages", 409, body="Hello?")
        assert problem["hint"] == f"Open a new ticket with follow_up_of: {ticket['id']}"
    assert await story.customer.get(path) == ticket


async def test_messages_are_listed_oldest_first_page_by_page(story: Story, path: str) -> None:
    posted = [await story.customer.post(f"{path}/messages", 201, body=f"No. {n}") for n in range(5)]
    first = await story.customer.get(f"{path}/messages", limit=2)
    second = await story.customer.get(f"{path}/messages", limit=2, cursor=first["next_cursor"])
    last = await story.customer.get(f"{path}/messages", limit=2, cursor=second["next_cursor"])
    assert [*first["items"], *second["items"], *last["items"]] == posted
    assert last["next_cursor"] is None
