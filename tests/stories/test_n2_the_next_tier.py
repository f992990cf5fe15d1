"""N2: tier 1 solves quickly or hands over to the next tier, where the customer has bought hybrid support."""

from app.core.db.session import wake_ups_of
from app.sweep.staffing import fill_room
from tests.support.experts import add_expert
from tests.support.stories import Begin, deadline, path_of, pointers

MIA = {"name": "Mia Chen", "email": "mia@example.com"}
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
    assert (await story.customer.get(path))["tier"] == 1


async def test_n2_an_engineer_of_that_tier_who_is_on_shift_gets_it(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], locale="fr", **NOON)
    ida = await add_expert(story, "Ida", languages=["fr"])
    two = await add_expert(story, "Ole", tier=2, languages=["fr"])
    path = path_of(await story.open(priority="high"))
    await story.product.post(f"{path}/assign", engineer_id=ida.id)
    ticket = await ida.caller.post(f"{path}/assign", tier=2)
    assert (ticket["tier"], ticket["assignee"]) == (2, two.id)
    [over] = await story.events(path, "ticket.handed_over", who=story.customer)
    assert (over["data"]["to"]["engineer_name"], over["data"]["reason"]) == ("Ole", "tier")
    note = (await story.product.get(f"{path}/messages"))["items"][-1]
    assert (note["visibility"], note["body"].splitlines()[0]) == ("internal", "Passation de Ida à Ole")
    assert ", Élevée, " in note["body"].splitlines()[1]
    await ida.caller.post(f"{path}/assign", engineer_id=ida.id, tier=3)
    assert (await story.product.get(path))["assignee"] == ida.id


async def test_n2_the_service_moves_it_to_people_too(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], **NOON)
    ida, two = await add_expert(story, "Ida"), await add_expert(story, "Ole", tier=2)
    path = path_of(await story.open(priority="critical"))
    await story.product.post(f"{path}/assign", engineer_id=ida.id)
    await story.pass_time("PT4H1S")
    ticket = await story.product.get(path)
    assert (ticket["tier"], ticket["assignee"]) == (2, two.id)


async def test_n2_with_nobody_there_it_waits_in_the_queue_of_its_tier_and_its_lead_is_told(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], manager=MIA, **NOON)
    ida = await add_expert(story, "Ida")
    late = {"time_zone": "UTC", "weekly": {"mon": [["18:00", "22:00"]]}}
    two = await add_expert(story, "Ole", tier=2, shifts=late)
    path = path_of(await story.open(priority="high"))
    await story.product.post(f"{path}/assign", engineer_id=ida.id)
    ticket = await story.product.post(f"{path}/assign", tier=2)
    assert (ticket["assignee"], ticket["routing"]["state"], ticket["routing"]["reason"]) == (
        None,
        "queued",
        "unstaffed",
    )
    assert ticket["routing"]["next_at"] == "2026-11-23T18:00:00Z"
    [waits] = await story.events(path, "routing.unstaffed", who=story.product)
    assert waits["data"]["notified"][0]["email"] == MIA["email"]
    await story.pass_time("PT6H")
    ticket = await story.product.get(path)
    assert (ticket["assignee"], ticket["routing"]) == (two.id, None)


async def test_n2_what_waits_for_a_tier_and_moves_down_goes_to_people_there(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], manager=MIA, **NOON)
    two = await add_expert(story, "Ole", tier=2)
    path = path_of(await story.open(priority="high"))
    assert (await story.product.post(f"{path}/assign", tier=3))["assignee"] is None
    ticket = await story.product.post(f"{path}/assign", tier=2)
    assert (ticket["tier"], ticket["assignee"], ticket["routing"]) == (2, two.id, None)


async def test_n2_back_in_tier_1_the_engineer_of_tier_2_is_free(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], **NOON)
    two = await add_expert(story, "Ole", tier=2)
    path = path_of(await story.open(priority="high"))
    assert (await story.product.post(f"{path}/assign", tier=2))["assignee"] == two.id
    assert (await story.product.post(f"{path}/assign", tier=1))["assignee"] == two.id  # nobody else is there
    await story.product.post(f"{path}/assign", tier=2)
    ida = await add_expert(story, "Ida")
    ticket = await story.product.post(f"{path}/assign", tier=1)
    assert (ticket["tier"], ticket["assignee"]) == (1, ida.id)
    [*_, over] = await story.events(path, "ticket.handed_over", who=story.product)
    assert (over["data"]["from"]["engineer_id"], over["data"]["reason"]) == (two.id, "tier")
    await story.product.post(f"{path}/assign", tier=2)
    ticket = await story.product.post(f"{path}/assign", tier=1, engineer_id=two.id)
    assert ticket["assignee"] == two.id


async def test_n2_a_ticket_that_waits_is_taken_when_an_engineer_has_room(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], manager=MIA, **NOON)
    two = await add_expert(story, "Ole", tier=2, capacity=1)
    busy, waits = [path_of(await story.open(priority="high")) for _ in range(2)]
    assert (await story.product.post(f"{busy}/assign", tier=2))["assignee"] == two.id
    assert (await story.product.post(f"{waits}/assign", tier=2))["assignee"] is None
    await two.caller.post(f"{busy}/status", status="resolved", message="Fixed.")
    ticket = await story.product.get(waits)
    assert (ticket["assignee"], ticket["routing"]) == (two.id, None)


async def test_n2_nor_does_it_wait_longer_on_a_live_roster(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], manager=MIA)
    two = await add_expert(story, "Ole", tier=2, capacity=1)
    busy, waits = [path_of(await story.open(priority="high")) for _ in range(2)]
    assert (await story.product.post(f"{busy}/assign", tier=2))["assignee"] == two.id
    assert (await story.product.post(f"{waits}/assign", tier=2))["assignee"] is None
    assert await fill_room(story.sessions) == 0
    capacity = wake_ups_of(story.sessions()).capacity
    before = capacity.rings
    await two.caller.post(f"{busy}/status", status="resolved", message="Fixed.")
    assert capacity.rings == before + 1
    assert await fill_room(story.sessions) == 1
    assert (await story.product.get(waits))["assignee"] == two.id
    assert await fill_room(story.sessions) == 0
