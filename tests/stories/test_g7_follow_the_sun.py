"""G7: experts of one region after the other work on a P1, 24 hours a day, until it is mitigated or lowered."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from tests.support.experts import MINUTE, SUN, add_expert, add_regions, advance, owner_at, owners
from tests.support.stories import P1, Begin, Story, path_of

OPENED: Final = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
SPRING: Final = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)


def on_shift(region: str, now: datetime) -> bool:
    """By wall clocks alone."""
    zone, opens, closes = SUN[region]
    return opens <= now.astimezone(ZoneInfo(zone)).strftime("%H:%M") < closes


async def world(begin: Begin, opened: datetime, without: str = "") -> tuple[Story, dict[str, str]]:
    """A sandbox with three regions of two experts each, and the experts' regions."""
    story = await begin(
        "google-premium", sandbox={"starts_at": opened.isoformat()}, call_link="https://meet.example/p1"
    )
    await add_regions(story)
    regions = {}
    for key in (key for key in SUN if key != without):
        for number in range(2):
            regions[(await add_expert(story, f"{key}-{number}", region=key)).id] = key
    return story, regions


async def engaged(story: Story) -> Any:
    """A P1 whose expert has accepted."""
    ticket = await story.open(**P1)
    [alert] = (await story.product.get("/v1/alerts", ticket_id=ticket["id"]))["items"]
    await story.product.post(f"/v1/alerts/{alert['id']}/accept")
    return ticket


@pytest.mark.parametrize("opened", [OPENED, SPRING], ids=["autumn", "spring"])
async def test_g7_the_owner_at_every_minute_is_on_shift(begin: Begin, opened: datetime) -> None:
    story, regions = await world(begin, opened)
    ticket = await engaged(story)
    await advance(story, by="PT48H")
    events = await story.events(path_of(ticket))
    spans = owners(events)
    for minute in range(48 * 60):
        now = opened + minute * MINUTE
        owner = owner_at(spans, now)
        assert owner, now
        assert on_shift(regions[owner], now), (now, owner)
    overs = [event for event in events if event["type"] == "ticket.handed_over"]
    assert len(overs) >= 5
    assert not [event for event in events if event["type"] == "routing.unstaffed"]
    notes = [event for event in events if event["type"] == "message.posted" and event["audience"] == "internal"]
    assert len(notes) == len(overs)
    order = list(SUN)
    for over, note in zip(overs, notes, strict=True):
        at = datetime.fromisoformat(over["timestamp"])
        left, came = over["data"]["from"], over["data"]["to"]
        assert on_shift(left["region"], at - timedelta(microseconds=1))
        assert not on_shift(left["region"], at)
        assert order.index(came["region"]) == (order.index(left["region"]) + 1) % 3
        assert regions[came["engineer_id"]] == came["region"]
        assert note["sequence"] == over["sequence"] + 1
        assert ticket["number"] in note["data"]["body"]
        assert "https://meet.example/p1" in note["data"]["body"]
        assert over["audience"] == "public"
    seen = await story.product.get(path_of(ticket))
    assert (seen["assignee"], seen["region"], seen["routing"]["state"]) == (
        spans[-1][1],
        regions[str(spans[-1][1])],
        "engaged",
    )


@pytest.mark.parametrize("empty", ["apac", "emea"])
async def test_g7_a_region_with_nobody_is_skipped(begin: Begin, empty: str) -> None:
    story, regions = await world(begin, OPENED, without=empty)
    ticket = await engaged(story)
    await advance(story, by="PT48H")
    events = await story.events(path_of(ticket))
    spans = owners(events)
    for minute in range(48 * 60):
        now = OPENED + minute * MINUTE
        owner = owner_at(spans, now)
        staffed = any(on_shift(region, now) for region in set(regions.values()))
        assert (owner is None) == (not staffed), now
        if owner:
            assert on_shift(regions[owner], now)
    assert [event for event in events if event["type"] == "routing.unstaffed"]


