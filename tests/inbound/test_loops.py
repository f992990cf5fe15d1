"""What comes round in a loop of webhooks and hooks ends with a receipt that says so; chains go on."""

from datetime import timedelta
from typing import Final

from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.outgoing.via import HEADER, write_via
from app.webhooks.outbox.claims import claim
from app.webhooks.rules.sharing import Share
from tests.inbound.conftest import Desk
from tests.support.desk import fetch
from tests.support.tickets import TICKET

FIRING: Final = {"key": "disk", "title": "The disk is full", "status": "firing"}


async def installation(sessions: Sessions) -> str:
    (row,) = await fetch(sessions, "SELECT id FROM installations")
    own: str = row["id"]
    return own


async def test_what_has_come_through_twice_is_kept_and_refused(desk: Desk) -> None:
    own = await installation(desk.sessions)
    await desk.make()
    answer = await desk.send(FIRING, headers=desk.key | {HEADER: write_via([own, "inst_other", own])})
    assert answer.status_code == 202, "an error would only be sent again"
    assert "loop" in answer.json()["refused"]
    await desk.process()
    (receipt,) = await desk.receipts()
    assert (receipt["state"], receipt["tickets"]) == ("refused", [])
    assert receipt["error"] == answer.json()["refused"]
    assert receipt["processed_at"]
    (listed,) = (await desk.get(f"/v1/hooks/{desk.hook['id']}/receipts?state=refused"))["items"]
    assert listed["id"] == receipt["id"]


async def test_a_way_that_comes_in_several_fields_is_one(desk: Desk) -> None:
    own = await installation(desk.sessions)
    await desk.make()
    fields = [*desk.key.items(), (HEADER, own), (HEADER.title(), f"{own} ,inst_other")]
    answer = await desk.client.post(f"/v1/ingest/{desk.hook['id']}", json=FIRING, headers=fields)
    assert "loop" in answer.json()["refused"]


async def test_a_chain_through_another_installation_and_back_goes_on_and_says_its_way(
    desk: Desk, sessions: Sessions
) -> None:
    """What follows from a payload names its way, and so does what the service does to the ticket later."""
    own = await installation(sessions)
    await desk.make()
    body = {"url": "https://example.com", "events": ["*"]}
    assert (await desk.client.post("/v1/webhooks", json=body, headers=desk.owner)).status_code == 201
    receipt = await desk.post(FIRING, headers=desk.key | {HEADER: write_via([own, "inst_other"])})
    assert receipt["state"] == "processed"
    assert await ways(sessions) == {
        "ticket.opened": {(own, "inst_other", own)},
        "deadline.started": {(own, "inst_other", own)},
    }
    ticket = f"/v1/tickets/{receipt['tickets'][0]['ticket_id']}"
    await desk.client.post(f"{ticket}/withdraw", json={"reason": "It was a test"}, headers=desk.owner)
    told = await ways(sessions)
    assert told["ticket.withdrawn"] == {(own,)}, "what a person does begins anew"
    assert told["deadline.cancelled"] == {(own, "inst_other", own)}


async def test_what_does_not_come_from_a_hook_has_come_no_way(desk: Desk, sessions: Sessions) -> None:
    body = {"url": "https://example.com", "events": ["ticket.opened"]}
    await desk.client.post("/v1/webhooks", json=body, headers=desk.owner)
    assert (await desk.client.post("/v1/tickets", json=TICKET, headers=desk.owner)).status_code == 201
    assert await ways(sessions) == {"ticket.opened": {(await installation(sessions),)}}


async def ways(sessions: Sessions) -> dict[str, set[tuple[str, ...]]]:
    """By type of event, the ways that webhooks name which have not been claimed yet; each is then."""
    found: dict[str, set[tuple[str, ...]]] = {}
    await fetch(
        sessions, "UPDATE deliveries SET sequence = NULL, queued = true, next_attempt_at = now() WHERE claim_id IS NULL"
    )
    async with transaction(sessions) as session:
        for one in await claim(session, Share(limit=1000, per_endpoint=1000), lease=timedelta(seconds=30)):
            found.setdefault(one.event["type"], set()).add(tuple(one.via))
    return found
