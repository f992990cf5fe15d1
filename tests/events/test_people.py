"""Whom events name: engineers beside their ids, contacts to support alone, and the names chosen for customers."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final

import pytest
from orjson import dumps, loads

from app.core.state import State
from app.events.envelope import envelope
from app.events.examples import event_example
from app.events.people import ENGINEERS, Person, engineers_in, for_customers, named
from app.events.types import EVENTS, INTERNAL_TYPES, EventData
from app.events.types.data import Notified
from app.webhooks.background.deliver import Limits, Sender
from tests.support.actors import make_engineer
from tests.support.desk import fetch
from tests.support.stories import P1, Begin, Story, path_of
from tests.support.sweeping import run_pass
from tests.webhooks.receiver import receiving

MIA: Final = {"name": "Mia Chen", "email": "mia@vendor.example"}
TOM: Final = {"name": "Tom Berg", "email": "tom@vendor.example"}
ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+\.\w+|\+?\d[\d ()/-]{7,}\d(?![\d:.TZ-])")
"""An e-mail address or a number of a phone."""
PUBLIC: Final = [event for event in EVENTS if event.type not in INTERNAL_TYPES]


def with_contacts(kind: type[EventData]) -> dict[str, Any]:
    """The example of a type, with a contact in every list of them, and an engineer who has chosen a name."""
    told = event_example(kind.type)
    lists = {name: [{"role": "tam", **TOM, "phone": "+48 600 100 200"}] for name in _lists(kind)}
    data = named(kind.type, told["data"] | lists, {each: Person("Jan Nowak", "Jan") for each in _ids(told)})
    actor = {"kind": "engineer", "id": "eng_1", "name": "Jan Nowak", "display_name": "Jan"}
    data |= {name: actor for name in ("author",) if name in data}
    return told | {"actor": actor, "data": data}


def _lists(kind: type[EventData]) -> list[str]:
    return [name for name, field in kind.model_fields.items() if field.annotation == Notified]


def _ids(told: Any) -> set[str]:
    return engineers_in(told["type"], told["data"])


def without_customers_own(told: Any) -> Any:
    """The event without what the customer's own people have said of themselves."""
    kept = {name: value for name, value in told["data"].items() if name != "requester"}
    return {**told, "data": kept, "id": "", "account_id": "", "ticket_id": ""}


@pytest.mark.parametrize("event", PUBLIC, ids=lambda event: event.type)
def test_customers_see_no_address_and_no_name_but_the_one_that_was_chosen(event: type[EventData]) -> None:
    whole = with_contacts(event)
    told = for_customers(whole)
    said = dumps(without_customers_own(told)).decode()
    assert not re.search(r"Jan Nowak|Tom Berg|display_name", said)
    assert ADDRESS.findall(re.sub(r'"[a-z]{2,5}_[0-9a-z]{26}"|"\d{4}-\d\d-\d\dT[^"]*"', "", said)) == []
    assert told["actor"] == {"kind": "engineer", "id": "eng_1", "name": "Jan"}
    assert all(told["data"][name] == [{"role": "tam"}] for name in _lists(event))
    assert whole == with_contacts(event), "what is told to support is left as it was"


@pytest.mark.parametrize("event", PUBLIC, ids=lambda event: event.type)
def test_no_member_has_another_type_for_customers(event: type[EventData]) -> None:
    event.model_validate(for_customers(with_contacts(event))["data"])


def _members(schema: Any, defs: Any, place: str = "") -> Iterator[str]:
    """The members of an object, and with a dot those of the objects that are in it."""
    for name, rule in schema.get("properties", {}).items():
        yield place + name
        reference = rule.get("items", rule).get("$ref")
        if reference:
            yield from _members(defs[reference.rpartition("/")[2]], defs, f"{place}{name}.")


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_every_id_of_an_engineer_has_a_name_beside_it(event: type[EventData]) -> None:
    schema = event.model_json_schema()
    members = list(_members(schema, schema.get("$defs", {})))
    ids = [each for each in members if re.search(r"(?:^|\.)(?:engineer_id|assignee_id|assignee)$", each)]
    assert set(ids) <= set(ENGINEERS.get(event.type, ()))
    for place in ids:
        assert f"{place.removesuffix('_id')}_name" in members
        assert event.type in INTERNAL_TYPES or f"{place.removesuffix('_id')}_display_name" in members
    data = named(event.type, event_example(event.type)["data"], {})
    assert set(data) <= {*event_example(event.type)["data"], *(m for m in members if m.endswith("_name"))}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium", manager=MIA, tam=TOM, call_link="https://meet.solar-roofs.example/p1")


async def _lead(story: Story) -> str:
    """A ticket to which about all that is public has happened, by an engineer who has chosen a name; its path."""
    engineer = f"/v1/engineers/{story.engineer_id}"
    await story.engineer.patch(engineer, display_name="Noor")
    other = await make_engineer(story.sessions, name="Jan Nowak", email="jan@vendor.example", display_name="Jan")
    path = await story.open_at(await story.now() - timedelta(minutes=1), **P1)
    await run_pass(story.sessions)
    await story.engineer.post(f"{path}/messages", 201, body="We are on it")
    await story.customer.post(f"{path}/call/decline", reason="Our network is down")
    asked = {"reason": "business_impact", "justification": "It is worse"}
    escalation = await story.customer.post(f"{path}/escalations", 201, **asked)
    accepted = {"assignee_id": other.id, "message": "Jan takes over"}
    await story.engineer.post(f"/v1/escalations/{escalation['id']}/accept", **accepted)
    await story.engineer.post(f"{path}/escalations", 201, **asked)
    await story.engineer.post(f"{path}/assign", engineer_id=story.engineer_id)
    return path


