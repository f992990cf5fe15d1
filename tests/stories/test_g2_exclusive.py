"""G2: the moment a ticket is P1, an expert is alerted and works on nothing else until it is mitigated or lowered."""

from typing import Any, Final

import pytest

from tests.support.actors import Headers
from tests.support.desk import fetch
from tests.support.experts import Expert, add_expert, advance
from tests.support.stories import P1, Begin, Caller, Story, deadline, path_of
from tests.support.sweeping import run_pass

START: Final = "2026-11-20T09:00:00Z"
MANAGER: Final = {"name": "Mia Chen", "email": "mia@example.com"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium", sandbox={"starts_at": START}, manager=MANAGER)


async def alert_of(story: Story, ticket: Any, **wanted: Any) -> Any:
    """The newest alert of a ticket."""
    return (await story.product.get("/v1/alerts", ticket_id=ticket["id"], **wanted))["items"][0]


async def read(story: Story, ticket: Any) -> Any:
    return await story.product.get(path_of(ticket))


async def test_g2_an_expert_is_alerted_with_the_opening_and_accepts(story: Story) -> None:
    ida = await add_expert(story, "Ida")
    ticket = await story.open(**P1)
    assert ticket["assignee"] == ida.id
    alert = await alert_of(story, ticket)
    assert (alert["state"], alert["engineer_id"], alert["accept_by"]) == ("alerted", ida.id, "2026-11-20T09:05:00Z")
    seen = await read(story, ticket)
    assert (seen["routing"]["state"], seen["routing"]["alert_id"]) == ("alerted", alert["id"])
    assert deadline(seen, "alert_ack")["due_at"] == alert["accept_by"]
    assert (await story.customer.get(path_of(ticket)))["routing"] is None
    [event] = await story.events(path_of(ticket), "expert.alerted")
    assert (event["timestamp"], event["audience"]) == ("2026-11-20T09:00:00.000000Z", "internal")
    assert event["data"]["candidates"] == [
        {"engineer_id": ida.id, "engineer_name": "Ida", "taken": True, "reason": "only"}
    ]
    await advance(story, by="PT2M")
    accepted = await ida.caller.post(f"/v1/alerts/{alert['id']}/accept")
    assert (accepted["state"], accepted["ended_at"]) == ("accepted", "2026-11-20T09:02:00Z")
    seen = await read(story, ticket)
    assert (seen["status"], seen["routing"]["state"], seen["assignee"]) == ("open", "engaged", ida.id)
    assert deadline(seen, "alert_ack")["state"] == "met"
    await ida.caller.post(f"/v1/alerts/{alert['id']}/accept", 409)
    public = await story.events(path_of(ticket), who=story.customer)
    assert not [each for each in public if each["type"].startswith("expert.")]


async def test_g2_not_accepted_in_time_the_next_one_is_alerted_until_the_manager_is_told(story: Story) -> None:
    await add_expert(story, "Ida")
    await add_expert(story, "Ole", tier=2)
    ticket = await story.open(**P1)
    await advance(story, by="PT5M")
    assert len(await story.events(path_of(ticket), "expert.alerted")) == 1
    await advance(story, by="PT10M")
    first, second = await story.events(path_of(ticket), "expert.alerted")
    assert second["timestamp"] == "2026-11-20T09:05:00.000001Z"
    expired = await story.events(path_of(ticket), "expert.cancelled")
    assert [event["data"]["reason"] for event in expired] == ["expired", "expired"]
    assert expired[0]["data"]["engineer_id"] == first["data"]["engineer_id"] != second["data"]["engineer_id"]
    [exhausted] = await story.events(path_of(ticket), "routing.round_exhausted", "routing.unstaffed")
    assert (exhausted["type"], exhausted["data"]["round"]) == ("routing.round_exhausted", 1)
    [manager] = exhausted["data"]["notified"]
    assert manager.items() >= {"role": "manager", **MANAGER}.items()
    assert {each["reason"] for each in exhausted["data"]["candidates"]} == {"tried"}
    seen = await read(story, ticket)
    assert (seen["assignee"], seen["routing"]["state"]) == (None, "queued")
    states = [alert["state"] for alert in (await story.product.get("/v1/alerts"))["items"]]
    assert states == ["expired", "expired"]
    assert not [each for each in seen["deadlines"] if each["metric"] == "alert_ack" and not each["ended_at"]]


async def test_g2_declined_the_next_one_is_alerted_at_once(story: Story) -> None:
    ida, ole = await add_expert(story, "Ida"), await add_expert(story, "Ole", tier=2)
    ticket = await story.open(**P1)
    alert = await alert_of(story, ticket)
    await ole.caller.post(f"/v1/alerts/{alert['id']}/decline", 403, reason="Not mine")
    declined = await ida.caller.post(f"/v1/alerts/{alert['id']}/decline", reason="I am on a train")
    assert (declined["state"], declined["reason"]) == ("declined", "I am on a train")
    assert (await read(story, ticket))["assignee"] == ole.id
    [event] = await story.events(path_of(ticket), "expert.declined")
    assert (event["actor"]["id"], event["data"]["reason"]) == (ida.id, "I am on a train")
    own = (await ole.caller.get("/v1/alerts"))["items"]
    assert [(each["engineer_id"], each["state"]) for each in own] == [(ole.id, "alerted")]
    await ole.caller.post(f"/v1/alerts/{own[0]['id']}/decline", reason="Neither can I")
    seen = await read(story, ticket)
    assert (seen["assignee"], seen["routing"]["state"]) == (None, "queued")


async def test_g2_a_held_engineer_gets_no_other_ticket_and_hands_on_what_they_had(story: Story) -> None:
    ida = await add_expert(story, "Ida")
    mine = [await story.open(title=f"Mine {number}") for number in range(2)]
    for each in mine:
        await story.product.post(f"{path_of(each)}/assign", engineer_id=ida.id)
    ole = await add_expert(story, "Ole", capacity=1, tier=3)
    p1 = await story.open(**P1)
    assert p1["assignee"] == ida.id
    handed, kept = sorted([await read(story, each) for each in mine], key=lambda each: each["assignee"] == ida.id)
    assert (handed["assignee"], handed["routing"]) == (ole.id, None)
    [over] = await story.events(path_of(handed), "ticket.handed_over")
    assert (over["data"]["from"]["engineer_id"], over["data"]["reason"]) == (ida.id, "exclusive")
    assert (kept["assignee"], kept["routing"]["state"], kept["routing"]["reason"]) == (ida.id, "queued", "owner_held")
    [waits] = await story.events(path_of(kept), "routing.unstaffed")
    assert (waits["data"]["reason"], waits["data"]["notified"][0]["email"]) == ("owner_held", MANAGER["email"])
    problem = await story.product.post(f"{path_of(mine[0])}/assign", 409, engineer_id=ida.id)
    assert problem["held_for"] == p1["id"]
    await ida.caller.post(f"{path_of(p1)}/status", status="open")
    await ida.caller.post(f"{path_of(p1)}/status", status="mitigated")
    assert (await read(story, p1))["routing"] is None
    assert (await read(story, p1))["assignee"] == ida.id
    back = await read(story, kept)
    assert (back["assignee"], back["routing"]) == (ida.id, None)
    [over] = await story.events(path_of(kept), "ticket.handed_over")
    assert (over["data"]["to"]["engineer_id"], over["data"]["reason"]) == (ida.id, "owner_free")
    await story.product.post(f"{path_of(handed)}/assign", engineer_id=ida.id)


async def test_g2_a_mitigated_p1_whose_expert_is_needed_elsewhere_keeps_somebody_responsible(story: Story) -> None:
    ida = await add_expert(story, "Ida")
    first = await story.open(**P1)
    await ida.caller.post(f"/v1/alerts/{(await alert_of(story, first))['id']}/accept")
    await ida.caller.post(f"{path_of(first)}/status", status="mitigated")
    second = await story.open(**P1)
    assert second["assignee"] == ida.id
    seen = await read(story, first)
    assert (seen["status"], seen["assignee"], seen["routing"]["reason"]) == ("mitigated", ida.id, "owner_held")
    await ida.caller.post(f"/v1/alerts/{(await alert_of(story, second))['id']}/accept")
    await ida.caller.post(f"{path_of(second)}/status", status="resolved", message="Done.")
    assert (await read(story, first))["routing"] is None


async def test_g2_what_is_reopened_while_its_engineer_is_held_waits_for_them(story: Story) -> None:
    ida = await add_expert(story, "Ida")
    mine = await story.open(priority="P2")
    await story.product.post(f"{path_of(mine)}/assign", engineer_id=ida.id)
    await ida.caller.post(f"{path_of(mine)}/status", status="resolved", message="Done.")
    p1 = await story.open(**P1)
    await story.customer.post(f"{path_of(mine)}/reopen", message="It fails again.")
    seen = await read(story, mine)
    assert (seen["assignee"], seen["routing"]["reason"]) == (ida.id, "owner_held")
    [waits] = await story.events(path_of(mine), "routing.unstaffed")
    assert waits["data"]["notified"][0]["email"] == MANAGER["email"]
    await story.customer.post(f"{path_of(p1)}/withdraw")
    assert (await read(story, mine))["routing"] is None


@pytest.mark.parametrize("away", [{"active": False}, {"absences": [{"from": START, "to": "2026-11-27T09:00:00Z"}]}])
async def test_g2_what_waits_does_not_come_back_to_an_engineer_who_is_away(
    story: Story, admin: Headers, away: dict[str, Any]
) -> None:
    ida = await add_expert(story, "Ida")
    mine = await story.open(priority="P2")
    await story.product.post(f"{path_of(mine)}/assign", engineer_id=ida.id)
    p1 = await story.open(**P1)
    await Caller(story.customer.client, admin).patch(f"/v1/engineers/{ida.id}", **away)
    await story.customer.post(f"{path_of(p1)}/withdraw")
    seen = await read(story, mine)
    assert (seen["assignee"], seen["routing"]["reason"]) == (ida.id, "owner_held")
    ole = await add_expert(story, "Ole")
    await advance(story, by="PT1S")
    seen = await read(story, mine)
    assert (seen["assignee"], seen["routing"]) == (ole.id, None)


async def test_g2_live_too_what_waits_for_its_engineer_comes_back(begin: Begin) -> None:
    live = await begin("google-premium", manager=MANAGER)
    mine = await live.open(priority="P2")
    await live.engineer.post(f"{path_of(mine)}/assign", engineer_id=live.engineer_id)
    p1 = await live.open(**P1)
    assert p1["assignee"] == live.engineer_id
    seen = await read(live, mine)
    assert (seen["assignee"], seen["routing"]["reason"]) == (live.engineer_id, "owner_held")
    await live.engineer.post(f"{path_of(p1)}/status", status="resolved", message="Done.")
    seen = await read(live, mine)
    assert (seen["assignee"], seen["routing"]) == (live.engineer_id, None)
    notices = await fetch(
        live.sessions,
        "SELECT n.recipient ->> 'role' AS role FROM notices AS n JOIN events AS e ON e.id = n.event_id"
        " WHERE e.ticket_id = $1 AND e.type = ANY ($2::text[]) ORDER BY e.sequence",
        mine["id"],
        ["routing.unstaffed", "ticket.handed_over"],
    )
    assert [row["role"] for row in notices] == ["manager", "expert"]


async def ends(story: Story, ticket: Any, ida: Expert, how: str) -> None:
    """Let the exclusive work end in one of its ways."""
    path = path_of(ticket)
    if how in ("mitigated", "resolved", "closed"):
        if (await read(story, ticket))["status"] == "new":
            await story.product.post(f"{path}/status", status="open")
        message = {"message": "Done."} if how == "resolved" else {}
        await ida.caller.post(f"{path}/status", status=how, **message)
    elif how == "withdrawn":
        await story.customer.post(f"{path}/withdraw")
    elif how == "merged":
        await ida.caller.post(f"{path}/merge", into=(await story.open())["id"])
    else:
        await ida.caller.post(f"{path}/priority", priority="P2", reason="Calmer")


@pytest.mark.parametrize("how", ["mitigated", "resolved", "closed", "withdrawn", "merged", "lowered"])
@pytest.mark.parametrize("accepted", [True, False])
async def test_g2_the_hold_ends_and_the_oldest_queued_ticket_is_placed(story: Story, how: str, accepted: bool) -> None:  # noqa: FBT001
    ida = await add_expert(story, "Ida")
    first = await story.open(**P1)
    alert = await alert_of(story, first)
    waiting = []
    for number in range(2):
        await advance(story, by="PT1M")
        waiting.append(await story.open(**P1, title=f"Waiting {number}"))
    if accepted:
        await ida.caller.post(f"/v1/alerts/{alert['id']}/accept")
    assert [each["assignee"] for each in waiting] == [None, None]
    assert [(await read(story, each))["routing"]["state"] for each in waiting] == ["queued"] * 2
    await ends(story, first, ida, how)
    assert [(await read(story, each))["assignee"] for each in waiting] == [ida.id, None]
    assert (await alert_of(story, first))["state"] == ("accepted" if accepted else "cancelled")
    if not accepted:
        [event] = await story.events(path_of(first), "expert.cancelled")
        expected = {"withdrawn": "closed", "merged": "closed"}.get(how, how)
        assert event["data"]["reason"] == expected


async def test_g2_mitigated_and_open_again_an_expert_is_alerted_anew(story: Story) -> None:
    ida = await add_expert(story, "Ida")
    await add_expert(story, "Ole")
    ticket = await story.open(**P1)
    await ida.caller.post(f"/v1/alerts/{(await alert_of(story, ticket))['id']}/accept")
    await ida.caller.post(f"{path_of(ticket)}/status", status="mitigated")
    await ida.caller.post(f"{path_of(ticket)}/status", status="open")
    assert (await alert_of(story, ticket, state="alerted"))["engineer_id"] == ida.id
    assert (await read(story, ticket))["routing"]["state"] == "alerted"


async def test_g2_given_to_somebody_by_hand_nobody_need_be_asked(story: Story) -> None:
    ida, ole = await add_expert(story, "Ida"), await add_expert(story, "Ole")
    ticket = await story.open(**P1)
    await story.product.post(f"{path_of(ticket)}/assign", engineer_id=ole.id)
    seen = await read(story, ticket)
    assert (seen["assignee"], seen["routing"]["state"]) == (ole.id, "engaged")
    assert (await alert_of(story, ticket))["state"] == "cancelled"
    other = await story.open(**P1)
    assert other["assignee"] == ida.id
    await story.product.post(f"{path_of(other)}/assign", 409, engineer_id=ole.id)
    await story.product.post(f"{path_of(ticket)}/assign", engineer_id=None)
    assert (await read(story, ticket))["routing"]["state"] == "queued"


async def test_g2_a_ticket_in_the_queue_is_tried_again_when_somebody_comes_on_shift(story: Story) -> None:
    shifts = {"time_zone": "UTC", "weekly": {"fri": [["10:00", "18:00"]]}}
    ida = await add_expert(story, "Ida", shifts=shifts)
    ticket = await story.open(**P1)
    assert ticket["assignee"] is None
    assert (await read(story, ticket))["routing"]["next_at"] == "2026-11-20T10:00:00Z"
    await advance(story, to="2026-11-20T10:00:00Z")
    assert (await read(story, ticket))["assignee"] == ida.id
    [event] = await story.events(path_of(ticket), "expert.alerted")
    assert event["timestamp"] == "2026-11-20T10:00:00.000000Z"
    assert len(await story.events(path_of(ticket), "routing.unstaffed")) == 1


async def test_g2_who_declined_is_asked_again_in_the_next_round_and_not_before(story: Story) -> None:
    days = {"fri": [["08:00", "12:00"]], "sat": [["08:00", "12:00"]]}
    ida = await add_expert(story, "Ida", shifts={"time_zone": "UTC", "weekly": days})
    ticket = await story.open(**P1)
    await ida.caller.post(f"/v1/alerts/{(await alert_of(story, ticket))['id']}/decline", reason="Not now")
    await story.customer.post(f"{path_of(ticket)}/messages", 201, body="Hello?")
    assert len(await story.events(path_of(ticket), "expert.alerted")) == 1
    assert (await read(story, ticket))["routing"]["next_at"] == "2026-11-20T09:05:00Z"
    await advance(story, to="2026-11-20T09:05:00Z")
    [_, again] = await story.events(path_of(ticket), "expert.alerted")
    assert (again["timestamp"], again["data"]["engineer_id"]) == ("2026-11-20T09:05:00.000000Z", ida.id)


async def test_g2_who_has_done_other_work_is_asked_again_and_who_refused_other_work_is_not(story: Story) -> None:
    ida = await add_expert(story, "Ida")
    first = await story.open(**P1)
    await ida.caller.post(f"/v1/alerts/{(await alert_of(story, first))['id']}/decline", reason="Not this one")
    second = await story.open(**P1)
    assert second["assignee"] == ida.id
    await ida.caller.post(f"/v1/alerts/{(await alert_of(story, second))['id']}/decline", reason="Nor this one")
    assert len(await story.events(path_of(first), "expert.alerted")) == 1
    third = await story.open(**P1)
    await ida.caller.post(f"/v1/alerts/{(await alert_of(story, third))['id']}/accept")
    await ida.caller.post(f"{path_of(third)}/status", status="resolved", message="Done.")
    assert (await read(story, first))["assignee"] == ida.id


async def test_g2_a_change_of_the_roster_is_noticed_at_once(begin: Begin, admin: Headers) -> None:
    live = await begin("google-premium")
    roster = Caller(live.customer.client, admin)
    ticket = await live.open(**P1)
    assert ticket["assignee"] == live.engineer_id
    await roster.patch(f"/v1/engineers/{live.engineer_id}", active=False)
    await run_pass(live.sessions)
    assert (await read(live, ticket))["routing"]["state"] == "queued"
    ida = await add_expert(live, "Ida")
    await run_pass(live.sessions)
    assert (await read(live, ticket))["assignee"] == ida.id


async def test_g2_other_plans_and_priorities_alert_nobody(story: Story) -> None:
    await add_expert(story, "Ida")
    ticket = await story.open(priority="P2")
    assert (ticket["assignee"], ticket["routing"]) == (None, None)
    assert (await story.product.get("/v1/alerts"))["items"] == []


async def test_g2_the_account_prefers_its_engineers(story: Story, admin: Headers) -> None:
    experts = [await add_expert(story, name) for name in ("Ada", "Ida", "Ole")]
    account = Caller(story.customer.client, admin)
    path = f"/v1/accounts/{story.account.account_id}"
    await account.patch(path, preferred_engineers=[experts[2].id, experts[1].id])
    assert [(await story.open(**P1))["assignee"] for _ in experts] == [experts[n].id for n in (2, 1, 0)]
