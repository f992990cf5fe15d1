"""G8: a ticket that is raised to P1 is reassigned to an expert who is available now."""

from typing import Final

import pytest

from tests.support.desk import fetch
from tests.support.experts import add_expert, daily
from tests.support.stories import P1, Begin, Story, path_of

NIGHT: Final = daily("UTC", "20:00", "24:00")


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium", sandbox={"starts_at": "2026-11-20T09:00:00Z"})


async def test_g8_the_present_engineer_keeps_it_if_available(story: Story) -> None:
    await add_expert(story, "Ada")
    ida = await add_expert(story, "Ida", tier=3)
    ticket = await story.open(priority="P3")
    await story.product.post(f"{path_of(ticket)}/assign", engineer_id=ida.id)
    raised = await story.customer.post(
        f"{path_of(ticket)}/priority", priority="P1", reason="Production is down", business_impact="No sales"
    )
    assert raised["assignee"] == ida.id
    seen = await story.product.get(path_of(ticket))
    assert seen["routing"]["state"] == "alerted"
    assert raised["call"]["state"] == "ready"


async def test_g8_else_somebody_available_now_takes_it(story: Story) -> None:
    ada = await add_expert(story, "Ada")
    ida = await add_expert(story, "Ida", shifts=NIGHT)
    ticket = await story.open(priority="P3")
    await story.product.post(f"{path_of(ticket)}/assign", engineer_id=ida.id)
    raised = await story.product.post(
        f"{path_of(ticket)}/priority", priority="P1", reason="Production is down", business_impact="No sales"
    )
    assert raised["assignee"] == ada.id
    assert (await story.open(**P1))["assignee"] is None


async def test_g8_an_accepted_escalation_alerts_an_expert_too(story: Story) -> None:
    ada = await add_expert(story, "Ada")
    ticket = await story.open(priority="P3")
    asked = await story.customer.post(
        f"{path_of(ticket)}/escalations",
        201,
        reason="business_impact",
        justification="Now every shop is down",
        requested_priority="P1",
        business_impact="No sales",
    )
    await story.product.post(f"/v1/escalations/{asked['id']}/accept")
    seen = await story.product.get(path_of(ticket))
    assert (seen["priority"], seen["assignee"], seen["routing"]["state"]) == ("P1", ada.id, "alerted")


async def test_g8_support_sees_who_is_available_now_and_why(story: Story) -> None:
    ida, ole = await add_expert(story, "Ida"), await add_expert(story, "Ole")
    await fetch(story.sessions, "UPDATE engineers SET active = false WHERE id = $1", ole.id)
    ticket = await story.open(priority="P3")
    before = await story.events(path_of(ticket))
    seen = await story.product.get(f"{path_of(ticket)}/candidates")
    by_id = {one["engineer_id"]: one for one in seen["candidates"]}
    assert [one["engineer_id"] for one in seen["candidates"] if one["first"]] == [seen["candidates"][0]["engineer_id"]]
    assert (by_id[ida.id]["name"], by_id[ida.id]["held_for"], by_id[ida.id]["open_tickets"]) == ("Ida", None, 0)
    assert (by_id[ole.id]["reason"], by_id[ole.id]["first"]) == ("inactive", False)
    urgent = await story.open(**P1)
    seen = await story.product.get(f"{path_of(ticket)}/candidates")
    held = next(one for one in seen["candidates"] if one["held_for"])
    assert (held["engineer_id"], held["held_for"], held["reason"]) == (urgent["assignee"], urgent["id"], "held")
    await story.customer.get(f"{path_of(ticket)}/candidates", 403)
    assert await story.events(path_of(ticket)) == before
