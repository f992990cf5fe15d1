"""The stub of its ticket that every event carries: the ticket right after the event, wherever it is told."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from orjson import loads

from app.core.db.engine import Sessions
from app.core.state import State
from app.events.examples import event_example
from app.events.stub import STUB, after
from app.events.types import EVENTS, EventData, TicketMerged, TicketUpdated
from app.webhooks.background.deliver import Limits, Sender
from tests.support.desk import fetch, make_endpoint
from tests.support.stories import P1, Begin, path_of
from tests.support.sweeping import run_pass
from tests.webhooks.receiver import receiving

BEFORE = {"number": "K7M-3QP", "title": "No backup", "priority": "P3", "status": "new", "external_ref": None}


def followed(events: list[Any]) -> Iterator[Mapping[str, Any]]:
    """What a reader makes of the ticket who starts at its opening and takes over what each event says."""
    seen: dict[str, Any] = {}
    for event in events:
        data, kind = event["data"], event["type"]
        if kind == "ticket.opened":
            seen = {name: data[name] for name in STUB}
        elif kind == "ticket.updated":
            seen |= {name: value for name, value in data["fields"].items() if name in STUB}
        elif kind == "ticket.priority_changed":
            seen |= {"priority": data["to"]}
        elif kind in ("ticket.status_changed", "ticket.reopened"):
            seen |= {"status": data["to"]}
        elif kind in ("ticket.withdrawn", "ticket.merged"):
            seen |= {"status": "closed"}
        yield dict(seen)


async def test_an_event_says_its_ticket_as_it_is_right_after_it(begin: Begin, sessions: Sessions) -> None:
    """Also where one transaction catches up with several misses, each of which raises the priority."""
    story = await begin("wati-business-plus")
    path = await story.open_at(await story.now() - timedelta(days=9), priority="P4", external_ref="INC-1")
    await run_pass(sessions)
    await story.product.patch(path, title="Backups fail at night", external_ref=None)
    await story.engineer.post(f"{path}/messages", 201, body="We are on it")
    await story.engineer.post(f"{path}/status", status="mitigated")
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.customer.post(f"{path}/reopen")
    await story.customer.post(f"{path}/withdraw", reason="It works again")
    events = await story.events(path)
    assert [event["ticket"] for event in events] == list(followed(events))
    assert {event["ticket"]["priority"] for event in events} == {"P1", "P2", "P3", "P4"}
    ticket = await story.customer.get(path)
    assert events[-1]["ticket"] == {name: ticket[name] for name in STUB}


async def test_both_timelines_of_a_merge_show_their_own_ticket(begin: Begin) -> None:
    story = await begin("google-premium")
    merged, into = [await story.open(priority="P3") for _ in range(2)]
    await story.engineer.post(f"{path_of(merged)}/merge", into=into["id"])
    for ticket, status in ((merged, "closed"), (into, "new")):
        [told] = await story.events(path_of(ticket), "ticket.merged")
        assert (told["ticket"]["number"], told["ticket"]["status"]) == (ticket["number"], status)


async def test_feed_stream_timeline_webhook_and_sandbox_say_the_same(begin: Begin, state: State) -> None:
    story = await begin("google-premium", sandbox=True)
    async with receiving() as receiver:
        endpoint = await make_endpoint(story.sessions, receiver.url, "*")
        ticket = await story.open(**P1, external_ref="INC-2")
        moved = await story.pass_time("PT2H")
        state.settings.allow_networks = [ip_network("127.0.0.0/8")]
        sender = Sender(state, Limits(timeout=5))
        while await fetch(story.sessions, "SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT 1"):
            await sender.run_pass()
            await sender.drain()
        await sender.stop()
        sent = [loads(message.body) for message in receiver.messages if message.verified(endpoint.secrets[0])]
    timeline = await story.events(path_of(ticket))
    by_id = {event["id"]: event["ticket"] for event in timeline}
    assert all(stub["external_ref"] == "INC-2" for stub in by_id.values())
    feed = (await story.product.get("/v1/events", ticket_id=ticket["id"], limit=200))["items"]
    stream = await story.product.client.get(
        "/v1/events/stream", params={"ticket_id": ticket["id"], "seconds": 0}, headers=story.product.key
    )
    streamed = [loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: {")]
    assert moved
    for told in (feed, streamed, sent, moved):
        assert {event["id"]: event["ticket"] for event in told}.items() <= by_id.items()
    assert len(feed) == len(streamed) == len(sent) == len(timeline)


async def test_an_event_that_was_recorded_without_a_stub_says_null(begin: Begin) -> None:
    story = await begin("google-premium")
    ticket = await story.open(priority="P3")
    await fetch(story.sessions, "UPDATE events SET ticket = NULL")
    feed = (await story.customer.get("/v1/events"))["items"]
    for event in (*await story.events(path_of(ticket)), *feed):
        assert event["ticket"] is None


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_the_example_of_a_type_follows_from_what_it_says(event: type[EventData]) -> None:
    told = event_example(event.type)
    if told["ticket"] is None:
        assert told["ticket_id"] is None
        return
    assert tuple(told["ticket"]) == STUB
    assert after(told["ticket"], told["ticket_id"], event.model_validate(told["data"])) == told["ticket"]


def test_a_stub_is_a_value_that_no_event_changes() -> None:
    stub = dict(BEFORE)
    renamed = after(stub, "tkt_1", TicketUpdated(fields={"title": "Other", "tags": ["x"]}))
    assert renamed == BEFORE | {"title": "Other"}
    assert after(stub, "tkt_1", TicketMerged(merged="tkt_2", into="tkt_1")) is not renamed
    assert after(stub, "tkt_1", TicketMerged(merged="tkt_2", into="tkt_1")) == BEFORE
    assert stub == BEFORE
