from app.inbound.background.upkeep import forget_surplus
from app.inbound.examples import GENERIC
from tests.inbound.conftest import Desk
from tests.support.desk import fetch


async def test_of_very_many_alerts_a_hook_forgets_those_that_are_over_first(desk: Desk) -> None:
    for key, status in (("old", "firing"), ("over", "resolved"), ("new", "firing"), ("newest", "firing")):
        await desk.post(GENERIC | {"key": key, "status": "firing"})
        await desk.post(GENERIC | {"key": key, "status": status})
    remembered = "SELECT key FROM incident_alerts ORDER BY heard_at"
    await forget_surplus(desk.sessions, 4)
    assert len(await fetch(desk.sessions, remembered)) == 4
    await forget_surplus(desk.sessions, 3)
    assert [row["key"] for row in await fetch(desk.sessions, remembered)] == ["old", "new", "newest"]
    await forget_surplus(desk.sessions, 2)
    assert [row["key"] for row in await fetch(desk.sessions, remembered)] == ["new", "newest"]
    heard = await desk.post(GENERIC | {"key": "old", "status": "firing"})
    assert "opened" not in {done["action"] for done in heard["tickets"]}, "its ticket is still known"
