"""C09: what happens to a ticket is the same whether the sweep came in time, or not at all."""

from datetime import timedelta

from app.core.auth import Actor
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.db.tables import Row
from app.tickets.editing import calls
from app.tickets.editing.load import lock
from app.tickets.usecases.lifecycle import finish
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.sweeping import run_pass

CUSTOMER = Actor("customer", "acc_1")


async def _join(sessions: Sessions, ticket_id: str) -> Row:
    async with transaction(sessions) as session:
        work = await lock(session, ticket_id)
        assert work is not None
        await calls.join(session, work, CUSTOMER, "customer")
        await finish(session, work)
    (call,) = await fetch(sessions, "SELECT * FROM calls WHERE ticket_id = $1", ticket_id)
    return call


async def test_c09_a_call_joined_late_is_joined_also_when_nobody_had_noticed_the_no_show(sessions: Sessions) -> None:
    account = await make_account(sessions, await store_plan(sessions, "google-premium"))
    opened = await now_of(sessions) - timedelta(minutes=31)
    texts = {"business_impact": "Nobody can work", "priority_reason": "All is down"}
    link = "https://meet.example.com/room"
    swept, missed = await open_at(
        sessions, account.account_id, opened, opened, priority="P1", call_link=link, channel="web", **texts
    )
    query = "UPDATE tickets SET wake_at = wake_at + interval '1 day' WHERE id = $1"
    await fetch(sessions, query, missed)
    assert await run_pass(sessions) == 1
    for ticket_id in (swept, missed):
        assert (await _join(sessions, ticket_id))["state"] == "joined"
        query = "SELECT type FROM events WHERE ticket_id = $1 AND type LIKE 'call.%' ORDER BY sequence"
        told = [row["type"] for row in await fetch(sessions, query, ticket_id)]
        assert told == ["call.requested", "call.ready", "call.no_show", "call.joined"]
