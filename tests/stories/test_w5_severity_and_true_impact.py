"""W5: the customer asks for an escalation when the severity does not reflect the true impact on its business."""

from tests.support.stories import Begin, deadline, path_of

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}
ASKED = {
    "reason": "wrong_priority",
    "justification": "Half of our messages are lost",
    "requested_priority": "P2",
}


async def test_w5_support_agrees_and_the_clocks_follow(begin: Begin) -> None:
    story = await begin("wati-business-plus", **NOON)
    path = path_of(await story.open(priority="P4"))
    await story.pass_time("PT1H")
    escalation = await story.customer.post(f"{path}/escalations", 201, **ASKED)
    await story.pass_time("PT5M")
    await story.engineer.post(f"/v1/escalations/{escalation['id']}/accept", message="You are right.")
    ticket = await story.engineer.get(path)
    assert (ticket["priority"], ticket["priority_source"]) == ("P2", "escalation")
    assert deadline(ticket, "escalation_ack")["state"] == "met"
    assert deadline(ticket, "resolution")["due_at"] == "2026-11-23T21:05:00Z"


async def test_w5_or_does_not_and_says_why(begin: Begin) -> None:
    story = await begin("wati-business-plus", **NOON)
    path = path_of(await story.open(priority="P4"))
    escalation = await story.customer.post(f"{path}/escalations", 201, **ASKED)
    declined = await story.engineer.post(f"/v1/escalations/{escalation['id']}/decline", reason="It is one contact")
    assert (declined["state"], declined["decision"]) == ("declined", "It is one contact")
    assert (await story.customer.get(path))["priority"] == "P4"
