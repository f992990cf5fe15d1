import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from app.core.db.engine import Sessions
from app.core.state import State
from app.events.examples import event_example
from app.events.types import EVENTS, INTERNAL_TYPES
from app.webhooks.background.deliver import Sender
from tests.support import making
from tests.support.actors import Headers, make_account, make_key
from tests.support.desk import store_plan
from tests.support.tickets import TICKET
from tests.webhooks.formats.shapes import SHAPES
from tests.webhooks.receiver import Message, Receiver


@pytest.fixture
async def sender(state: State) -> AsyncIterator[Sender]:
    sender = Sender(state)
    yield sender
    await sender.stop()


@pytest.fixture
async def account_id(sessions: Sessions) -> str:
    account = await make_account(sessions, await store_plan(sessions, "google-premium"))
    return account.account_id


@pytest.fixture
async def owner(sessions: Sessions, account_id: str) -> Headers:
    return await make_key(sessions, account_id=account_id, role="owner")


async def made(client: httpx.AsyncClient, headers: Headers, receiver: Receiver, **fields: Any) -> dict[str, Any]:
    """An endpoint; messages to a chat, too, go out as fast as they can."""
    asked = {"url": receiver.url, "rate": 1000.0} | fields
    endpoint: dict[str, Any] = await making.made(client, "webhooks", headers, **asked)
    return endpoint


async def sent(sender: Sender, receiver: Receiver) -> list[Message]:
    """What arrives until nothing is left that waits for its place at the rate."""
    while await sender.run_pass() or await sender.next_instant():
        await sender.drain()
    return receiver.messages


async def tried(client: httpx.AsyncClient, headers: Headers, endpoint: dict[str, Any], event_type: str) -> None:
    path = f"/v1/webhooks/{endpoint['id']}/test"
    answer = await client.post(path, json={"event_type": event_type}, headers=headers)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("chat", SHAPES)
async def test_a_chat_is_told_of_a_ticket_in_its_language_and_every_message_is_signed(
    client: httpx.AsyncClient, admin: Headers, account_id: str, receiver: Receiver, sender: Sender, chat: str
) -> None:
    endpoint = await made(client, admin, receiver, format=chat, locale="pl", events=["ticket.opened", "deadline.*"])
    assert (endpoint["format"], endpoint["locale"]) == (chat, "pl")
    answer = await client.post("/v1/tickets", json=TICKET | {"account_id": account_id}, headers=admin)
    ticket = answer.json()
    messages = await sent(sender, receiver)
    assert len(messages) > 1
    for message in messages:
        document = message.verified(endpoint["secret"])
        assert not list(Draft202012Validator(SHAPES[chat]).iter_errors(document))
        assert f"{ticket['number']} (P3: średni): {ticket['title']}" in json.dumps(document, ensure_ascii=False)
    assert "Nowe zgłoszenie, priorytet P3: średni" in messages[0].body.decode()
    assert "rozpoczęto odliczanie" in messages[1].body.decode()


async def test_a_chat_is_sent_one_message_a_second_unless_its_owner_says_otherwise(
    client: httpx.AsyncClient, admin: Headers
) -> None:
    body = {"url": "https://hooks.slack.com/services/T0/B0/x"}
    chat = (await client.post("/v1/webhooks", json=body | {"format": "slack"}, headers=admin)).json()
    quick = (await client.post("/v1/webhooks", json=body | {"format": "teams", "rate": 4.0}, headers=admin)).json()
    plain = (await client.post("/v1/webhooks", json=body, headers=admin)).json()
    assert (chat["rate"], quick["rate"], plain["rate"]) == (1, 4, None)
    changed = await client.patch(f"/v1/webhooks/{plain['id']}", json={"format": "google_chat"}, headers=admin)
    assert changed.json()["rate"] == 1


async def test_a_chat_of_an_account_hears_public_events_only(
    client: httpx.AsyncClient, admin: Headers, owner: Headers, account_id: str, receiver: Receiver, sender: Sender
) -> None:
    await made(client, owner, receiver, format="slack", events=["message.posted"])
    ticket = (await client.post("/v1/tickets", json=TICKET | {"account_id": account_id}, headers=admin)).json()
    for visibility in ("internal", "public"):
        body = {"body": f"An {visibility} word", "visibility": visibility}
        answer = await client.post(f"/v1/tickets/{ticket['id']}/messages", json=body, headers=admin)
        assert answer.status_code == 201, answer.text
    (message,) = await sent(sender, receiver)
    assert "An public word" in message.body.decode()


@pytest.mark.parametrize("chat", ["standard", *SHAPES])
async def test_the_example_of_any_event_can_be_tried(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, sender: Sender, chat: str
) -> None:
    endpoint = await made(client, admin, receiver, format=chat, events=["webhook.disabled"])
    for event in EVENTS:
        await tried(client, admin, endpoint, event.type)
    messages = await sent(sender, receiver)
    assert len(messages) == len(EVENTS)
    documents = [message.verified(endpoint["secret"]) for message in messages]
    if chat == "standard":
        assert {document["type"] for document in documents} == {event.type for event in EVENTS}
    else:
        assert all(Draft202012Validator(SHAPES[chat]).is_valid(document) for document in documents)
        assert all("Sandbox" in json.dumps(document) for document in documents)


async def test_a_tried_example_has_the_tests_id_and_is_marked(
    client: httpx.AsyncClient, owner: Headers, account_id: str, receiver: Receiver, sender: Sender
) -> None:
    endpoint = await made(client, owner, receiver)
    await tried(client, owner, endpoint, "deadline.missed")
    (message,) = await sent(sender, receiver)
    told = message.verified(endpoint["secret"])
    assert (told["id"], told["account_id"], told["sandbox"]) == (message.id, account_id, True)
    assert told["data"] == event_example("deadline.missed")["data"]
    assert told["type"] == "deadline.missed"


async def test_an_example_goes_through_the_projection(
    client: httpx.AsyncClient, owner: Headers, receiver: Receiver, sender: Sender
) -> None:
    endpoint = await made(client, owner, receiver, projection="[type, data.metric]")
    await tried(client, owner, endpoint, "deadline.missed")
    (message,) = await sent(sender, receiver)
    assert json.loads(message.body) == ["deadline.missed", "first_response"]


@pytest.mark.parametrize("event_type", [*sorted(INTERNAL_TYPES), "ticket.exploded", "", 7])
async def test_no_other_example_is_sent_to_an_account(
    client: httpx.AsyncClient, owner: Headers, receiver: Receiver, event_type: object
) -> None:
    endpoint = await made(client, owner, receiver)
    path = f"/v1/webhooks/{endpoint['id']}/test"
    refused = await client.post(path, json={"event_type": event_type}, headers=owner)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/event_type")


@pytest.mark.parametrize("chat", SHAPES)
async def test_only_the_standard_format_takes_a_projection(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, chat: str
) -> None:
    body = {"url": receiver.url, "format": chat, "projection": "type"}
    refused = await client.post("/v1/webhooks", json=body, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/projection")
    endpoint = await made(client, admin, receiver, projection="type")
    path = f"/v1/webhooks/{endpoint['id']}"
    refused = await client.patch(path, json={"format": chat}, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/projection")
    changed = await client.patch(path, json={"format": chat, "projection": None, "locale": "fr"}, headers=admin)
    assert (changed.status_code, changed.json()["format"], changed.json()["locale"]) == (200, chat, "fr")
