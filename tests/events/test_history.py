"""A ticket's events over HTTP: the envelope, the numbering, who did it, who sees it."""

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from app.events.types import EVENTS
from app.events.types.data import BODY_LIMIT
from tests.support.stories import P1, Begin, Story, path_of
from tests.support.sweeping import run_pass

ENVELOPE = (
    "id",
    "type",
    "timestamp",
    "account_id",
    "ticket_id",
    "ticket",
    "sequence",
    "actor",
    "audience",
    "sandbox",
    "data",
)


async def busy_life(story: Story) -> str:
    """The path of a ticket to which about everything has happened."""
    path = await story.open_at(await story.now() - timedelta(minutes=40), **P1)
    await run_pass(story.sessions)
    await story.engineer.post(f"{path}/messages", 201, body="Their disk, I think", visibility="internal")
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version?")
    await story.customer.post(f"{path}/messages", 201, body="3.2")
    await story.customer.post(f"{path}/call/join", participant="customer")
    await story.engineer.post(f"{path}/assign", engineer_id=story.engineer_id)
    await story.engineer.post(f"{path}/priority", priority="P2", reason="Calmer")
    await story.product.patch(path, tags=["disk"])
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.customer.post(f"{path}/status", status="open")
    await story.engineer.post(f"{path}/status", status="closed")
    return path


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium", call_link="https://meet.solar-roofs.example/p1")


async def test_envelopes(story: Story) -> None:
    path = await busy_life(story)
    events = await story.events(path)
    known = {kind.type for kind in EVENTS}
    for event in events:
        assert tuple(event) == ENVELOPE
        assert event["type"] in known
        assert event["actor"]["kind"] in ("engineer", "customer", "automation", "service")
        assert event["audience"] in ("public", "internal")
        assert (event["account_id"], event["sandbox"]) == (story.account.account_id, False)
        assert event["ticket_id"] == path.rpartition("/")[2]
        assert event["timestamp"].endswith("Z")
    assert len({event["id"] for event in events}) == len(events)
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)


async def test_the_numbering_has_no_gaps_and_time_never_goes_back(story: Story) -> None:
    events = await story.events(await busy_life(story))
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    instants = [datetime.fromisoformat(event["timestamp"]) for event in events]
    assert instants == sorted(instants)


async def test_a_customer_sees_all_but_what_is_internal(story: Story) -> None:
    path = await busy_life(story)
    whole = await story.events(path)
    internal = [event for event in whole if event["audience"] == "internal"]
    assert {event["type"] for event in internal} == {
        "message.posted",
        "expert.alerted",
        "expert.cancelled",
        "routing.round_exhausted",
        "deadline.started",
        "deadline.missed",
    }
    assert await story.events(path, who=story.customer) == [event for event in whole if event not in internal]


async def test_who_did_it(story: Story) -> None:
    path = await busy_life(story)
    found = [(e["type"].removeprefix("ticket."), e["actor"]["kind"]) for e in await story.events(path)]
    assert [each for each in found if not each[0].startswith("deadline.")] == [
        ("opened", "customer"),
        ("call.requested", "customer"),
        ("call.ready", "service"),
        ("assigned", "service"),
        ("expert.alerted", "service"),
        ("escalation.automatic", "service"),
        ("call.no_show", "service"),
        ("expert.cancelled", "service"),
        ("assigned", "service"),
        ("routing.round_exhausted", "service"),
        ("message.posted", "engineer"),
        ("message.posted", "engineer"),
        ("status_changed", "engineer"),
        ("status_changed", "engineer"),
        ("message.posted", "customer"),
        ("status_changed", "customer"),
        ("call.joined", "customer"),
        ("assigned", "engineer"),
        ("priority_changed", "engineer"),
        ("updated", "automation"),
        ("message.posted", "engineer"),
        ("status_changed", "engineer"),
        ("call.ended", "service"),
        ("reopened", "customer"),
        ("status_changed", "engineer"),
    ]


async def test_a_miss_says_how_late_it_was_noticed(story: Story) -> None:
    path = await story.open_at(await story.now() - timedelta(hours=3), priority="P2")
    await run_pass(story.sessions)
    [missed] = await story.events(path, "deadline.missed")
    data = missed["data"]
    due, noticed = (datetime.fromisoformat(data[name]) for name in ("due_at", "noticed_at"))
    assert (data["metric"], data["cycle"], missed["timestamp"]) == ("first_response", 1, data["due_at"])
    assert data["lag_ms"] == pytest.approx((noticed - due).total_seconds() * 1000)
    [shown] = [d for d in (await story.customer.get(path))["deadlines"] if d["missed_at"]]
    assert (shown["lag_ms"], shown["noticed_at"]) == (data["lag_ms"], data["noticed_at"])


async def test_the_timeline_is_paged_by_sequence(story: Story) -> None:
    path = await busy_life(story)
    whole: list[Any] = []
    params: dict[str, Any] = {"limit": 7}
    while params.get("cursor", "") is not None:
        page = await story.customer.get(f"{path}/timeline", **params)
        assert page["items"]
        whole += page["items"]
        params["cursor"] = page["next_cursor"]
    assert whole == await story.events(path, who=story.customer)


@pytest.mark.parametrize("character", ["x", "𝄞", "\x01"])
async def test_long_texts_are_cut_in_events_and_nowhere_else(story: Story, character: str) -> None:
    texts = {"business_impact": character * 5000, "priority_reason": character * 5000}
    ticket = await story.open(**P1 | texts, title=character * 300, description=character * 50_000)
    path = path_of(ticket)
    assert ticket["description"] == character * 50_000
    body = character * 20_000
    assert (await story.engineer.post(f"{path}/messages", 201, body=body))["body"] == body
    await story.engineer.patch(path, custom={f"{n}": character * 2000 for n in range(50)})
    events = await story.events(path)
    assert all(len(orjson.dumps(event)) < 20 * 1024 for event in events)
    cut = [event for event in events if event["data"].get("truncated")]
    assert [event["type"] for event in cut] == ["ticket.opened", "message.posted", "ticket.updated"]
    [posted] = [event["data"]["body"] for event in cut if event["type"] == "message.posted"]
    assert body.startswith(posted)
    assert character == "\x01" or len(posted.encode()) == BODY_LIMIT
