"""G4: after the call, periodic updates come through the ticket: of a P1 every hour."""

from datetime import datetime, timedelta

from tests.support.stories import P1, Begin, deadline, path_of

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}


async def test_g4_an_update_is_owed_every_hour_until_it_is_solved(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    path = path_of(await story.open(**P1))
    await story.pass_time("PT10M")
    await story.customer.post(f"{path}/call/join", participant="customer")
    await story.engineer.post(f"{path}/messages", 201, body="We have seen it in the call.", channel="phone")
    await story.engineer.post(f"{path}/call/end")
    for cycle in (1, 2, 3):
        ticket = await story.customer.get(path)
        update = deadline(ticket, "update", cycle)
        started, due = (datetime.fromisoformat(update[name]) for name in ("started_at", "due_at"))
        assert (update["state"], due - started) == ("running", timedelta(hours=1))
        assert ticket["next_update_due_at"] == update["due_at"]
        assert [event["type"] for event in await story.pass_time("PT59M")] == ["deadline.warning"] * 3
        await story.engineer.post(f"{path}/messages", 201, body=f"Update {cycle}")
    assert [event["data"]["metric"] for event in await story.pass_time("PT1H1M") if "missed" in event["type"]] == [
        "update"
    ]
    await story.engineer.post(f"{path}/status", status="resolved", message="Solved.")
    assert [event for event in await story.pass_time("PT24H") if event["data"].get("metric") == "update"] == []
