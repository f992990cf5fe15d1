"""Z1: a priority that came from the matrix follows impact and urgency; one that somebody asked for stays."""

from typing import Any

import pytest

from tests.support.desk import store_plan
from tests.support.stories import Begin, Story, due, path_of

MONDAY = {"sandbox": {"starts_at": "2026-11-23T15:00:00Z"}}
LARGE: dict[str, Any] = {"impact": "large", "urgency": "high"}
SMALL: dict[str, Any] = {"impact": "small", "urgency": "low"}


async def priority(story: Story, path: str) -> tuple[Any, ...]:
    ticket = await story.customer.get(path)
    return ticket["priority"], ticket["priority_source"], ticket["matrix_priority"], ticket["review_reason"]


async def test_z1_by_support_it_follows_with_its_event_and_clocks(begin: Begin) -> None:
    story = await begin("zmanda-standard", **MONDAY)
    opened = await story.open(**SMALL)
    path = path_of(opened)
    assert (opened["priority"], due(opened, "first_response")) == ("P4", "2026-11-25T21:00:00Z")
    ticket = await story.engineer.patch(path, **LARGE)
    assert (ticket["priority"], ticket["priority_source"]) == ("P1", "matrix")
    assert due(ticket, "first_response") == "2026-11-23T16:00:00Z"
    [changed] = await story.events(path, "ticket.priority_changed", who=story.customer)
    assert {name: changed["data"][name] for name in ("from", "to", "source", "reason")} == {
        "from": "P4",
        "to": "P1",
        "source": "matrix",
        "reason": "matrix",
    }
    assert (await story.engineer.patch(path, impact="small"))["priority"] == "P3"


async def test_z1_one_that_was_asked_for_stays_and_the_assessment_is_shown(begin: Begin) -> None:
    story = await begin("zmanda-standard", **MONDAY)
    path = path_of(await story.open(priority="P3", **SMALL))
    await story.engineer.patch(path, **LARGE)
    assert await priority(story, path) == ("P3", "requested", "P1", None)


async def test_z1_a_default_follows_once_the_matrix_says_something(begin: Begin) -> None:
    story = await begin("zmanda-standard", **MONDAY)
    path = path_of(await story.open(urgency="high"))
    await story.customer.patch(path, impact="large")
    assert await priority(story, path) == ("P1", "matrix", "P1", None)


@pytest.mark.parametrize(
    ("may", "patch", "expected"),
    [
        ("any", LARGE, ("P1", "matrix", "P1", None)),
        ("any", SMALL, ("P4", "matrix", "P4", None)),
        ("raise", LARGE, ("P1", "matrix", "P1", None)),
        ("raise", SMALL, ("P3", "matrix", "P4", "assessment")),
        ("none", LARGE, ("P3", "matrix", "P1", "assessment")),
    ],
    ids=["any-up", "any-down", "raise-up", "raise-down", "none-up"],
)
async def test_z1_by_a_customer_as_far_as_the_plan_allows(
    begin: Begin, may: str, patch: dict[str, str], expected: tuple[Any, ...]
) -> None:
    sessions = (await begin("zmanda-premium")).sessions
    rules = {"priority": may, "escalate": True}
    story = await begin(await store_plan(sessions, "zmanda-premium", key="ours", customer_may=rules), **MONDAY)
    path = path_of(await story.open(impact="medium", urgency="medium"))
    await story.customer.patch(path, **patch)
    assert await priority(story, path) == expected


async def test_z1_what_did_not_follow_is_reviewed(begin: Begin) -> None:
    story = await begin("itil-native", locale="fr", **MONDAY)
    path = path_of(await story.open(**SMALL))
    await story.customer.patch(path, **LARGE)
    assert await priority(story, path) == ("normal", "matrix", "critical", "assessment")
    [asked] = (await story.customer.get(f"{path}/messages"))["items"]
    assert asked["body"].startswith("L'impact ou l'urgence de votre ticket a changé.")
    await story.engineer.post(f"{path}/review", message="It stays.")
    await story.customer.patch(path, environment="non_production")
    assert await priority(story, path) == ("normal", "override", "critical", None)


