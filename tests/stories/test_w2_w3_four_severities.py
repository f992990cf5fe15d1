"""W2, W3, W6: four severities with definition and examples, their targets, and a ticket out of the customer's inbox."""

from typing import Final

import pytest

from tests.support.stories import Begin, due

MONDAY_NOON: Final = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}, "time_zone": "UTC"}
TARGETS: Final = {
    "P1": ("2026-11-23T12:30:00Z", "2026-11-23T16:00:00Z"),
    "P2": ("2026-11-23T13:00:00Z", "2026-11-23T20:00:00Z"),
    "P3": ("2026-11-23T14:00:00Z", "2026-11-24T12:00:00Z"),
    "P4": ("2026-11-23T16:00:00Z", "2026-11-25T12:00:00Z"),
}
MEANS: Final = {
    "P1": ("operations stop", "restored from backup"),
    "P2": ("provisional workaround does not solve it fully", "hard to use"),
    "P3": ("partial, non-critical loss", "does not scale"),
    "P4": ("touches few users", "Training"),
}


@pytest.mark.parametrize("severity", TARGETS)
async def test_w3_first_response_and_resolution_by_severity(begin: Begin, severity: str) -> None:
    story = await begin("wati-business-plus", **MONDAY_NOON)
    ticket = await story.open(priority=severity, channel="widget")
    assert (due(ticket, "first_response"), due(ticket, "resolution")) == TARGETS[severity]


async def test_w2_definition_and_examples_say_what_the_source_says(begin: Begin) -> None:
    story = await begin("wati-business-plus", **MONDAY_NOON)
    for each in (await story.customer.get("/v1/priorities", plan="wati-business-plus"))["priorities"]:
        definition, example = MEANS[each["key"]]
        assert definition in each["definition"]
        assert any(example in text for text in each["examples"])


async def test_w6_a_ticket_comes_out_of_the_customers_inbox(begin: Begin) -> None:
    story = await begin("wati-business-plus", **MONDAY_NOON)
    assert (await story.open(priority="P4", channel="widget"))["channel"] == "widget"
