"""W1: Business+ runs around the clock; with the add-on a technical account manager hears of P1s and escalations."""

from datetime import UTC, datetime, timedelta

from tests.support.stories import P1, Begin, due, path_of

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}

TOM = {"name": "Tom Berg", "email": "tom@example.com"}


async def test_w1_nights_weekends_and_holidays_count(begin: Begin) -> None:
    """Christmas Day 2026 is a Friday: at midnight the clocks run as ever, on Pro with longer targets."""
    night = datetime(2026, 12, 25, 0, 0, tzinfo=UTC)
    for plan, minutes in (("wati-business-plus", 30), ("wati-pro", 60)):
        story = await begin(plan, country="US", sandbox={"starts_at": night.isoformat()})
        ticket = await story.open(**P1)
        assert datetime.fromisoformat(due(ticket, "first_response")) - night >= timedelta(minutes=minutes)
        assert datetime.fromisoformat(due(ticket, "first_response")) - night < timedelta(hours=4)


async def test_w1_the_tam_is_told_where_the_add_on_is_bought(begin: Begin) -> None:
    for addons, told in (([], []), (["tam"], [{"role": "tam", **TOM}])):
        story = await begin("wati-business-plus", tam=TOM, addons=addons, **NOON)
        path = path_of(await story.open(**P1))
        [opened] = await story.events(path, "ticket.opened")
        assert opened["data"]["notified"] == told
        asked = {"reason": "wrong_priority", "justification": "It is worse"}
        await story.customer.post(f"{path}/escalations", 201, **asked)
        [requested] = await story.events(path, "escalation.requested")
        assert requested["data"]["notified"] == told
        automatic = [e for e in await story.pass_time("PT4H1M") if e["type"] == "escalation.automatic"]
        assert [event["data"]["notified"] for event in automatic] == [told]