async def test_z1_a_priority_whose_texts_the_ticket_lacks_is_reviewed(begin: Begin) -> None:
    sessions = (await begin("zmanda-premium")).sessions
    rules = {"P1": ["business_impact"]}
    story = await begin(await store_plan(sessions, "zmanda-premium", key="ours", requires=rules), **MONDAY)
    path = path_of(await story.open(**SMALL))
    await story.engineer.patch(path, **LARGE)
    assert await priority(story, path) == ("P4", "matrix", "P1", "assessment")
    ticket = await story.engineer.post(f"{path}/priority", priority="P1", reason="All shops", business_impact="All")
    assert (ticket["priority"], ticket["review_requested"]) == ("P1", False)


async def test_n8_what_support_assessed_is_for_supports_eyes(begin: Begin) -> None:
    story = await begin("zmanda-standard", **MONDAY)
    path = path_of(await story.open(priority="P1", **SMALL))
    assert (await story.engineer.get(path))["assessed_priority"] is None
    await story.engineer.patch(path, impact="medium")
    assert (await story.engineer.get(path))["assessed_priority"] == "P4"
    assert (await story.engineer.post(f"{path}/priority", priority="P2", reason="As we see it"))["priority"] == "P2"
    assert (await story.engineer.get(path))["assessed_priority"] == "P2"
    seen = await story.customer.get(path)
    assert (seen["assessed_priority"], seen["matrix_priority"]) == (None, "P4")
    [listed] = (await story.customer.get("/v1/tickets"))["items"]
    assert listed["assessed_priority"] is None
    [opened] = await story.events(path, "ticket.opened", who=story.customer)
    assert (opened["data"]["matrix_priority"], "assessed_priority" in opened["data"]) == ("P4", False)


@pytest.mark.parametrize("who", ["engineer", "product"])
async def test_n8_what_support_assesses_by_any_of_its_keys_is_kept(begin: Begin, who: str) -> None:
    story = await begin("zmanda-standard", **MONDAY)
    path = path_of(await story.open(priority="P1", **SMALL))
    await getattr(story, who).patch(path, impact="medium")
    assert (await story.engineer.get(path))["assessed_priority"] == "P4"
    await getattr(story, who).post(f"{path}/priority", priority="P2", reason="As we see it")
    assert (await story.engineer.get(path))["assessed_priority"] == "P2"


@pytest.mark.parametrize("who", ["engineer", "product"])
@pytest.mark.parametrize("how", ["reopen", "message", "status"])
async def test_z1_what_support_says_of_a_resolved_ticket_holds_once_it_is_reopened(
    begin: Begin, how: str, who: str
) -> None:
    may = {"priority": "none", "escalate": True}
    sessions = (await begin("zmanda-standard")).sessions
    story = await begin(await store_plan(sessions, "zmanda-standard", key="ours", customer_may=may), **MONDAY)
    path = path_of(await story.open(**SMALL))
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await getattr(story, who).patch(path, **LARGE)
    assert await priority(story, path) == ("P4", "matrix", "P1", None)
    ways: dict[str, tuple[int, Any]] = {
        "reopen": (200, {}),
        "message": (201, {"body": "It fails again."}),
        "status": (200, {"status": "open"}),
    }
    status, body = ways[how]
    await story.customer.post(f"{path}/{'messages' if how == 'message' else how}", status, **body)
    assert await priority(story, path) == ("P1", "matrix", "P1", None)
    [changed] = await story.events(path, "ticket.priority_changed", who=story.customer)
    assert (changed["data"]["source"], changed["actor"]["kind"]) == ("matrix", "automation")


async def test_z1_what_a_customer_says_of_a_resolved_ticket_is_reviewed_once_it_is_reopened(begin: Begin) -> None:
    story = await begin("itil-native", **MONDAY)
    path = path_of(await story.open(**SMALL))
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.customer.patch(path, **LARGE)
    assert await priority(story, path) == ("normal", "matrix", "critical", None)
    await story.engineer.post(f"{path}/reopen")
    assert await priority(story, path) == ("normal", "matrix", "critical", "assessment")
