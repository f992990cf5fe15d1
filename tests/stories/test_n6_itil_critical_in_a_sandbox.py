"""N6: an incident that nobody works on, for 24 hours of a sandbox's clock: what the customer's systems are told."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final

from orjson import loads

from app.core.state import State
from app.webhooks.background.deliver import Limits, Sender
from tests.support.desk import fetch, make_endpoint
from tests.support.stories import Begin, Story, path_of
from tests.webhooks.receiver import receiving

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CRITICAL: Final = {
    "priority": "critical",
    "business_impact": "No order can be taken",
    "priority_reason": "Every shop is down",
}


def hours(event: Any) -> float:
    """When it happened, in hours after the opening."""
    return (datetime.fromisoformat(event["timestamp"]) - START) / timedelta(hours=1)


async def test_n6_a_day_without_a_reply(begin: Begin, state: State) -> None:
    story = await begin("itil-native", addons=["hybrid"], sandbox={"starts_at": START.isoformat()})
    async with receiving() as receiver:
        endpoint = await make_endpoint(story.sessions, receiver.url, "*")
        path = path_of(await story.open(**CRITICAL))
        answer = await story.advance(by="PT24H")
        await deliver_all(story, state)
        timeline = await story.events(path)
        assert [message.verified(endpoint.secrets[0]) for message in receiver.messages] == timeline
    assert timeline[-len(answer["events"]) :] == answer["events"]
    assert {loads(message.body)["sandbox"] for message in receiver.messages} == {True}

    def told(kind: str, metric: str) -> list[Any]:
        return [event for event in timeline if event["type"] == kind and event["data"]["metric"] == metric]

    assert [hours(event) for event in told("deadline.missed", "first_response")] == [0.5]
    assert [hours(event) for event in told("deadline.missed", "update")] == [2 + 2 * n for n in range(11)]
    assert [event["data"]["cycle"] for event in told("deadline.missed", "update")] == list(range(1, 12))
    moved = [event for event in timeline if event["type"] == "ticket.tier_changed"]
    assert [(hours(event), event["data"]["from"], event["data"]["to"]) for event in moved] == [(4, 1, 2), (8, 2, 3)]
    in_time = told("deadline.met", "tier_escalation")
    assert [(hours(event), event["data"]["stopped_by"]) for event in in_time] == [
        (hour, "service") for hour in (4, 8, 12, 16, 20)
    ]
    assert told("deadline.missed", "tier_escalation") == told("deadline.met_late", "tier_escalation") == []


async def deliver_all(story: Story, state: State) -> None:
    """Send until nothing is left to send, with the sender that the service runs."""
    state.settings.allow_networks = [ip_network("127.0.0.0/8")]
    sender = Sender(state, Limits(timeout=5))
    while await fetch(story.sessions, "SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT 1"):
        await sender.run_pass()
        await sender.drain()
    await sender.stop()
