"""G7 with shift overrides: somebody stands in for somebody else, and P1s follow."""

from typing import Any, Final

import pytest

from tests.support.actors import Headers
from tests.support.experts import Expert, add_expert, add_regions, advance
from tests.support.stories import P1, Begin, Caller, Story, path_of

START: Final = "2026-10-20T08:00:00Z"
"""Ten o'clock in Warsaw: emea is on shift until 16:00 UTC, apac until 09:00."""


@pytest.fixture
async def story(begin: Begin) -> Story:
    story = await begin("google-premium", sandbox={"starts_at": START})
    await add_regions(story)
    return story


async def engaged(story: Story, **fields: Any) -> Any:
    ticket = await story.open(**P1 | fields)
    [alert] = (await story.product.get("/v1/alerts", ticket_id=ticket["id"]))["items"]
    await story.product.post(f"/v1/alerts/{alert['id']}/accept")
    return ticket


async def override(story: Story, admin: Headers, whom: Expert, by: Expert, since: str, until: str) -> Any:
    roster = Caller(story.customer.client, admin)
    span = {"from": f"2026-10-20T{since}:00Z", "until": f"2026-10-20T{until}:00Z"}
    return await roster.post(f"/v1/engineers/{whom.id}/overrides", 201, covered_by=by.id, **span)


async def handovers(story: Story, ticket: Any) -> list[tuple[str, str, str]]:
    events = await story.events(path_of(ticket), "ticket.handed_over")
    to = [(event["timestamp"][11:16], event["data"]["to"]) for event in events]
    return [(at, party["engineer_id"], party["region"]) for at, party in to]


async def test_g7_who_covers_takes_over_what_is_under_way_in_the_same_region(story: Story, admin: Headers) -> None:
    noor = await add_expert(story, "Noor", region="emea")
    ola = await add_expert(story, "Ola", region="americas")
    await add_expert(story, "Tom", region="emea")
    ticket = await engaged(story)
    assert ticket["assignee"] == noor.id
    await override(story, admin, noor, ola, "10:00", "14:00")
    await advance(story, to="2026-10-20T13:59:00Z")
    assert await handovers(story, ticket) == [("10:00", ola.id, "emea")]
    seen = await story.product.get(path_of(ticket))
    assert (seen["assignee"], seen["region"], seen["routing"]["next_at"]) == (ola.id, "emea", "2026-10-20T14:00:00Z")


async def test_g7_a_cover_that_is_deleted_ends_at_once(story: Story, admin: Headers) -> None:
    noor = await add_expert(story, "Noor", region="emea")
    ola = await add_expert(story, "Ola", region="americas")
    made = await override(story, admin, noor, ola, "10:00", "14:00")
    await advance(story, to="2026-10-20T11:00:00Z")
    ticket = await engaged(story)
    assert ticket["assignee"] == ola.id
    roster = Caller(story.customer.client, admin)
    answer = await roster.send("DELETE", f"/v1/engineers/{noor.id}/overrides/{made['id']}")
    assert answer.status_code == 204
    await advance(story, by="PT1M")
    assert await handovers(story, ticket) == [("11:00", noor.id, "emea")]


async def test_g7_a_ticket_of_one_region_waits_for_whoever_covers_there(story: Story, admin: Headers) -> None:
    noor = await add_expert(story, "Noor", region="emea")
    ola = await add_expert(story, "Ola", region="americas")
    await override(story, admin, noor, ola, "10:00", "18:00")
    ticket = await engaged(story, region_lock="emea")
    await advance(story, to="2026-10-20T15:59:00Z")
    assert await handovers(story, ticket) == [("10:00", ola.id, "emea")]
    seen = await story.product.get(path_of(ticket))
    assert seen["routing"]["next_at"] == "2026-10-20T16:00:00Z"
    await advance(story, to="2026-10-20T16:30:00Z")
    assert (await story.product.get(path_of(ticket)))["routing"]["reason"] == "unstaffed"


async def test_g7_candidates_say_who_is_covered(story: Story, admin: Headers) -> None:
    noor = await add_expert(story, "Noor", region="emea")
    ola = await add_expert(story, "Ola", region="americas")
    await override(story, admin, noor, ola, "08:00", "10:00")
    ticket = await story.open(**P1)
    candidates = (await story.product.get(f"{path_of(ticket)}/candidates"))["candidates"]
    assert {each["engineer_id"]: each["reason"] for each in candidates} == {ola.id: "only", noor.id: "covered"}
