"""Z4: users of community products have no phone, neither to open a ticket nor for the note of a call."""

import pytest

from tests.support.stories import TICKET, Begin, path_of, pointers

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}


async def test_z4_no_phone_on_a_community_ticket(begin: Begin) -> None:
    story = await begin("zmanda-premium", product_plans={"amanda": "zmanda-community"}, **NOON)
    community = path_of(await story.open(product="amanda", channel="email"))
    paid = path_of(await story.open(product="zmanda", channel="phone"))
    refused = await story.customer.post("/v1/tickets", 422, **TICKET, product="amanda", channel="phone")
    assert pointers(refused) == ["/channel"]
    for who in (story.engineer, story.customer, story.product):
        note = {"body": "We talked about retention.", "channel": "phone"}
        assert pointers(await who.post(f"{community}/messages", 422, **note)) == ["/channel"]
        assert (await who.post(f"{paid}/messages", 201, **note))["channel"] == "phone"
    assert (await story.customer.get(f"{community}/messages"))["items"] == []


@pytest.mark.parametrize("channel", ["email", "web", None])
async def test_z4_other_messages_are_taken(begin: Begin, channel: str | None) -> None:
    story = await begin("zmanda-community", **NOON)
    ticket = await story.open(channel="email")
    message = await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="Try 3.6.", channel=channel)
    assert (message["channel"], ticket["deadlines"]) == (channel, [])
