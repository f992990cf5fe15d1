"""W1: a technical account manager hears of reopened P1s and of outcomes; and what is told where nobody can be."""

from typing import Any, Final

import pytest

from tests.support.stories import P1, Begin, Story, path_of

NOON: Final = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}
TOM: Final = {"name": "Tom Berg", "email": "tom@example.com"}
MIA: Final = {"name": "Mia Chen", "email": "mia@example.com"}
ASKED: Final = {"reason": "wrong_priority", "justification": "It is worse"}


async def one(story: Story, path: str, kind: str) -> Any:
    [event] = await story.events(path, kind, who=story.product)
    return event["data"]


@pytest.mark.parametrize(("priority", "told"), [("P1", [{"role": "tam", **TOM}]), ("P2", [])])
async def test_w1_the_tam_hears_of_a_reopened_p1(begin: Begin, priority: str, told: list[Any]) -> None:
    story = await begin("wati-business-plus", tam=TOM, addons=["tam"], **NOON)
    path = path_of(await story.open(**P1 | {"priority": priority}))
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.customer.post(f"{path}/messages", 201, body="It fails again.")
    assert (await one(story, path, "ticket.reopened"))["notified"] == told


@pytest.mark.parametrize(("step", "kind"), [("accept", "accepted"), ("decline", "declined"), ("withdraw", "withdrawn")])
async def test_w1_the_tam_hears_of_an_escalations_outcome(begin: Begin, step: str, kind: str) -> None:
    story = await begin("wati-business-plus", tam=TOM, addons=["tam"], **NOON)
    path = path_of(await story.open(priority="P3"))
    escalation = await story.customer.post(f"{path}/escalations", 201, **ASKED)
    who = story.customer if step == "withdraw" else story.engineer
    body = {"reason": "As it should be"} if step == "decline" else {}
    await who.post(f"/v1/escalations/{escalation['id']}/{step}", **body)
    assert (await one(story, path, f"escalation.{kind}"))["notified"] == [{"role": "tam", **TOM}]
    seen = (await story.events(path, f"escalation.{kind}", who=story.customer))[0]
    assert seen["data"]["notified"] == [{"role": "tam"}]


async def test_z_premium_a_miss_that_reaches_nobody_says_so(begin: Begin) -> None:
    story = await begin("zmanda-premium", **NOON)
    path = path_of(await story.open(priority="P1"))
    await story.pass_time("PT16M")
    missed = await one(story, path, "escalation.automatic")
    assert (missed["notified"], missed["unreachable"]) == ([], ["manager"])


async def test_z_premium_a_miss_that_reaches_the_manager_says_so(begin: Begin) -> None:
    story = await begin("zmanda-premium", manager=MIA, **NOON)
    path = path_of(await story.open(priority="P1"))
    await story.pass_time("PT16M")
    missed = await one(story, path, "escalation.automatic")
    assert (missed["notified"], missed["unreachable"]) == ([{"role": "manager", **MIA}], [])
