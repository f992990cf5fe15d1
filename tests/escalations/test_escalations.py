"""Escalations that the service makes of a miss (W4), and what support does about them."""

from datetime import timedelta
from typing import Any

import pytest

from app.core.db.engine import Sessions
from app.core.ids import new_id
from tests.support.desk import store_plan
from tests.support.stories import Begin, Caller, Story, deadline
from tests.support.sweeping import run_pass

MIA = {"name": "Mia Chen", "email": "mia@example.com"}
TOM = {"name": "Tom Berg", "email": "tom@example.com"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("wati-business-plus", manager=MIA, tam=TOM, addons=["tam"])


async def missed(story: Story, priority: str = "P2", hours: float = 9) -> str:
    """The path of a ticket opened so long ago, after a sweep."""
    path = await story.open_at(await story.now() - timedelta(hours=hours), priority=priority)
    await run_pass(story.sessions)
    return path


async def listed(caller: Caller, path: str) -> list[Any]:
    found: list[Any] = (await caller.get(f"{path}/escalations"))["items"]
    return found


async def test_w4_a_missed_resolution_is_escalated(story: Story) -> None:
    path = await missed(story)
    ticket = await story.customer.get(path)
    assert (ticket["priority"], ticket["priority_source"], ticket["escalated"]) == ("P1", "automatic", True)
    cycles = [deadline(ticket, "resolution", cycle) for cycle in (1, 2)]
    assert [(each["state"], each["priority"]) for each in cycles] == [("missed", "P2"), ("running", "P1")]
    assert cycles[1]["started_at"] == cycles[0]["due_at"] == cycles[0]["missed_at"]
    [changed] = await story.events(path, "ticket.priority_changed")
    assert {name: changed["data"][name] for name in ("from", "to", "source", "reason")} == {
        "from": "P2",
        "to": "P1",
        "source": "automatic",
        "reason": "missed",
    }
    assert (changed["actor"]["kind"], changed["timestamp"]) == ("service", cycles[0]["due_at"])


async def test_w4_a_record_is_made_and_manager_and_tam_are_told_once(story: Story) -> None:
    path = await missed(story)
    await run_pass(story.sessions)
    [record] = await listed(story.customer, path)
    assert (record["kind"], record["reason"], record["state"]) == ("service", "resolution_time", "requested")
    assert record["breach_verified"] is True
    assert record["requested_at"] == deadline(await story.customer.get(path), "resolution")["due_at"]
    [told] = await story.events(path, "escalation.automatic")
    assert told["data"] == {
        "escalation_id": record["id"],
        "reason": "resolution_time",
        "metric": "resolution",
        "cycle": 1,
        "priority": "P2",
        "notified": [{"role": "manager", **MIA}, {"role": "tam", **TOM}],
        "unreachable": [],
    }
    assert (told["actor"]["kind"], told["audience"]) == ("service", "public")


async def test_w4_at_p1_nothing_is_higher_and_it_is_escalated_once(story: Story) -> None:
    path = await missed(story, "P1", 5)
    ticket = await story.customer.get(path)
    assert (ticket["priority"], ticket["priority_source"]) == ("P1", "requested")
    assert [d["cycle"] for d in ticket["deadlines"] if d["metric"] == "resolution"] == [1]
    await run_pass(story.sessions)
    await story.engineer.post(f"{path}/messages", 201, body="Still on it.")
    assert len(await story.events(path, "escalation.automatic")) == len(await listed(story.customer, path)) == 1


async def test_who_is_not_named_is_not_told(begin: Begin) -> None:
    story = await begin("wati-business-plus", manager=MIA)
    path = await missed(story)
    [told] = await story.events(path, "escalation.automatic")
    assert told["data"]["notified"] == [{"role": "manager", **MIA}]


async def test_a_manager_can_be_told_without_an_escalation(begin: Begin) -> None:
    story = await begin("google-premium", manager=MIA)
    path = await missed(story, "P2", 3)
    [told] = await story.events(path, "escalation.automatic")
    assert (told["data"]["escalation_id"], told["data"]["metric"]) == (None, "first_response")
    assert (await story.customer.get(path))["escalated"] is False
    assert await listed(story.customer, path) == []


async def test_missed_together_the_record_is_of_the_miss_that_opens_it(begin: Begin, sessions: Sessions) -> None:
    key = await store_plan(
        sessions,
        "wati-business-plus",
        key="twins",
        targets={"P2": {"first_response": "PT1H", "resolution": "PT1H"}},
        on_miss={"first_response": ["notify_manager"], "resolution": ["open_escalation"]},
    )
    story = await begin(key, manager=MIA)
    path = await missed(story, "P2", 2)
    [told] = await story.events(path, "escalation.automatic")
    assert (told["data"]["metric"], [each["role"] for each in told["data"]["notified"]]) == ("resolution", ["manager"])
    [record] = await listed(story.engineer, path)
    await story.engineer.post(f"/v1/escalations/{record['id']}/acknowledge")
    assert deadline(await story.engineer.get(path), "escalation_ack")["state"] == "met_late"


# --- acknowledging ---------------------------------------------------------------------------------------------


async def test_acknowledging_stops_its_clock(story: Story) -> None:
    path = await missed(story, hours=8.2)
    assert deadline(await story.engineer.get(path), "escalation_ack")["state"] == "running"
    [record] = await listed(story.engineer, path)
    acknowledged = await story.engineer.post(f"/v1/escalations/{record['id']}/acknowledge")
    assert acknowledged["state"] == "acknowledged"
    ticket = await story.engineer.get(path)
    ack = deadline(ticket, "escalation_ack")
    assert (ack["state"], ack["ended_at"], ticket["escalated"]) == ("met", acknowledged["acknowledged_at"], True)
    [event] = await story.events(path, "escalation.acknowledged")
    assert (event["data"]["escalation_id"], event["actor"]["kind"]) == (record["id"], "engineer")
    problem = await story.engineer.post(f"/v1/escalations/{record['id']}/acknowledge", 409)
    assert "already acknowledged" in problem["detail"]


async def test_support_acknowledges_and_nobody_else(story: Story, begin: Begin) -> None:
    path = await missed(story)
    [record] = await listed(story.customer, path)
    other = await begin("wati-business-plus")
    await story.customer.post(f"/v1/escalations/{record['id']}/acknowledge", 403)
    await other.customer.post(f"/v1/escalations/{record['id']}/acknowledge", 404)
    await story.engineer.post(f"/v1/escalations/{new_id('esc')}/acknowledge", 404)
    assert await listed(story.customer, path) == [record]


async def test_supports_own_deadline_is_hidden_from_customers(story: Story) -> None:
    path = await missed(story)
    for where in (path, f"{path}/deadlines"):
        seen, shown = await story.engineer.get(where), await story.customer.get(where)
        metrics = [{d["metric"] for d in each.get("deadlines", each.get("items"))} for each in (seen, shown)]
        assert metrics[0] - metrics[1] == {"escalation_ack"}
    for event in await story.events(path):
        assert (event["audience"] == "internal") == (event["data"].get("metric") == "escalation_ack")
    assert "escalation_ack" not in str(await story.events(path, who=story.customer))
    listing = await story.customer.get("/v1/tickets")
    assert "escalation_ack" not in str(listing)


# --- ending ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["resolved", "closed"])
@pytest.mark.parametrize("acknowledged", [False, True])
async def test_ending_the_ticket_closes_them(story: Story, status: str, *, acknowledged: bool) -> None:
    path = await missed(story)
    [record] = await listed(story.engineer, path)
    if acknowledged:
        await story.engineer.post(f"/v1/escalations/{record['id']}/acknowledge")
    ticket = await story.product.post(f"{path}/status", status=status)
    assert ticket["escalated"] is False
    [record] = await listed(story.engineer, path)
    assert (record["state"], record["ended_at"]) == ("closed", ticket[f"{status}_at"])
    await story.engineer.post(f"/v1/escalations/{record['id']}/acknowledge", 409)


async def test_a_miss_that_nobody_had_noticed_is_escalated_before_the_ticket_ends(story: Story) -> None:
    """C09: the sweep was late, an engineer resolves: the escalation is on record, and closed."""
    path = await story.open_at(await story.now() - timedelta(hours=9), priority="P2")
    ticket = await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    assert [deadline(ticket, "resolution", cycle)["state"] for cycle in (1, 2)] == ["missed", "met"]
    [record] = await listed(story.customer, path)
    assert (record["state"], ticket["escalated"]) == ("closed", False)
    assert len(await story.events(path, "escalation.automatic")) == 1
