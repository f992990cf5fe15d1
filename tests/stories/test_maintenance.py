"""Planned work in a sandbox: what fires meanwhile pages nobody, and what still fires afterwards opens then."""

from typing import Any

from app.core.db.engine import Sessions
from app.core.state import State
from app.inbound.background.processing import Processor
from app.inbound.background.windows import Ends
from app.inbound.readings import Readings
from tests.support.actors import make_key
from tests.support.desk import fetch
from tests.support.stories import Begin, Caller

START = "2026-11-20T20:00:00Z"


async def test_planned_work_in_a_sandbox(begin: Begin, sessions: Sessions, state: State) -> None:
    story = await begin("wati-business-plus", sandbox={"starts_at": START})
    account = story.account.account_id
    owner = Caller(story.customer.client, await make_key(sessions, account_id=account, role="owner"))
    hook = await owner.post("/v1/hooks", 201, name="Prometheus", priority="P2")
    sender = Caller(story.customer.client, {"Authorization": f"Bearer {hook['secret']}"})
    processor = Processor(sessions, state.limits.tickets, Readings(state.offload, lambda: None))

    async def heard(key: str, status: str) -> None:
        await sender.post(f"/v1/ingest/{hook['id']}", 202, key=key, status=status, title=key)
        await processor.run_pass()

    async def advance(to: str) -> Any:
        moved = await owner.post(f"/v1/sandbox/{account}/advance", to=to)
        await Ends(sessions, state.limits.tickets).run_pass()
        return moved

    window = await story.customer.post(
        "/v1/maintenance-windows", 201, starts_at="2026-11-20T22:00:00+01:00", ends_at="2026-11-20T22:00:00Z"
    )
    assert window["state"] == "scheduled"
    await advance("2026-11-20T21:15:00Z")
    await heard("disk", "firing")
    await heard("cpu", "firing")
    await heard("cpu", "ok")
    assert (await owner.get("/v1/tickets"))["items"] == []
    stopped = await advance("2026-11-21T12:00:00Z")
    assert (stopped["now"], stopped["next"]) == ("2026-11-20T22:00:00.000000Z", "2026-11-21T12:00:00.000000Z")
    (ticket,) = (await owner.get("/v1/tickets"))["items"]
    assert (ticket["title"], ticket["opened_at"]) == ("disk", "2026-11-20T22:00:00Z")
    assert "2026-11-20 21:15 UTC · disk" in ticket["description"]
    went_on = await advance(stopped["next"])
    assert (went_on["now"], went_on["next"]) == ("2026-11-21T12:00:00.000000Z", None)
    assert any(event["type"] == "deadline.missed" for event in went_on["events"]), "its promises run from there"
    events = await fetch(
        sessions, "SELECT type, timestamp FROM events WHERE type LIKE 'maintenance%' ORDER BY position"
    )
    assert [(row["type"], f"{row['timestamp']:%H:%M}") for row in events] == [
        ("maintenance.started", "21:00"),
        ("maintenance.ended", "22:00"),
    ]
    assert (await story.customer.get(f"/v1/maintenance-windows/{window['id']}"))["state"] == "ended"


async def test_a_sandboxs_clock_waits_for_what_is_being_opened(begin: Begin, sessions: Sessions, state: State) -> None:
    story = await begin("wati-business-plus", sandbox={"starts_at": START})
    account = story.account.account_id
    owner = Caller(story.customer.client, await make_key(sessions, account_id=account, role="owner"))
    hook = await owner.post("/v1/hooks", 201, name="Prometheus")
    sender = Caller(story.customer.client, {"Authorization": f"Bearer {hook['secret']}"})
    await owner.post("/v1/maintenance-windows", 201, starts_at=START, ends_at="2026-11-20T22:00:00Z")
    await sender.post(f"/v1/ingest/{hook['id']}", 202, key="disk", status="firing")
    await Processor(sessions, state.limits.tickets, Readings(state.offload, lambda: None)).run_pass()
    await owner.post(f"/v1/sandbox/{account}/advance", to="2026-11-20T23:00:00Z")
    await owner.post(f"/v1/sandbox/{account}/advance", 409, to="2026-11-20T23:00:00Z")
    await Ends(sessions, state.limits.tickets).run_pass()
    assert (await owner.post(f"/v1/sandbox/{account}/advance", to="2026-11-20T23:00:00Z"))["next"] is None
