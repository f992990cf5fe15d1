"""Z2, Z6, Z7, Z9: the customer may override; the channels of a plan; what is noted and kept; what priorities mean."""

from typing import Final

import pytest

from tests.support.stories import TICKET as TICKET_FIELDS
from tests.support.stories import Begin, path_of, pointers

NOON: Final = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}
MEANS: Final = {
    "P1": ("Data protection is lost completely.", "48 hours"),
    "P2": ("A significant function is lost, but the system still works.", "schedule slips"),
    "P3": ("A limited disturbance, for which there is a workaround.", "Report generation"),
    "P4": ("A minor fault, or a question.", "setting of the backup"),
}


async def test_z2_the_customer_overrides_the_priority(begin: Begin) -> None:
    story = await begin("zmanda-standard", **NOON)
    ticket = await story.open(impact="small", urgency="low")
    assert (ticket["priority"], ticket["priority_source"]) == ("P4", "matrix")
    for priority in ("P1", "P3"):
        after = await story.customer.post(f"{path_of(ticket)}/priority", priority=priority, reason="We see it so")
        assert (after["priority"], after["priority_source"], after["matrix_priority"]) == (priority, "override", "P4")


@pytest.mark.parametrize(
    ("plan", "offered", "refused"),
    [("zmanda-standard", ("phone", "web"), "email"), ("zmanda-premium", ("phone", "web"), "widget")],
)
async def test_z6_channels_by_plan(begin: Begin, plan: str, offered: tuple[str, ...], refused: str) -> None:
    story = await begin(plan, **NOON)
    for channel in offered:
        assert (await story.open(channel=channel))["channel"] == channel
    problem = await story.customer.post("/v1/tickets", 422, **TICKET_FIELDS, channel=refused)
    assert pointers(problem) == ["/channel"]


async def test_z6_a_call_is_recorded_and_answers(begin: Begin) -> None:
    story = await begin("zmanda-standard", **NOON)
    path = path_of(await story.open(priority="P2", channel="phone"))
    note = await story.engineer.post(f"{path}/messages", 201, body="Called back: the disk is full.", channel="phone")
    assert (note["channel"], note["visibility"]) == ("phone", "public")
    ticket = await story.customer.get(path)
    assert [each["state"] for each in ticket["deadlines"] if each["metric"] == "first_response"] == ["met"]


async def test_z7_coaching_is_noted_and_the_history_is_kept(begin: Begin) -> None:
    story = await begin("zmanda-premium", **NOON)
    path = path_of(await story.open(priority="P4", channel="web"))
    note = {"body": "Coach them on retention.", "visibility": "internal"}
    await story.engineer.post(f"{path}/messages", 201, **note)
    await story.engineer.post(f"{path}/status", status="resolved", message="Set it to 30 days.")
    await story.pass_time("PT169H")
    assert (await story.customer.get(path))["status"] == "closed"
    own = [event["data"].get("body") for event in await story.events(path, "message.posted", who=story.customer)]
    assert "Set it to 30 days." in own
    assert note["body"] not in own
    assert note["body"] in [event["data"].get("body") for event in await story.events(path, "message.posted")]


async def test_z9_definitions_with_examples(begin: Begin) -> None:
    story = await begin("zmanda-community", **NOON)
    for each in (await story.customer.get("/v1/priorities", plan="zmanda-community"))["priorities"]:
        definition, example = MEANS[each["key"]]
        assert each["definition"] == definition
        assert any(example in text for text in each["examples"])
