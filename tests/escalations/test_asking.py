"""Escalations that people ask for (G5, W5), what becomes of them, and who is told (W1)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.db.engine import Sessions
from app.escalations.rules import Breach, broken, verified
from tests.support.actors import make_account, make_key, make_person
from tests.support.desk import fetch, store_plan
from tests.support.stories import P1, Begin, Caller, Story, deadline, path_of, pointers

MIA = {"name": "Mia Chen", "email": "mia@example.com"}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOM = {"name": "Tom Berg", "email": "tom@example.com"}
ASKED: dict[str, Any] = {"reason": "business_impact", "justification": "Two more shops are hit"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium", manager=MIA)


async def asked(story: Story, path: str, who: Caller | None = None, **fields: Any) -> Any:
    return await (who or story.customer).post(f"{path}/escalations", 201, **ASKED | fields)


async def test_g5_a_customer_escalates_with_a_reason(story: Story) -> None:
    path = path_of(await story.open(priority="P3"))
    escalation = await asked(story, path)
    assert {name: escalation[name] for name in ("kind", "reason", "state", "breach_verified", "decision")} == {
        "kind": "customer",
        "reason": "business_impact",
        "state": "requested",
        "breach_verified": None,
        "decision": None,
    }
    ticket = await story.engineer.get(path)
    ack = deadline(ticket, "escalation_ack")
    assert (ticket["escalated"], ack["state"], ack["subject"]) == (True, "running", escalation["id"])
    assert ack["started_at"] == escalation["requested_at"]
    [told] = await story.events(path, "escalation.requested", who=story.customer)
    assert (told["actor"]["kind"], told["data"]["justification"]) == ("customer", ASKED["justification"])
    assert told["data"]["notified"] == [{"role": "manager"}]
    [told] = await story.events(path, "escalation.requested")
    assert told["data"]["notified"] == [{"role": "manager", **MIA}]


async def test_g5_a_second_one_for_the_same_reason_is_answered_with_the_first(story: Story) -> None:
    path = path_of(await story.open())
    first = await asked(story, path)
    problem = await story.customer.post(f"{path}/escalations", 409, **ASKED)
    assert problem["escalation"] == first
    assert (await asked(story, path, reason="wrong_priority"))["id"] != first["id"]
    assert (await asked(story, path, who=story.engineer))["kind"] == "engineer"
    await story.customer.post(f"/v1/escalations/{first['id']}/withdraw")
    assert (await asked(story, path))["id"] != first["id"]


async def test_g5_no_update_is_checked_at_that_instant(story: Story) -> None:
    now = await story.now()
    in_time, late = [await story.open_at(now - timedelta(hours=age), priority="P2") for age in (1, 3)]
    assert (await asked(story, in_time, reason="no_update"))["breach_verified"] is False
    assert (await asked(story, late, reason="no_update"))["breach_verified"] is True
    await story.engineer.post(f"{late}/messages", 201, body="We are on it.")
    assert (await asked(story, late, who=story.engineer, reason="no_update"))["breach_verified"] is True


async def test_g5_a_resolution_that_was_missed_stays_a_breach(begin: Begin) -> None:
    """Also after the miss has raised the priority and a faster resolution runs."""
    story = await begin("wati-business-plus")
    now = await story.now()
    in_time, late = [await story.open_at(now - timedelta(hours=age), priority="P2") for age in (7, 9)]
    assert (await asked(story, in_time, reason="resolution_time"))["breach_verified"] is False
    assert (await asked(story, late, reason="resolution_time"))["breach_verified"] is True


async def test_g5_after_several_exchanges_an_escalation_is_suggested_once(story: Story) -> None:
    path = path_of(await story.open())
    for turn in range(1, 9):
        who = story.engineer if turn % 2 else story.customer
        await who.post(f"{path}/messages", 201, body=f"Turn {turn}")
        await who.post(f"{path}/messages", 201, body="And one more thing")
        suggested = await story.events(path, "escalation.suggested")
        assert [event["data"] for event in suggested] == (
            [{"reason": "too_many_exchanges", "turns": 6}] if turn >= 6 else []
        )
        if turn == 5:
            await story.engineer.post(f"{path}/messages", 201, body="A note", visibility="internal")
            early = await asked(story, path, reason="too_many_exchanges")
            assert early["breach_verified"] is False
            await story.customer.post(f"/v1/escalations/{early['id']}/withdraw")
    assert (await asked(story, path, reason="too_many_exchanges"))["breach_verified"] is True


async def test_turns_are_counted_anew_after_a_resolution(story: Story) -> None:
    path = path_of(await story.open())
    for turn in range(1, 6):
        await (story.engineer if turn % 2 else story.customer).post(f"{path}/messages", 201, body="?")
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.customer.post(f"{path}/reopen", message="It is not.")
    assert (await asked(story, path, reason="too_many_exchanges"))["breach_verified"] is False


@pytest.mark.parametrize(
    ("reason", "promised", "missed", "turns", "expected"),
    [
        ("no_update", ["update"], ["update"], 0, True),
        ("no_update", ["first_response"], ["resolution"], 0, False),
        ("no_update", [], ["first_response"], 0, True),
        ("no_update", ["resolution"], ["resolution"], 0, None),
        ("resolution_time", ["resolution"], ["resolution"], 0, True),
        ("resolution_time", ["resolution"], ["update"], 0, False),
        ("resolution_time", [], [], 0, None),
        ("too_many_exchanges", [], [], 6, True),
        ("too_many_exchanges", [], [], 5, False),
        ("technical_expertise", ["update"], ["update"], 9, None),
    ],
)
def test_which_promise_a_reason_names(
    reason: str, promised: list[str], missed: list[str], turns: int, *, expected: bool | None
) -> None:
    breaches = broken(reason, [Breach(metric, 1, NOON, None) for metric in missed], since=None)
    assert verified(reason, promised=promised, breaches=breaches, turns=turns, exchanges=6) is expected


def test_g5_breaches_are_open_or_later_than_the_last_accepted_escalation() -> None:
    hours = [NOON + timedelta(hours=hour) for hour in range(4)]
    earlier, reached, later = (Breach("update", cycle, hours[cycle], hours[3]) for cycle in (0, 1, 2))
    still_open = Breach("first_response", 1, hours[0], None)
    missed = [later, reached, still_open, earlier]
    assert broken("no_update", missed, since=hours[1]) == (still_open, later)
    assert broken("no_update", missed, since=None) == (still_open, earlier, reached, later)
    assert broken("resolution_time", missed, since=None) == ()


async def test_w5_the_severity_does_not_reflect_the_impact(begin: Begin) -> None:
    """Accepted, the escalation raises the priority; the customer may not do so by itself with this plan."""
    story = await begin("itil-native")
    path = path_of(await story.open(priority="normal"))
    await story.customer.post(f"{path}/priority", 403, priority="high", reason="Now")
    escalation = await asked(story, path, reason="wrong_priority", requested_priority="high")
    accepted = await story.engineer.post(f"/v1/escalations/{escalation['id']}/accept", message="You are right.")
    assert (accepted["state"], accepted["decision"]) == ("accepted", "You are right.")
    assert accepted["acknowledged_at"] == accepted["ended_at"]
    ticket = await story.engineer.get(path)
    assert (ticket["priority"], ticket["priority_source"], ticket["escalated"]) == ("high", "escalation", False)
    assert deadline(ticket, "escalation_ack")["state"] == "met"
    [changed] = await story.events(path, "ticket.priority_changed")
    assert changed["data"]["reason"] == ASKED["justification"]
    kinds = [event["type"] for event in await story.events(path) if event["type"].startswith("escalation.")]
    assert kinds == ["escalation.requested", "escalation.acknowledged", "escalation.accepted"]


async def test_accepting_moves_the_tier_and_reassigns(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"])
    path = path_of(await story.open(priority="high"))
    one = await asked(story, path, reason="technical_expertise")
    accept = f"/v1/escalations/{one['id']}/accept"
    assert pointers(await story.engineer.post(accept, 422, tier=4)) == ["/tier"]
    assert pointers(await story.engineer.post(accept, 422, priority="P1")) == ["/priority"]
    assert pointers(await story.engineer.post(accept, 422, assignee_id="eng_01k9w2z8n1d6p0k4g9c5w8r7xe")) == [
        "/assignee_id"
    ]
    assert (await story.engineer.get(path))["tier"] == 1
    await story.engineer.post(accept, tier=2, assignee_id=story.engineer_id)
    ticket = await story.engineer.get(path)
    assert (ticket["tier"], ticket["assignee"], ticket["priority"]) == (2, story.engineer_id, "high")
    [told] = await story.events(path, "escalation.accepted")
    assert (told["data"]["tier"], told["data"]["assignee"]) == (2, story.engineer_id)


async def test_g8_an_escalation_to_p1_brings_its_texts_and_gets_a_call(story: Story) -> None:
    path = path_of(await story.open(priority="P3", call_link="https://meet.example/a"))
    problem = await story.customer.post(f"{path}/escalations", 422, **ASKED, requested_priority="P1")
    assert pointers(problem) == ["/business_impact"]
    escalation = await asked(story, path, requested_priority="P1", business_impact="No sales in 40 shops")
    await story.engineer.post(f"/v1/escalations/{escalation['id']}/accept")
    ticket = await story.engineer.get(path)
    assert (ticket["priority"], ticket["business_impact"]) == ("P1", "No sales in 40 shops")
    assert ticket["call"]["state"] == "ready"


async def test_declining_says_why(story: Story) -> None:
    path = path_of(await story.open())
    escalation = await asked(story, path)
    where = f"/v1/escalations/{escalation['id']}"
    await story.engineer.post(f"{where}/decline", 422)
    declined = await story.engineer.post(f"{where}/decline", reason="The fix is being rolled out")
    assert (declined["state"], declined["decision"]) == ("declined", "The fix is being rolled out")
    [told] = await story.events(path, "escalation.declined", who=story.customer)
    assert told["data"]["detail"] == "The fix is being rolled out"
    assert (await story.engineer.get(path))["escalated"] is False
    for action, body in (("acknowledge", {}), ("accept", {}), ("decline", {"reason": "No"})):
        assert "already declined" in (await story.engineer.post(f"{where}/{action}", 409, **body))["detail"]
    await story.customer.post(f"{where}/withdraw", 409)


async def test_only_whoever_asked_withdraws(story: Story) -> None:
    path = path_of(await story.open())
    escalation = await asked(story, path)
    where = f"/v1/escalations/{escalation['id']}/withdraw"
    await story.engineer.post(where, 403)
    await make_person(story.sessions, story.account.account_id, "eda@solar-roofs.example", "editor")
    await story.customer.post(where, 403, actor={"email": "eda@solar-roofs.example"})
    assert (await story.customer.post(where))["state"] == "withdrawn"
    ticket = await story.engineer.get(path)
    ack = deadline(ticket, "escalation_ack")
    assert (ticket["escalated"], ack["state"], ack["reason"]) == (False, "cancelled", "withdrawn")


async def test_while_another_one_is_open_the_ticket_stays_escalated(story: Story) -> None:
    path = path_of(await story.open())
    one, other = await asked(story, path), await asked(story, path, reason="wrong_priority")
    await story.engineer.post(f"/v1/escalations/{one['id']}/decline", reason="No")
    assert (await story.engineer.get(path))["escalated"] is True
    await story.engineer.post(f"/v1/escalations/{other['id']}/decline", reason="No")
    assert (await story.engineer.get(path))["escalated"] is False


async def test_resolving_closes_all_of_them(story: Story) -> None:
    path = path_of(await story.open())
    await asked(story, path)
    await asked(story, path, who=story.engineer)
    ticket = await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    found = (await story.engineer.get(f"{path}/escalations"))["items"]
    assert {(each["state"], each["ended_at"]) for each in found} == {("closed", ticket["resolved_at"])}
    await story.customer.post(f"{path}/escalations", 409, **ASKED)


async def test_what_a_plan_does_not_offer(begin: Begin, sessions: Sessions) -> None:
    rules = {"reasons": ["no_update"], "acknowledge": "PT15M"}
    few = await store_plan(sessions, "wati-business-plus", key="few", escalation=rules)
    story = await begin(few)
    path = path_of(await story.open())
    assert pointers(await story.customer.post(f"{path}/escalations", 422, **ASKED)) == ["/reason"]
    nobody = {"priority": "any", "escalate": False}
    await store_plan(sessions, "wati-business-plus", key="none", escalation=None, customer_may=nobody)
    none = await begin("none")
    await none.customer.post(f"{path_of(await none.open())}/escalations", 403, **ASKED)
    await store_plan(sessions, "wati-business-plus", key="ours", customer_may=nobody)
    ours = await begin("ours")
    path = path_of(await ours.open())
    await ours.customer.post(f"{path}/escalations", 403, **ASKED)
    assert (await asked(ours, path, who=ours.engineer))["kind"] == "engineer"


async def test_another_accounts_ticket_and_escalation_are_not_found(story: Story) -> None:
    path = path_of(await story.open())
    escalation = await asked(story, path)
    other = await make_account(story.sessions, "google-premium")
    theirs = Caller(story.customer.client, await make_key(story.sessions, account_id=other.account_id, role="owner"))
    await theirs.post(f"{path}/escalations", 404, **ASKED)
    await theirs.post(f"/v1/escalations/{escalation['id']}/withdraw", 404)


async def test_two_at_once_make_one(story: Story) -> None:
    """The ticket's lock lets one pass; the other one is told of it."""
    for _ in range(5):
        path = path_of(await story.open())
        first, second = await asyncio_pair(story.customer, f"{path}/escalations", ASKED)
        assert sorted((first.status_code, second.status_code)) == [201, 409]
    assert (await fetch(story.sessions, "SELECT count(*) FROM escalations"))[0]["count"] == 5


async def asyncio_pair(who: Caller, path: str, body: Any) -> Any:
    return await asyncio.gather(who.send("POST", path, body), who.send("POST", path, body))


# --- who is told -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("addons", [[], ["tam"]])
async def test_w1_a_tam_is_told_of_every_p1_and_every_escalation_where_it_is_bought(
    begin: Begin, addons: list[str]
) -> None:
    story = await begin("wati-business-plus", manager=MIA, tam=TOM, addons=addons)
    tam = [{"role": "tam", **TOM}] if addons else []
    urgent, slow = await story.open(**P1), await story.open(priority="P3")
    [opened] = await story.events(path_of(urgent), "ticket.opened")
    assert opened["data"]["notified"] == tam
    [opened] = await story.events(path_of(slow), "ticket.opened")
    assert opened["data"]["notified"] == []
    await story.engineer.post(f"{path_of(slow)}/priority", priority="P1", reason="Production", business_impact="All")
    [raised] = await story.events(path_of(slow), "ticket.priority_changed")
    assert raised["data"]["notified"] == tam
    await asked(story, path_of(slow))
    [requested] = await story.events(path_of(slow), "escalation.requested")
    assert requested["data"]["notified"] == [{"role": "manager", **MIA}, *tam]
