"""W1: a technical account manager hears of reopened P1s and of outcomes; and what is told where nobody can be."""

from typing import Any, Final

import pytest

from app.core.db.engine import Sessions
from app.core.settings import Settings
from tests.support.actors import make_key
from tests.support.stories import P1, Begin, Caller, Story, path_of

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


async def test_w1_an_account_that_bought_a_tam_and_names_none_says_so(begin: Begin) -> None:
    story = await begin("wati-business-plus", addons=["tam"], manager=MIA, **NOON)
    admin = Caller(story.customer.client, await make_key(story.sessions, "admin"))
    path = f"/v1/accounts/{story.account.account_id}"
    assert [(each["code"], each["pointer"]) for each in (await admin.get(path))["warnings"]] == [
        ("tam_missing", "/tam")
    ]
    listed = await admin.get("/v1/accounts")
    assert [each["warnings"][0]["code"] for each in listed["items"] if each["id"] == story.account.account_id] == [
        "tam_missing"
    ]
    assert (await story.customer.get(path))["warnings"] == []
    assert (await admin.patch(path, tam=TOM))["warnings"] == []
    bought = {"name": "Twin", "plan": "wati-business-plus", "time_zone": "UTC", "addons": ["tam"]}
    made = await admin.post("/v1/accounts", 201, **bought)
    assert {each["code"] for each in made["warnings"]} == {"tam_missing", "manager_missing"}


async def test_z_premium_an_account_without_a_manager_says_so(begin: Begin) -> None:
    story = await begin("zmanda-premium", **NOON)
    path = f"/v1/accounts/{story.account.account_id}"
    [warning] = (await story.product.get(path))["warnings"]
    assert (warning["code"], warning["pointer"]) == ("manager_missing", "/manager")
    assert (await story.customer.get(path))["warnings"] == []


NOBODY: Final[tuple[list[str], list[str]]] = ([], ["manager"])


def told(event: Any) -> tuple[Any, Any]:
    return event["notified"], event["unreachable"]


async def test_z_premium_whatever_reaches_nobody_says_so(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    path = path_of(await story.open(**P1, call_link="https://meet.example/a"))
    assert told(await one(story, path, "routing.unstaffed")) == NOBODY
    await story.customer.post(f"{path}/call/decline", reason="We are all in the server room")
    assert told(await one(story, path, "call.declined")) == NOBODY
    reason = {"reason": "business_impact", "justification": "It is worse", "business_impact": "All shops"}
    await story.customer.post(f"{path}/escalations", 201, **reason)
    assert told(await one(story, path, "escalation.requested")) == NOBODY


async def test_w1_a_p1_of_an_account_that_names_no_tam_says_so(begin: Begin) -> None:
    story = await begin("wati-business-plus", addons=["tam"], manager=MIA, **NOON)
    path = path_of(await story.open(**P1))
    assert told(await one(story, path, "ticket.opened")) == ([], ["tam"])
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.customer.post(f"{path}/messages", 201, body="It fails again.")
    assert told(await one(story, path, "ticket.reopened")) == ([], ["tam"])
    calm = path_of(await story.open(priority="P3"))
    assert told(await one(story, calm, "ticket.opened")) == ([], [])


async def test_z_premium_the_operators_contact_is_told_in_a_managers_place(begin: Begin, sessions: Sessions) -> None:
    sessions.kw["info"]["stand_in"] = Settings(escalation_contact="Team lead <lead@example.com>").stand_in
    story = await begin("zmanda-premium", **NOON)
    path = path_of(await story.open(priority="P1"))
    await story.pass_time("PT16M")
    missed = await one(story, path, "escalation.automatic")
    lead = {"role": "escalation_contact", "name": "Team lead", "email": "lead@example.com"}
    assert told(missed) == ([lead], [])
    [seen] = await story.events(path, "escalation.automatic", who=story.customer)
    assert seen["data"]["notified"] == [{"role": "escalation_contact"}]
    assert (await story.product.get(f"/v1/accounts/{story.account.account_id}"))["warnings"] == []