async def test_feed_stream_timeline_and_webhook_of_a_customer_name_nobody_of_support(
    story: Story, state: State
) -> None:
    async with receiving() as receiver:
        hook = {"url": receiver.url, "events": ["*"]}
        state.settings.allow_networks = [ip_network("127.0.0.0/8")]
        await story.product.client.post("/v1/webhooks", json=hook, headers=story.customer.key)
        path = await _lead(story)
        sender = Sender(state, Limits(timeout=5))
        while await fetch(story.sessions, "SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT 1"):
            await sender.run_pass()
            await sender.drain()
        await sender.stop()
        sent = [loads(message.body) for message in receiver.messages]
    token = (await story.customer.post("/v1/events/stream-token", 201))["token"]
    stream = await story.customer.client.get("/v1/events/stream", params={"token": token, "seconds": 0})
    streamed = [loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: {")]
    feed = (await story.customer.get("/v1/events", limit=200))["items"]
    timeline = await story.events(path, who=story.customer)
    messages = (await story.customer.get(f"{path}/messages"))["items"]
    escalations = (await story.customer.get(f"{path}/escalations"))["items"]
    deadlines = (await story.customer.get(f"{path}/deadlines"))["items"]
    explained = [await story.customer.get(f"{path}/deadlines/{each['id']}/explain") for each in deadlines]
    assert len(feed) == len(streamed) == len(timeline)
    for told in (feed, streamed, timeline, sent, messages, escalations, explained):
        said = dumps(told).decode()
        assert not re.search(r"vendor\.example|noor@|Mia Chen|Tom Berg|Jan Nowak|Noor Haddad|display_name", said)
        assert '"name":"Noor"' in said
    [declined] = [event["data"] for event in timeline if event["type"] == "call.declined"]
    [accepted] = [event["data"] for event in timeline if event["type"] == "escalation.accepted"]
    assert (declined["assignee_id"] is None) == (declined["assignee_name"] is None)
    assert accepted["assignee_name"] == "Jan"
    [*_, assigned] = [event["data"] for event in timeline if event["type"] == "ticket.assigned"]
    assert (assigned["from_name"], assigned["to_name"]) == ("Jan", "Noor")


async def test_support_sees_both_names_and_whom_it_has_notified(story: Story) -> None:
    path = await _lead(story)
    events = await story.events(path)
    feed = (await story.product.get("/v1/events", ticket_id=path.rpartition("/")[2], limit=200))["items"]
    by_id = {event["id"]: event for event in events}
    assert [{**event, "cursor": None} for event in feed] == [by_id[event["id"]] | {"cursor": None} for event in feed]
    [requested, _] = [event for event in events if event["type"] == "escalation.requested"]
    assert requested["data"]["notified"] == [{"role": "manager", **MIA}]
    [*_, assigned] = [event for event in events if event["type"] == "ticket.assigned"]
    noor = {"kind": "engineer", "id": story.engineer_id, "name": "Noor Haddad", "display_name": "Noor"}
    assert assigned["actor"] == noor
    assert (assigned["data"]["from_name"], assigned["data"]["from_display_name"]) == ("Jan Nowak", "Jan")
    [alerted, *_] = [event["data"] for event in events if event["type"] == "expert.alerted"]
    assert alerted["engineer_name"] == "Noor Haddad"
    assert {each["engineer_id"]: each["engineer_name"] for each in alerted["candidates"]}[story.engineer_id]
    [first, *_] = (await story.engineer.get(f"{path}/messages"))["items"]
    assert first["author"] == noor


async def test_a_hand_over_names_who_leaves_and_who_comes(begin: Begin) -> None:
    """The sandbox's ``advance`` answers it as the timeline has it, to support and to the customer."""
    story = await begin("google-premium", sandbox=True)
    made = {"account_id": story.account.account_id, "time_zone": "UTC"}
    for name, since, until in (("Mei Lin", "00:00", "12:00"), ("Ida Holm", "12:00", "24:00")):
        days = {day: [[since, until]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
        engineer = {"email": f"{name.split()[0].lower()}@vendor.example", "display_name": name.split()[0]}
        shifts = {"time_zone": "UTC", "weekly": days}
        await make_engineer(story.sessions, name=name, shifts=shifts, **engineer, **made)
    ticket = await story.open(**P1)
    alert = (await story.product.get("/v1/alerts", ticket_id=ticket["id"]))["items"][0]
    await story.product.post(f"/v1/alerts/{alert['id']}/accept")
    moved = await story.pass_time("PT24H")
    [told, *_] = [event for event in moved if event["type"] == "ticket.handed_over"]
    assert {told["data"][end]["engineer_name"] for end in ("from", "to")} == {"Mei Lin", "Ida Holm"}
    [seen, *_] = await story.events(path_of(ticket), "ticket.handed_over", who=story.customer)
    assert {seen["data"][end]["engineer_name"] for end in ("from", "to")} == {"Mei", "Ida"}
    assert "display_name" not in dumps(seen).decode()


def test_old_names_of_contacts_are_hidden_from_customers_too() -> None:
    row = event_example("escalation.automatic")
    at = datetime.fromisoformat(row["timestamp"])
    stored = {**row, "timestamp": at, "data": {"told": [{"role": "manager", **MIA}]}}
    assert envelope(stored, internal=False)["data"] == {"notified": [{"role": "manager"}]}
    assert envelope(stored, internal=True)["data"] == {"notified": [{"role": "manager", **MIA}]}
