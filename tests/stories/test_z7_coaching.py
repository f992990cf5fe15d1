"""Z7: coaching notes, which their engineer acknowledges and no customer sees."""

from app.core.db.engine import Sessions
from tests.support.actors import make_engineer, make_key
from tests.support.stories import Begin, Caller, path_of


async def test_z7_a_note_is_read_by_its_engineer_and_by_no_customer(sessions: Sessions, begin: Begin) -> None:
    story = await begin("zmanda-premium")
    lead = await make_engineer(sessions, name="Lena Lead")
    leader = Caller(story.customer.client, await make_key(sessions, "agent", engineer_id=lead.id))
    ticket = await story.open()
    path = f"{path_of(ticket)}/coaching"
    refused = await leader.post(path, 422, body="Well done")
    assert refused["errors"][0]["pointer"] == "/engineer_id"
    await story.engineer.post(f"{path_of(ticket)}/assign", engineer_id=story.engineer_id)
    note = await leader.post(path, 201, body="Say when you will write again.")
    assert (note["engineer_id"], note["author"]["name"]) == (story.engineer_id, "Lena Lead")
    await leader.post(f"/v1/coaching/{note['id']}/acknowledge", 403)
    read = await story.engineer.post(f"/v1/coaching/{note['id']}/acknowledge")
    assert read["acknowledged_at"] is not None
    assert await story.engineer.post(f"/v1/coaching/{note['id']}/acknowledge") == read
    assert (await leader.get(path))["items"] == [read]
    waiting = await leader.get("/v1/coaching", engineer_id=story.engineer_id, acknowledged=False)
    assert waiting["items"] == []
    kinds = [event["type"] for event in await story.events(path_of(ticket), "coaching.noted", "coaching.acknowledged")]
    assert kinds == ["coaching.noted", "coaching.acknowledged"]
    assert await story.events(path_of(ticket), *kinds, who=story.customer) == []
    await story.customer.get(path, 403)
    assert "write again" not in (await story.customer.send("GET", "/v1/events?limit=200")).text
