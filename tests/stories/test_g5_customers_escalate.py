"""G5: a customer escalates when circumstances change, and the API says whether the promise it names is broken."""

from tests.support.stories import P1, Begin, deadline, path_of

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}


async def test_g5_no_update_in_the_agreed_time(begin: Begin) -> None:
    story = await begin("google-premium", **NOON, manager={"name": "Mia Chen", "email": "mia@example.com"})
    path = path_of(await story.open(priority="P2"))
    asked = {"reason": "no_update", "justification": "We were promised an answer within two hours"}
    await story.pass_time("PT1H59M")
    early = await story.customer.post(f"{path}/escalations", 201, **asked)
    assert early["breach_verified"] is False
    await story.customer.post(f"/v1/escalations/{early['id']}/withdraw")
    await story.pass_time("PT2M")
    escalation = await story.customer.post(f"{path}/escalations", 201, **asked)
    assert (escalation["breach_verified"], escalation["state"]) == (True, "requested")
    assert (await story.customer.post(f"{path}/escalations", 409, **asked))["escalation"]["id"] == escalation["id"]
    missed = [event["data"]["metric"] for event in await story.pass_time("PT16M") if event["type"] == "deadline.missed"]
    assert missed == ["escalation_ack"]
    accepted = await story.engineer.post(f"/v1/escalations/{escalation['id']}/accept", message="An expert takes over.")
    assert accepted["state"] == "accepted"
    ticket = await story.engineer.get(path)
    acks = {d["subject"]: d["state"] for d in ticket["deadlines"] if d["metric"] == "escalation_ack"}
    assert acks == {early["id"]: "cancelled", escalation["id"]: "met_late"}
    assert (ticket["escalated"], deadline(ticket, "first_response")["state"]) == (False, "met_late")


async def test_g5_updates_that_were_missed_before_the_last_message_are_a_breach(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    path = path_of(await story.open(**P1))
    await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    await story.pass_time("PT3H30M")
    await story.engineer.post(f"{path}/messages", 201, body="Still on it.")
    asked = {"reason": "no_update", "justification": "Nothing for three hours"}
    escalation = await story.customer.post(f"{path}/escalations", 201, **asked)
    assert (escalation["breach_verified"], escalation["breach_count"]) == (True, 3)
    due = ["2026-11-23T13:00:00Z", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"]
    assert [(each["metric"], each["due_at"]) for each in escalation["breaches"]] == [("update", at) for at in due]
    [event] = await story.events(path, "escalation.requested", who=story.customer)
    assert [each["cycle"] for each in event["data"]["breaches"]] == [1, 2, 3]


async def test_g5_what_an_accepted_escalation_was_about_is_no_new_breach(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    path = path_of(await story.open(priority="P2"))
    await story.pass_time("PT3H")
    asked = {"reason": "no_update", "justification": "We were promised an answer within two hours"}
    first = await story.customer.post(f"{path}/escalations", 201, **asked)
    await story.engineer.post(f"/v1/escalations/{first['id']}/accept", message="An expert takes over.")
    again = await story.customer.post(f"{path}/escalations", 201, **asked)
    assert (again["breach_verified"], again["breaches"]) == (False, [])
    await story.customer.post(f"/v1/escalations/{again['id']}/withdraw")
    await story.pass_time("PT5H")
    third = await story.customer.post(f"{path}/escalations", 201, **asked)
    assert [(each["metric"], each["cycle"]) for each in third["breaches"]] == [("update", 2)]


async def test_g5_the_business_impact_grew(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    path = path_of(await story.open(priority="P3"))
    asked = {
        "reason": "business_impact",
        "justification": "The shop is down now",
        "requested_priority": "P1",
        "business_impact": "No order can be taken",
    }
    escalation = await story.customer.post(f"{path}/escalations", 201, **asked)
    assert escalation["breach_verified"] is None
    await story.engineer.post(f"/v1/escalations/{escalation['id']}/accept")
    ticket = await story.customer.get(path)
    assert (ticket["priority"], ticket["priority_source"]) == ("P1", "escalation")
    assert ticket["call"]["state"] == "ready"


async def test_g5_several_exchanges_without_a_solution(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    path = path_of(await story.open(**P1))
    for _ in range(3):
        await story.pass_time("PT20M")
        await story.engineer.post(f"{path}/messages", 201, body="Please try again.")
        await story.customer.post(f"{path}/messages", 201, body="It still fails.")
    [suggested] = await story.events(path, "escalation.suggested", who=story.customer)
    assert suggested["data"] == {"reason": "too_many_exchanges", "turns": 6}
    asked = {"reason": "too_many_exchanges", "justification": "We go round in circles"}
    assert (await story.customer.post(f"{path}/escalations", 201, **asked))["breach_verified"] is True