async def test_g7_with_overlapping_shifts_an_emptied_region_is_passed_over(begin: Begin) -> None:
    story = await begin("google-premium", sandbox={"starts_at": OPENED.isoformat()})
    await add_regions(story)
    long = {"time_zone": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in ("sun", "mon")}}
    await add_expert(story, "Ann", region="americas")
    tom = await add_expert(story, "Tom", region="emea", shifts=long)
    ticket = await engaged(story)
    await advance(story, by="PT6H")
    [over] = await story.events(path_of(ticket), "ticket.handed_over")
    assert over["timestamp"] == "2026-10-25T01:00:00.000000Z"
    assert over["data"]["to"] == {"engineer_id": tom.id, "engineer_name": "Tom", "region": "emea"}


@pytest.mark.parametrize(
    ("languages", "beginning"),
    [(["en", "pl"], "Przekazanie zgłoszenia: Ann"), (["de"], "Übergabe von Ann"), (["it"], "Hand-over from Ann")],
    ids=["the customer's", "the engineer's", "English"],
)
async def test_g7_the_note_is_in_a_language_of_whoever_takes_over(
    begin: Begin, languages: list[str], beginning: str
) -> None:
    story = await begin("google-premium", sandbox={"starts_at": OPENED.isoformat()}, locale="pl")
    await add_regions(story)
    long = {"time_zone": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in ("sun", "mon")}}
    await add_expert(story, "Ann", region="americas")
    await add_expert(story, "Tom", region="emea", shifts=long, languages=languages)
    ticket = await engaged(story)
    await advance(story, by="PT6H")
    notes = await story.events(path_of(ticket), "message.posted")
    assert notes[-1]["data"]["body"].startswith(beginning)


async def test_g7_mitigated_it_is_handed_over_no_more(begin: Begin) -> None:
    story, _ = await world(begin, OPENED)
    ticket = await engaged(story)
    await story.product.post(f"{path_of(ticket)}/status", status="mitigated")
    await advance(story, by="PT24H")
    assert not await story.events(path_of(ticket), "ticket.handed_over")


async def test_g7_locked_to_a_region_it_waits_there_for_the_next_shift(begin: Begin) -> None:
    story, regions = await world(begin, OPENED)
    ticket = await engaged(story)
    await story.customer.post(f"{path_of(ticket)}/region-lock", 422, region="atlantis")
    locked = await story.customer.post(f"{path_of(ticket)}/region-lock", region="americas")
    assert locked["region_lock"] == "americas"
    await advance(story, to="2026-10-25T12:00:00Z")
    seen = await story.product.get(path_of(ticket))
    assert (seen["assignee"], seen["routing"]["state"]) == (None, "queued")
    assert seen["routing"]["next_at"] == "2026-10-25T16:00:00Z"
    [unstaffed] = await story.events(path_of(ticket), "routing.unstaffed")
    assert (unstaffed["timestamp"], unstaffed["data"]["region_lock"]) == ("2026-10-25T01:00:00.000000Z", "americas")
    assert unstaffed["data"]["next_at"] == "2026-10-25T16:00:00Z"
    await advance(story, to="2026-10-25T16:00:00Z")
    assert regions[(await story.product.get(path_of(ticket)))["assignee"]] == "americas"


async def test_g7_a_lock_moves_the_ticket_at_once_and_without_it_the_queue_is_tried(begin: Begin) -> None:
    story, regions = await world(begin, OPENED)
    ticket = await engaged(story)
    await story.product.post(f"{path_of(ticket)}/region-lock", region="emea")
    assert (await story.product.get(path_of(ticket)))["routing"]["state"] == "queued"
    await story.product.post(f"{path_of(ticket)}/region-lock", region=None)
    assert regions[(await story.product.get(path_of(ticket)))["assignee"]] == "americas"


async def test_g7_an_expert_who_had_not_answered_is_not_waited_for_after_the_shift(begin: Begin) -> None:
    late = datetime(2026, 10, 24, 15, 58, tzinfo=UTC)
    story, regions = await world(begin, late)
    ticket = await story.open(**P1)
    await advance(story, by="PT3M")
    alerts = (await story.product.get("/v1/alerts", ticket_id=ticket["id"]))["items"]
    seen = [(regions[alert["engineer_id"]], alert["state"], alert["reason"]) for alert in alerts]
    assert seen == [("americas", "alerted", None), ("emea", "cancelled", "handed_over")]
