"""N2: tier 1 solves quickly or hands over to the next tier, where the customer has bought hybrid support."""

from tests.support.stories import Begin, deadline, path_of, pointers

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}


async def test_n2_with_hybrid_support_there_are_further_tiers(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], **NOON)
    path = path_of(await story.open(priority="high"))
    await story.pass_time("PT3H")
    ticket = await story.engineer.post(f"{path}/assign", tier=2)
    first, second = (deadline(ticket, "tier_escalation", cycle) for cycle in (1, 2))
    assert (first["state"], first["stopped_by"], second["state"]) == ("met", "engineer", "running")
    moved = [e for e in await story.pass_time("PT8H1S") if e["type"] == "ticket.tier_changed"]
    assert [(event["data"]["from"], event["data"]["to"], event["actor"]["kind"]) for event in moved] == [
        (2, 3, "service")
    ]
    assert (await story.customer.get(path))["tier"] == 3
    assert pointers(await story.engineer.post(f"{path}/assign", 422, tier=4)) == ["/tier"]


async def test_n2_without_it_there_is_one_tier(begin: Begin) -> None:
    story = await begin("itil-native", **NOON)
    path = path_of(await story.open(priority="high"))
    assert pointers(await story.engineer.post(f"{path}/assign", 422, tier=2)) == ["/tier"]
    assert [e for e in await story.pass_time("PT24H") if e["type"] == "ticket.tier_changed"] == []
    assert "tier_escalation" not in {d["metric"] for d in (await story.customer.get(path))["deadlines"]}
