from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.core.db.tables import Row
from app.core.state import State
from app.webhooks.background.deliver import Sender
from tests.support.actors import Headers
from tests.webhooks.conftest import Tell, event_row
from tests.webhooks.receiver import Receiver

OWN = "data.{kind: 'ticket', summary: title, at: `7`}"
ONLY_P1 = "data.priority == 'P1' && {title: data.title}"
FIRST_OF_P1 = "[@][?data.priority == 'P1'] | [0].{title: data.title}"
COSTLY = "|".join(["[@,@]"] * 40)


@pytest.fixture
async def sender(state: State) -> AsyncIterator[Sender]:
    sender = Sender(state)
    yield sender
    await sender.stop()


async def made(client: httpx.AsyncClient, admin: Headers, receiver: Receiver, projection: str) -> dict[str, Any]:
    answer = await client.post("/v1/webhooks", json={"url": receiver.url, "projection": projection}, headers=admin)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def send(sender: Sender) -> None:
    await sender.run_pass()
    await sender.drain()


async def deliveries_of(client: httpx.AsyncClient, admin: Headers, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/webhooks/{endpoint['id']}/deliveries", headers=admin)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def opened(priority: str) -> Row:
    return {**event_row(), "data": {"title": "Nothing works", "priority": priority}}


async def test_what_the_projection_gives_is_sent_and_signed(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, tell: Tell, sender: Sender
) -> None:
    endpoint = await made(client, admin, receiver, OWN)
    (event,) = await tell()
    await send(sender)
    (message,) = receiver.messages
    assert message.verified(endpoint["secret"]) == {"kind": "ticket", "summary": "Nothing works", "at": 7}
    assert (message.id, endpoint["projection"]) == (event["id"], OWN)


@pytest.mark.parametrize("projection", [ONLY_P1, FIRST_OF_P1])
async def test_an_event_that_is_not_wanted_is_skipped_for_all_to_see(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, tell: Tell, sender: Sender, projection: str
) -> None:
    endpoint = await made(client, admin, receiver, projection)
    await tell(opened("P1"), opened("P3"))
    await send(sender)
    assert [message.verified(endpoint["secret"]) for message in receiver.messages] == [{"title": "Nothing works"}]
    delivered, skipped = sorted(await deliveries_of(client, admin, endpoint), key=lambda one: str(one["state"]))
    assert (delivered["state"], skipped["state"], skipped["attempt_count"]) == ("delivered", "skipped", 0)
    assert "is skipped" in skipped["last_attempt"]["error"]
    assert skipped["finished_at"]
    healthy = (await client.get(f"/v1/webhooks/{endpoint['id']}", headers=admin)).json()
    assert healthy["failing_since"] is None
    listed = await client.get(f"/v1/webhooks/{endpoint['id']}/deliveries?state=skipped", headers=admin)
    assert [one["id"] for one in listed.json()["items"]] == [skipped["id"]]


@pytest.mark.parametrize(
    ("projection", "why"), [(COSTLY, "characters"), ("abs(type)", "takes number"), ("type > `1`", "does not take")]
)
async def test_a_projection_that_fails_is_told_at_once_and_not_tried_again(
    client: httpx.AsyncClient,
    admin: Headers,
    receiver: Receiver,
    tell: Tell,
    sender: Sender,
    projection: str,
    why: str,
) -> None:
    endpoint = await made(client, admin, receiver, projection)
    await tell()
    await send(sender)
    (failed,) = await deliveries_of(client, admin, endpoint)
    assert (failed["state"], failed["next_attempt_at"], receiver.messages) == ("failed", None, [])
    assert failed["last_attempt"]["error"].startswith("The projection failed")
    assert why in failed["last_attempt"]["error"]
    (german,) = await deliveries_of(client, admin | {"Accept-Language": "de"}, endpoint)
    assert german["last_attempt"]["error"].startswith("Die Projektion ist fehlgeschlagen: ")
    one = await client.get(f"/v1/deliveries/{failed['id']}", headers=admin | {"Accept-Language": "de"})
    assert [attempt["error"] for attempt in one.json()["attempts"]] == [german["last_attempt"]["error"]]
    path = f"/v1/webhooks/{endpoint['id']}"
    assert (await client.get(path, headers=admin)).json()["failing_since"]
    assert (await client.patch(path, json={"projection": "type"}, headers=admin)).status_code == 200
    await client.post(f"/v1/deliveries/{failed['id']}/redeliver", headers=admin)
    await send(sender)
    (message,) = receiver.messages
    assert message.body == b'"ticket.opened"'


@pytest.mark.parametrize("bad", ["data.[", "shout(type)", "[" * 500, "x" * 4097, "", "`x`", 1])
async def test_a_bad_projection_is_refused_at_its_place(client: httpx.AsyncClient, admin: Headers, bad: Any) -> None:
    body = {"url": "https://example.com/hook", "projection": bad}
    refused = await client.post("/v1/webhooks", json=body, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/projection")
    endpoint = (await client.post("/v1/webhooks", json=body | {"projection": "type"}, headers=admin)).json()
    path = f"/v1/webhooks/{endpoint['id']}"
    refused = await client.patch(path, json={"projection": bad}, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/projection")
    cleared = await client.patch(path, json={"projection": None}, headers=admin)
    assert (cleared.status_code, cleared.json()["projection"]) == (200, None)


async def test_the_character_is_named(client: httpx.AsyncClient, admin: Headers) -> None:
    body = {"url": "https://example.com/hook", "projection": "data title"}
    refused = await client.post("/v1/webhooks", json=body, headers=admin)
    assert "at character 6" in refused.json()["errors"][0]["detail"]
