"""N8: a ticket whose customer does not answer is resolved after reminders, and an answer opens it again."""

from typing import Any, Final

from tests.support.desk import store_plan
from tests.support.stories import P1, Begin, path_of

SANDBOX: Final = {"sandbox": {"starts_at": "2026-11-20T09:00:00Z"}}


def of(events: list[Any], *types: str) -> list[tuple[str, str]]:
    return [(event["type"], event["timestamp"]) for event in events if event["type"] in types]


async def test_n8_reminded_then_resolved_then_closed(begin: Begin) -> None:
    story = await begin("itil-native", locale="fr", time_zone="Europe/Paris", **SANDBOX)
    path = path_of(await story.open(priority="high"))
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version is it?")
    happened = await story.pass_time("PT500H")
    assert of(happened, "ticket.customer_reminded", "ticket.status_changed") == [
        ("ticket.customer_reminded", "2026-11-23T09:00:00.000000Z"),
        ("ticket.status_changed", "2026-11-27T09:00:00.000000Z"),
        ("ticket.status_changed", "2026-12-04T09:00:00.000000Z"),
    ]
    resolved = next(event for event in happened if event["type"] == "ticket.status_changed")
    assert (resolved["data"]["to"], resolved["data"]["reason"], resolved["actor"]["kind"]) == (
        "resolved",
        "unanswered",
        "service",
    )
    _, reminder, ending = [each["body"] for each in (await story.customer.get(f"{path}/messages"))["items"]]
    assert reminder.startswith("Nous attendons votre réponse")
    assert "vendredi 27 novembre 2026" in reminder
    assert "10:00" in reminder
    assert ending.startswith("Sans nouvelles de votre part, nous avons considéré ce ticket comme résolu.")
    assert (await story.customer.get(path))["status"] == "closed"


async def test_n8_an_answer_opens_it_again(begin: Begin) -> None:
    story = await begin("itil-native", **SANDBOX)
    path = path_of(await story.open(priority="high"))
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version is it?")
    await story.pass_time("PT170H")
    assert (await story.customer.get(path))["status"] == "resolved"
    await story.customer.post(f"{path}/messages", 201, body="It is 3.6.")
    ticket = await story.customer.get(path)
    assert (ticket["status"], ticket["resolved_at"]) == ("open", None)
    [reopened] = await story.events(path, "ticket.reopened")
    assert reopened["actor"]["kind"] == "customer"


async def test_n8_who_escalates_has_answered(begin: Begin) -> None:
    """Else the customer would read that we had not heard from it."""
    story = await begin("itil-native", **SANDBOX)
    path = path_of(await story.open(priority="high"))
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version is it?")
    await story.pass_time("PT80H")
    await story.engineer.post(f"{path}/escalations", 201, reason="no_update", justification="It is stuck.")
    assert (await story.customer.get(path))["status"] == "waiting_on_customer"
    await story.customer.post(f"{path}/escalations", 201, reason="no_update", justification="Nobody helps.")
    assert (await story.customer.get(path))["status"] == "open"
    assert not of(await story.pass_time("PT500H"), "ticket.customer_reminded", "ticket.status_changed")


async def test_n8_an_answer_in_time_ends_the_wait(begin: Begin) -> None:
    story = await begin("itil-native", **SANDBOX)
    path = path_of(await story.open(priority="high"))
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version is it?")
    await story.pass_time("PT168H")
    await story.customer.post(f"{path}/messages", 201, body="It is 3.6.")
    assert not of(await story.pass_time("PT500H"), "ticket.customer_reminded", "ticket.status_changed")
    assert (await story.customer.get(path))["status"] == "open"


async def test_n8_a_plan_that_does_not_say_so_waits_for_ever(begin: Begin) -> None:
    story = await begin("zmanda-standard", **SANDBOX)
    path = path_of(await story.open(priority="P3"))
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version is it?")
    await story.pass_time("PT500H")
    assert (await story.customer.get(path))["status"] == "waiting_on_customer"


async def test_n8_the_call_and_the_expert_of_such_a_ticket_are_free_again(begin: Begin) -> None:
    sessions = (await begin("google-premium")).sessions
    rules = {"remind": ["PT72H"], "resolve": "PT168H"}
    story = await begin(await store_plan(sessions, "google-premium", key="ours", waiting=rules), **SANDBOX)
    path = path_of(await story.open(**P1))
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version is it?")
    happened = await story.pass_time("PT169H")
    ticket = await story.product.get(path)
    assert (ticket["status"], ticket["call"]["state"], ticket["routing"]) == ("resolved", "ended", None)
    assert "call.ended" in [event["type"] for event in happened]
