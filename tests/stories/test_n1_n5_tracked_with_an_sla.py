"""N1, N5, N7: each request is a tracked incident with an SLA by its severity, which has a recommended contact."""

from typing import Final

import pytest

from tests.support.stories import Begin, due, path_of

NOON: Final = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}
FIRST_RESPONSES: Final = {
    "critical": ("2026-11-23T12:30:00Z", ["phone"]),
    "high": ("2026-11-23T14:00:00Z", ["phone", "email", "web"]),
    "normal": ("2026-11-23T16:00:00Z", ["email", "web"]),
}


@pytest.mark.parametrize("severity", FIRST_RESPONSES)
async def test_n5_first_response_by_severity(begin: Begin, severity: str) -> None:
    story = await begin("itil-native", **NOON)
    answered, contact = FIRST_RESPONSES[severity]
    ticket = await story.open(priority=severity)
    assert due(ticket, "first_response") == answered
    told = await story.customer.get("/v1/priorities", plan="itil-native")
    assert {each["key"]: each["contact"] for each in told["priorities"]}[severity] == contact


async def test_n1_a_request_is_tracked_to_its_end(begin: Begin) -> None:
    story = await begin("itil-native", **NOON)
    ticket = await story.open()
    assert (ticket["status"], ticket["priority"]) == ("new", "normal")
    path = path_of(ticket)
    await story.engineer.post(f"{path}/messages", 201, body="We look into it.")
    await story.engineer.post(f"{path}/status", status="resolved", message="Solved.")
    types = [event["type"] for event in await story.events(path, who=story.customer)]
    assert types[0] == "ticket.opened"
    assert {"message.posted", "deadline.met", "ticket.status_changed"} <= set(types)


async def test_n7_the_objectives_are_those_of_the_source(begin: Begin) -> None:
    story = await begin("itil-native", **NOON)
    document = (await story.customer.get("/v1/plans/itil-native"))["document"]
    assert document["objectives"] == {"first_response": 0.95, "update": 0.9, "tier_escalation": 0.9}
