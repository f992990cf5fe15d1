"""Events that earlier versions stored: never rewritten, and read under today's names wherever they are told."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any, Final

import pytest
from orjson import loads

from app.core.db.session import driver, transaction
from app.core.state import State
from app.events.examples import event_example
from app.events.types import EVENTS
from app.events.upcast import upcast
from app.webhooks.background.deliver import Limits, Sender
from tests.support.desk import fetch, make_endpoint
from tests.support.stories import Begin
from tests.webhooks.receiver import receiving

TOM: Final = {"name": "Tom Berg", "email": "tom@example.com"}
OLD: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "ticket.opened": (
        {"assessed_priority": "P1", "told": [TOM]},
        {"matrix_priority": "P1", "notified": [TOM]},
    ),
    "call.ready": ({"join_from": "2026-11-20T20:45:00Z"}, {"remind_at": "2026-11-20T20:45:00Z"}),
    "ticket.priority_changed": ({"told": [], "source": "matrix"}, {"notified": [], "source": "matrix"}),
    "escalation.automatic": ({"told": [TOM]}, {"notified": [TOM]}),
    "escalation.requested": ({"told": [TOM]}, {"notified": [TOM]}),
    "escalation.declined": ({"reason": "no_update", "why": "Soon"}, {"reason": "no_update", "detail": "Soon"}),
    "expert.alerted": (
        {"candidates": [{"taken": True, "why": "only"}], "region": None},
        {"candidates": [{"taken": True, "reason": "only"}], "region": None},
    ),
    "routing.unstaffed": (
        {"candidates": [{"why": "held"}, {"why": "absent"}], "reason": "unstaffed", "told": []},
        {"candidates": [{"reason": "held"}, {"reason": "absent"}], "reason": "unstaffed", "notified": []},
    ),
    "routing.round_exhausted": (
        {"candidates": [], "round": 1, "told": [TOM]},
        {"candidates": [], "round": 1, "notified": [TOM]},
    ),
}

# The rows of a ticket as the version before wrote them.
_AGE: Final = """
UPDATE events SET data = CASE
    WHEN type = 'escalation.declined'
        THEN data - '{detail,notified}'::text[] || jsonb_build_object('why', data -> 'detail')
    WHEN data ? 'notified' THEN data - 'notified' || jsonb_build_object('told', data -> 'notified')
    ELSE data END
WHERE account_id = $1 RETURNING data::text
"""


@pytest.mark.parametrize("kind", OLD)
def test_a_stored_name_is_read_as_todays(kind: str) -> None:
    old, new = OLD[kind]
    kept = str(old)
    assert upcast(kind, old) == new
    assert list(upcast(kind, old)) == list(new), "in its place"
    assert upcast(kind, new) is new
    assert str(old) == kept


def test_what_is_recorded_today_is_read_as_it_is() -> None:
    for event in EVENTS:
        data = event_example(event.type)["data"]
        assert upcast(event.type, data) is data
    assert {"why", "told"}.isdisjoint({name for event in EVENTS for name in event.model_fields})


async def test_feed_timeline_webhook_and_replay_read_old_names(begin: Begin, state: State) -> None:
    """A delivery that was not sent before the upgrade tells the event under today's names too."""
    story = await begin("wati-business-plus", tam=TOM, addons=["tam"])
    async with receiving() as receiver:
        endpoint = await make_endpoint(story.sessions, receiver.url, "*")
        opened_at = await story.now() - timedelta(minutes=1)
        path = await story.open_at(opened_at, priority="P1")
        asked = {"reason": "wrong_priority", "justification": "It is worse"}
        escalation = await story.customer.post(f"{path}/escalations", 201, **asked)
        await story.engineer.post(f"/v1/escalations/{escalation['id']}/decline", 200, reason="The fix is near")
        async with transaction(story.sessions) as session:
            rows = await (await driver(session)).fetch(_AGE, story.account.account_id)
        assert sum('"told"' in row["data"] or '"why"' in row["data"] for row in rows) == 3
        state.settings.allow_networks = [ip_network("127.0.0.0/8")]
        sender = Sender(state, Limits(timeout=5))
        while await fetch(story.sessions, "SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT 1"):
            await sender.run_pass()
            await sender.drain()
        await sender.stop()
        sent = [loads(message.body) for message in receiver.messages if message.verified(endpoint.secrets[0])]
    timeline = await story.events(path)
    feed = (await story.product.get("/v1/events", ticket_id=path.rpartition("/")[2], limit=200))["items"]
    for told in (timeline, feed, sent):
        data = {event["type"]: event["data"] for event in told}
        assert data["ticket.opened"]["notified"] == [{"role": "tam", **TOM}]
        assert data["escalation.requested"]["notified"] == [{"role": "tam", **TOM}]
        assert (data["escalation.declined"]["reason"], data["escalation.declined"]["detail"]) == (
            "wrong_priority",
            "The fix is near",
        )
        assert all({"told", "why"}.isdisjoint(each) for each in data.values())
