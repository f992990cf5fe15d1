from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.core.auth import make_key
from app.core.clock import wall_now
from app.webhooks.rules.signing import make_secret, sign
from tests.receivers.conftest import Example, Start
from tests.support.service import Service, serving
from tests.support.waiting import until

SECRET = make_secret()
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "type": "ticket.opened",
    "ticket_id": "tkt_1",
    "sequence": 7,
    "data": {"a": "ñ"},
}


@pytest.fixture
def service(folder: Path, own_database: str) -> Iterator[tuple[Service, str]]:
    """The service as its operator runs it, and its admin key."""
    key = make_key("admin")
    with serving(folder, own_database, key) as service:
        yield service, key


@pytest.fixture
async def admin(service: tuple[Service, str]) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {service[1]}"}
    async with httpx.AsyncClient(base_url=f"{service[0].url}/v1", headers=headers, trust_env=False) as client:
        yield client


async def made(admin: httpx.AsyncClient, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await admin.post(path, json=body)
    assert answer.is_success, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def opened(admin: httpx.AsyncClient) -> str:
    account = await made(admin, "/accounts", {"name": "Shops", "plan": "google-premium", "time_zone": "Europe/Madrid"})
    requester = {"name": "Ana", "email": "ana@example.com"}
    fields = {
        "title": "Añb",
        "description": "Nothing works",
        "requester": requester,
        "channel": "web",
        "priority": "P2",
    }
    ticket = await made(admin, "/tickets", fields | {"account_id": account["id"]})
    return str(ticket["id"])


async def said(admin: httpx.AsyncClient, ticket_id: str) -> None:
    await made(admin, f"/tickets/{ticket_id}/messages", {"body": "We are on it", "visibility": "internal"})


async def test_the_example_takes_what_the_service_sends_once_and_through_a_rotation(
    admin: httpx.AsyncClient, start: Start, port: int
) -> None:
    endpoint = await made(admin, "/webhooks", {"url": f"http://127.0.0.1:{port}/"})
    with start("old", endpoint["secret"], port) as example:
        await example.listens()
        ticket_id = await opened(admin)
        await example.wait_for("deadline.started")
        await said(admin, ticket_id)
        await example.wait_for("message.posted")
        await redelivered(admin, endpoint["id"])
        rotated = await made(admin, f"/webhooks/{endpoint['id']}/rotate-secret")
        await said(admin, ticket_id)
        await example.wait_for("message.posted", 2)
        accepted = example.accepted()
    assert accepted[0]["type"] == "ticket.opened"
    assert {line["ticket"] for line in accepted} == {ticket_id}
    assert not any(line["late"] for line in accepted)
    assert len({line["accepted"] for line in accepted}) == len(accepted)
    with start("new", rotated["secret"], port) as example:
        await example.listens()
        await said(admin, ticket_id)
        await example.wait_for("message.posted")


async def redelivered(admin: httpx.AsyncClient, endpoint_id: str) -> None:
    """Send the endpoint's first delivery again, and wait until it was taken again."""
    delivery = (await admin.get(f"/webhooks/{endpoint_id}/deliveries", params={"state": "delivered"})).json()["items"][
        -1
    ]
    assert delivery["state"] == "delivered"
    await made(admin, f"/deliveries/{delivery['id']}/redeliver")

    async def done() -> bool:
        found = (await admin.get(f"/deliveries/{delivery['id']}")).json()
        return bool(found["state"] == "delivered" and found["finished_at"] > delivery["finished_at"])

    await until(done)


@pytest.fixture
async def example(start: Start, port: int) -> AsyncIterator[Example]:
    """The example, listening."""
    with start("output", SECRET, port) as example:
        await example.listens()
        yield example


async def posted(
    example: Example,
    event: dict[str, Any] | bytes,
    *,
    secrets: list[str] | None = None,
    changed: bytes = b"",
    age: timedelta = timedelta(0),
) -> int:
    """The status for a signed message; ``changed`` is added to its body after it was signed."""
    body = event if isinstance(event, bytes) else orjson.dumps(event)
    message_id = event["id"] if isinstance(event, dict) else "evt_0"
    headers = sign(secrets or [SECRET], message_id, wall_now() - age, body)
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(example.url, content=body + changed, headers=headers)).status_code


async def test_the_example_refuses_what_is_not_signed_so(example: Example) -> None:
    assert await posted(example, EVENT, changed=b" ") == 400
    assert await posted(example, EVENT, secrets=[make_secret()]) == 400
    assert await posted(example, EVENT, age=timedelta(minutes=6)) == 400
    assert await posted(example, b"\xff{}") == 400
    assert await posted(example, b"not JSON") == 400
    assert await posted(example, EVENT | {"data": "x" * 70_000}) == 413
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(example.url, json=EVENT)).status_code == 400
        mangled = {"webhook-id": "evt_1", "webhook-timestamp": "1e999", "webhook-signature": "v1"}
        assert (await client.post(example.url, json=EVENT, headers=mangled)).status_code == 400
    assert example.accepted() == []
    assert await posted(example, EVENT) == 204
    await example.wait_for("ticket.opened")


async def test_either_of_two_signatures_is_enough(example: Example) -> None:
    assert await posted(example, EVENT, secrets=[make_secret(), SECRET]) == 204
    assert await posted(example, EVENT | {"id": "evt_2"}, secrets=[SECRET, make_secret()]) == 204
    await example.wait_for("ticket.opened", 2)


async def test_a_repeat_is_taken_and_dropped_and_an_old_event_is_known_to_be_late(example: Example) -> None:
    for event in (EVENT, EVENT, EVENT | {"id": "evt_2", "sequence": 9}, EVENT | {"id": "evt_3", "sequence": 8}):
        assert await posted(example, event) == 204
    assert (
        await posted(example, EVENT | {"id": "evt_4", "ticket_id": None, "sequence": None, "type": "webhook.test"})
        == 204
    )
    await example.wait_for("webhook.test")
    assert [(line["accepted"], line["late"]) for line in example.accepted()] == [
        ("evt_1", False),
        ("evt_2", False),
        ("evt_3", True),
        ("evt_4", False),
    ]
