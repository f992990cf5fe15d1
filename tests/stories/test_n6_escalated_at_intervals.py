"""N6: updates are owed from the opening; what is not solved is escalated at intervals, and the customer reads of it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from app.core.db.engine import Sessions
from app.core.settings import Settings
from tests.support.experts import add_expert
from tests.support.stories import Begin, Story, due, path_of

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SANDBOX: Final = {"sandbox": {"starts_at": START.isoformat()}}
MIA: Final = {"name": "Mia Chen", "email": "mia@example.com"}


def hours(instant: str) -> float:
    """After the opening."""
    return round((datetime.fromisoformat(instant) - START) / timedelta(hours=1), 6)


async def said(story: Story, path: str) -> list[tuple[float, str]]:
    """What the service has told the customer, and when."""
    messages = (await story.customer.get(f"{path}/messages", limit=200))["items"]
    return [(hours(each["created_at"]), each["body"]) for each in messages if each["author"]["kind"] == "automation"]


@pytest.mark.parametrize(("priority", "interval", "update"), [("critical", 4, 2), ("high", 8, 4), ("normal", 48, 24)])
async def test_n6_without_hybrid_the_manager_gets_it_at_the_same_intervals(
    begin: Begin, priority: str, interval: int, update: int
) -> None:
    story = await begin("itil-native", manager=MIA, locale="es", **SANDBOX)
    ticket = await story.open(priority=priority)
    path = path_of(ticket)
    assert (hours(due(ticket, "tier_escalation")), hours(due(ticket, "update"))) == (interval, update)
    await story.pass_time(f"PT{2 * interval + 1}H")
    made = await story.events(path, "escalation.automatic", who=story.product)
    managed = [event for event in made if event["data"]["metric"] == "tier_escalation"]
    assert [hours(event["timestamp"]) for event in managed] == [interval, 2 * interval]
    assert {event["data"]["notified"][0]["email"] for event in managed} == {MIA["email"]}
    text = "Hemos escalado su ticket al responsable de su cuenta."
    assert await said(story, path) == [(interval, text), (2 * interval, text)]
    ticket = await story.customer.get(path)
    tiers = [d for d in ticket["deadlines"] if d["metric"] == "tier_escalation"]
    assert [(d["cycle"], d["state"]) for d in tiers] == [(1, "met"), (3, "running")]
    assert ticket["tier"] == 1


async def test_n6_with_hybrid_it_goes_up_and_then_to_the_manager(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], manager=MIA, **SANDBOX)
    await add_expert(story, "Ida", tier=2)
    path = path_of(await story.open(priority="critical"))
    await story.pass_time("PT13H")
    assert await said(story, path) == [
        (4, "We have escalated your ticket to support tier 2."),
        (8, "We have escalated your ticket to support tier 3."),
        (8, "Nobody of support tier 3 is available at the moment. Your ticket waits there until somebody is."),
        (12, "We have escalated your ticket to the manager of your account."),
    ]


async def test_n6_a_customer_reads_of_an_engineers_hand_over_too(begin: Begin) -> None:
    story = await begin("itil-native", addons=["hybrid"], **SANDBOX)
    path = path_of(await story.open(priority="high"))
    await add_expert(story, "Ida", tier=3)
    await story.product.post(f"{path}/assign", tier=3)
    await story.product.post(f"{path}/assign", tier=2)
    assert await said(story, path) == [(0, "We have escalated your ticket to support tier 3.")]


async def test_n6_without_a_manager_nobody_is_promised(begin: Begin, sessions: Sessions) -> None:
    story = await begin("itil-native", **SANDBOX)
    path = path_of(await story.open(priority="critical"))
    await story.pass_time("PT5H")
    [(hour, text)] = await said(story, path)
    assert (hour, text.partition(". ")[2]) == (
        4,
        "At present there is nobody to whom we can escalate it, so it stays where it is.",
    )
    event = (await story.events(path, "escalation.automatic", who=story.customer))[-1]
    assert (event["data"]["notified"], event["data"]["unreachable"]) == ([], ["manager"])
    sessions.kw["info"]["stand_in"] = Settings(escalation_contact="lead@example.com").stand_in
    await story.pass_time("PT4H")
    assert (await said(story, path))[1:] == [(8, "We have escalated your ticket within our support.")]


async def test_n6_an_answer_restarts_the_update_that_was_owed_from_the_opening(begin: Begin) -> None:
    story = await begin("itil-native", **SANDBOX)
    path = path_of(await story.open(priority="critical"))
    await story.pass_time("PT10M")
    ticket: Any = await story.product.get(path)
    assert hours(due(ticket, "update")) == 2
    await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    assert hours(due(await story.customer.get(path), "update")) == pytest.approx(2 + 1 / 6)
    await story.pass_time("PT3H")
    ticket = await story.customer.get(path)
    assert [hours(due(ticket, "update", cycle)) for cycle in (1, 2)] == pytest.approx([2 + 1 / 6, 4 + 1 / 6])
