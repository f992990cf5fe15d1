"""Z5: working hours are counted in the customer's zone: the account's, or the requester's where it is given."""

import pytest

from tests.support.stories import TICKET, Begin, due, path_of, pointers

FRIDAY = {"sandbox": {"starts_at": "2026-11-20T14:30:00Z"}, "time_zone": "Europe/Warsaw"}
ANA = {"name": "Ana Silva", "email": "ana@solar-roofs.example"}


@pytest.mark.parametrize(
    ("zone", "due_at"),
    [
        (None, "2026-11-23T08:30:00Z"),  # Friday 15:30 in Warsaw: an hour and a half, then Monday 08:00 to 09:30
        ("America/New_York", "2026-11-20T17:30:00Z"),  # Friday 09:30 in New York
        ("Asia/Tokyo", "2026-11-23T02:00:00Z"),  # Friday 23:30 in Tokyo: Monday 08:00 to 11:00
    ],
)
async def test_z5_standard_counts_in_the_requesters_zone(begin: Begin, zone: str | None, due_at: str) -> None:
    story = await begin("zmanda-standard", **FRIDAY)
    ticket = await story.open(priority="P2", requester=ANA | ({"time_zone": zone} if zone else {}))
    assert (ticket["time_zone"], due(ticket, "first_response")) == (zone or "Europe/Warsaw", due_at)
    [opened] = await story.events(path_of(ticket), "ticket.opened")
    assert opened["data"]["plan"]["time_zone"] == ticket["time_zone"]


async def test_z5_the_zone_is_pinned(begin: Begin) -> None:
    story = await begin("zmanda-standard", **FRIDAY)
    path = path_of(await story.open(priority="P2", requester=ANA | {"time_zone": "America/New_York"}))
    before = await story.customer.get(path)
    await story.pass_time("PT1H")
    assert due(await story.customer.get(path), "first_response") == due(before, "first_response")


async def test_z5_a_zone_that_is_none_is_refused(begin: Begin) -> None:
    story = await begin("zmanda-standard", **FRIDAY)
    refused = TICKET | {"requester": ANA | {"time_zone": "Mars/Olympus"}}
    assert pointers(await story.customer.post("/v1/tickets", 422, **refused)) == ["/requester/time_zone"]
