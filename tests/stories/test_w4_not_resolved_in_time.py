"""W4: what is not resolved in time is escalated: a higher priority, a faster resolution; at P1 a record, once."""

from tests.support.stories import Begin, deadline, path_of

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}
PEOPLE = {
    "manager": {"name": "Mia Chen", "email": "mia@example.com"},
    "tam": {"name": "Tom Berg", "email": "tom@example.com"},
    "addons": ["tam"],
}


async def test_w4_p2_becomes_p1_and_then_people_are_told_once(begin: Begin) -> None:
    story = await begin("wati-business-plus", **NOON, **PEOPLE)
    path = path_of(await story.open(priority="P2"))
    await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    happened = await story.pass_time("PT8H0.000001S")
    assert [e["data"]["to"] for e in happened if e["type"] == "ticket.priority_changed"] == ["P1"]
    ticket = await story.engineer.get(path)
    assert (ticket["priority"], ticket["priority_source"]) == ("P1", "automatic")
    first, second = (deadline(ticket, "resolution", cycle) for cycle in (1, 2))
    assert (first["state"], first["priority"], second["state"], second["priority"]) == ("missed", "P2", "running", "P1")
    assert second["started_at"] == first["due_at"]
    happened += await story.pass_time("PT48H")
    escalated = [event for event in happened if event["type"] == "escalation.automatic"]
    assert [(e["data"]["cycle"], [one["role"] for one in e["data"]["notified"]]) for e in escalated] == [
        (1, ["manager", "tam"]),
        (2, ["manager", "tam"]),
    ]
    assert len((await story.engineer.get(f"{path}/escalations"))["items"]) == 2
    assert deadline(await story.engineer.get(path), "resolution", 2)["state"] == "missed"
