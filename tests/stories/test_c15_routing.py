"""C15: what a miss does about a ticket's engineer: another one is chosen, and a raise to P1 alerts an expert."""

from typing import Any

from app.core.db.engine import Sessions
from tests.support.desk import store_plan
from tests.support.experts import add_expert, advance
from tests.support.stories import P1, Begin, Story, path_of

TARGETS = {"P1": {"first_response": "PT1H"}, "P2": {"first_response": "PT30M", "resolution": "PT1H"}}


async def on_plan(begin: Begin, sessions: Sessions, **plan: Any) -> Story:
    """A sandbox on a changed google-premium."""
    story = await begin(
        "google-premium", sandbox={"starts_at": "2026-11-20T09:00:00Z"}, call_link="https://meet.example/a"
    )
    await store_plan(sessions, "google-premium", targets=TARGETS, **plan)
    return story


async def test_c15_an_automatic_raise_alerts_an_expert_and_the_call_waits_for_the_yes(
    begin: Begin, sessions: Sessions
) -> None:
    story = await on_plan(begin, sessions, on_miss={"resolution": ["raise_priority"]})
    ida = await add_expert(story, "Ida")
    ticket = await story.open(priority="P2")
    await advance(story, by="PT61M")
    [alerted] = await story.events(path_of(ticket), "expert.alerted")
    assert alerted["timestamp"] == "2026-11-20T10:00:00.000001Z"
    seen = await story.product.get(path_of(ticket))
    assert (seen["priority"], seen["assignee"], seen["call"]) == ("P1", ida.id, None)
    await ida.caller.post(f"/v1/alerts/{alerted['data']['alert_id']}/accept")
    assert (await story.product.get(path_of(ticket)))["call"]["state"] == "ready"


async def test_c15_reassign_gives_the_ticket_to_somebody_else_who_is_there(begin: Begin, sessions: Sessions) -> None:
    story = await on_plan(begin, sessions, on_miss={"first_response": ["reassign"]})
    ida = await add_expert(story, "Ida")
    ticket = await story.open(priority="P2")
    alone = await story.open(priority="P2", product="mail")
    for each in (ticket, alone):
        await story.product.post(f"{path_of(each)}/assign", engineer_id=ida.id)
    ole = await add_expert(story, "Ole", capacity=1)
    await advance(story, by="PT31M")
    [given] = await story.events(path_of(ticket), "ticket.handed_over")
    assert (given["data"]["to"]["engineer_id"], given["data"]["reason"]) == (ole.id, "missed")
    [note] = (await story.product.get(f"{path_of(ticket)}/messages"))["items"]
    assert (note["visibility"], note["body"].splitlines()[0]) == ("internal", "Hand-over from Ida to Ole")
    assert (await story.product.get(path_of(alone)))["assignee"] == ida.id  # nobody else has room


async def test_c15_reassign_of_a_p1_alerts_the_next_one(begin: Begin, sessions: Sessions) -> None:
    story = await on_plan(begin, sessions, on_miss={"first_response": ["reassign"]}, alert={"accept": "PT10H"})
    ida, ole = await add_expert(story, "Ida"), await add_expert(story, "Ole")
    ticket = await story.open(**P1)
    assert ticket["assignee"] == ida.id
    await advance(story, by="PT61M")
    assert [event["data"]["engineer_id"] for event in await story.events(path_of(ticket), "expert.alerted")] == [
        ida.id,
        ole.id,
    ]
    assert [event["data"]["reason"] for event in await story.events(path_of(ticket), "expert.cancelled")] == ["missed"]
