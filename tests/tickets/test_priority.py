"""Changing the priority: who may, what it needs, what it moves."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.stories import P1, Begin, deadline, path_of, pointers

RAISE: dict[str, Any] = {"priority": "P1", "reason": "Now all shops are hit", "business_impact": "No sales"}


@pytest.mark.parametrize(
    ("plan", "channel", "raised", "lowered"),
    [
        ("zmanda-standard", "web", 200, 200),
        ("google-premium", "web", 200, 403),
        ("wati-business-plus", "web", 403, 403),
    ],
)
async def test_z2_what_a_customer_may_is_the_plans_choice(
    begin: Begin, plan: str, channel: str, raised: int, lowered: int
) -> None:
    story = await begin(plan)
    path = path_of(await story.open(priority="P3", channel=channel))
    answer = await story.customer.post(f"{path}/priority", raised, priority="P2", reason="It got worse")
    assert raised == 200 or "escalate" in answer["detail"]
    await story.customer.post(f"{path}/priority", lowered, priority="P4", reason="It got better")
    ticket = await story.engineer.post(f"{path}/priority", priority="P4", reason="As we see it")
    assert (ticket["priority"], ticket["priority_source"]) == ("P4", "override")


async def test_z2_an_override_stays_beside_the_assessment(begin: Begin) -> None:
    story = await begin("zmanda-standard")
    path = path_of(await story.open(impact="small", urgency="low"))
    ticket = await story.customer.post(f"{path}/priority", **RAISE)
    assert (ticket["priority"], ticket["priority_source"], ticket["matrix_priority"]) == ("P1", "override", "P4")


async def test_a_change_is_told_with_its_reason_and_its_actor(begin: Begin) -> None:
    story = await begin("google-premium")
    path = path_of(await story.open(priority="P3"))
    await story.customer.post(f"{path}/priority", priority="P2", reason="It got worse")
    [changed] = await story.events(path, "ticket.priority_changed")
    data, actor = changed["data"], changed["actor"]
    assert (data["from"], data["to"], data["reason"], data["source"]) == ("P3", "P2", "It got worse", "override")
    assert (actor["kind"], changed["audience"]) == ("customer", "public")


async def test_a_raise_moves_the_clock_and_says_so(begin: Begin) -> None:
    story = await begin("google-premium")
    opened = await story.open(priority="P3")
    path = path_of(opened)
    ticket = await story.engineer.post(f"{path}/priority", **RAISE)
    [moved] = await story.events(path, "deadline.moved")
    assert moved["data"]["reason"] == "priority_raised"
    ends = [datetime.fromisoformat(moved["data"][name]) for name in ("from", "to")]
    assert ends[0] == datetime.fromisoformat(opened["next_update_due_at"])
    assert ends[1] == datetime.fromisoformat(ticket["next_update_due_at"])
    assert ends[1] - datetime.fromisoformat(moved["timestamp"]) == timedelta(minutes=15)
    assert deadline(ticket, "first_response")["priority"] == "P1"


async def test_a_metric_of_the_new_priority_alone_starts(begin: Begin) -> None:
    story = await begin("google-premium")
    path = path_of(await story.open(priority="P3"))
    await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    assert [d["metric"] for d in (await story.customer.get(path))["deadlines"]] == ["first_response"]
    ticket = await story.engineer.post(f"{path}/priority", priority="P2", reason="Worse")
    assert deadline(ticket, "update")["state"] == "running"
    ticket = await story.engineer.post(f"{path}/priority", priority="P4", reason="Better")
    assert (deadline(ticket, "update")["state"], deadline(ticket, "update")["reason"]) == (
        "cancelled",
        "priority_lowered",
    )


async def test_g1_a_raise_to_p1_needs_the_impact_too(begin: Begin) -> None:
    story = await begin("google-premium")
    path = path_of(await story.open(priority="P2"))
    for caller in (story.customer, story.engineer):
        problem = await caller.post(f"{path}/priority", 422, priority="P1", reason="Down")
        assert pointers(problem) == ["/business_impact"]
        assert pointers(await caller.post(f"{path}/priority", 422, priority="P1")) == ["/reason"]
    ticket = await story.customer.post(f"{path}/priority", **RAISE)
    assert (ticket["business_impact"], ticket["priority_reason"]) == ("No sales", "Now all shops are hit")


async def test_an_impact_told_before_is_enough(begin: Begin) -> None:
    story = await begin("google-premium")
    path = path_of(await story.open(priority="P2", business_impact="Sales are slow"))
    ticket = await story.customer.post(f"{path}/priority", priority="P1", reason="Now they stopped")
    assert ticket["business_impact"] == "Sales are slow"


async def test_g8_a_ticket_raised_to_p1_gets_a_call(begin: Begin) -> None:
    story = await begin("google-premium", call_link="https://meet.solar-roofs.example/p1")
    path = path_of(await story.open(priority="P3"))
    assert (await story.customer.get(path))["call"] is None
    ticket = await story.customer.post(f"{path}/priority", **RAISE)
    assert (ticket["call"]["state"], ticket["call"]["join_url"]) == ("ready", "https://meet.solar-roofs.example/p1")
    assert deadline(ticket, "call_join")["state"] == "running"


@pytest.mark.parametrize("joined", [True, False], ids=["whose customer is in the call", "whose call waits"])
async def test_g8_a_p1_that_is_lowered_and_raised_again(begin: Begin, *, joined: bool) -> None:
    story = await begin("google-premium", call_link="https://meet.solar-roofs.example/p1")
    ticket = await story.open(**P1)
    path = path_of(ticket)
    if joined:
        await story.customer.post(f"{path}/call/join", participant="customer")
    lowered = await story.engineer.post(f"{path}/priority", priority="P2", reason="Calmer")
    assert lowered["call"]["state"] == ("joined" if joined else "ended")
    again = await story.engineer.post(f"{path}/priority", **RAISE)
    assert (again["call"]["id"] == ticket["call"]["id"]) is joined
    assert again["call"]["state"] == ("joined" if joined else "ready")
    assert len(await story.events(path, "call.ready")) == (1 if joined else 2)


async def test_unknown_and_unchanged_priorities(begin: Begin) -> None:
    story = await begin("itil-native")
    path = path_of(await story.open(priority="high"))
    assert pointers(await story.engineer.post(f"{path}/priority", 422, priority="P1", reason="Now")) == ["/priority"]
    await story.customer.post(f"{path}/priority", priority="high", reason="As it is")
    assert await story.events(path, "ticket.priority_changed", "deadline.moved") == []


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_an_ended_ticket_keeps_its_priority(begin: Begin, status: str) -> None:
    story = await begin("zmanda-standard")
    path = path_of(await story.open())
    await story.product.post(f"{path}/status", status=status)
    await story.engineer.post(f"{path}/priority", 409, **RAISE)


async def test_a_customer_moves_a_deadline_a_bounded_number_of_times_and_support_goes_on(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tickets.usecases.priority.MAX_TURNS", 4)
    story = await begin("zmanda-standard")
    path = path_of(await story.open(priority="P3"))
    for priority in ("P2", "P3", "P2", "P4"):
        await story.customer.post(f"{path}/priority", priority=priority, reason="As it looks")
    refused = await story.customer.post(f"{path}/priority", 409, priority="P3", reason="As it looks")
    assert "ask support" in refused["detail"]
    assert (await story.customer.get(path))["priority"] == "P4"
    ticket = await story.engineer.post(f"{path}/priority", priority="P3", reason="As we see it")
    assert ticket["priority"] == "P3"
