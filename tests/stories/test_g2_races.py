"""G2 when several things happen at once: what is held by somebody else at that moment is seen to later."""

from datetime import timedelta

import pytest

from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.tickets.editing.load import lock
from tests.support.actors import make_account, make_key
from tests.support.desk import fetch
from tests.support.stories import P1, TICKET, Begin, Caller, path_of
from tests.support.sweeping import run_pass


async def test_g2_other_work_that_somebody_holds_at_that_moment_is_handed_on_a_little_later(begin: Begin) -> None:
    story = await begin("google-premium")
    other = await story.open(priority="P3")
    await story.product.post(f"{path_of(other)}/assign", engineer_id=story.engineer_id)
    async with transaction(story.sessions) as session:
        await lock(session, other["id"])
        p1 = await story.open(**P1)
        assert p1["assignee"] == story.engineer_id
    assert (await story.product.get(path_of(other)))["assignee"] == story.engineer_id
    [row] = await fetch(story.sessions, "SELECT wake_at - now() AS soon FROM tickets WHERE id = $1", p1["id"])
    assert row["soon"] < timedelta(seconds=1)
    await fetch(story.sessions, "UPDATE tickets SET route_at = now(), wake_at = now() WHERE id = $1", p1["id"])
    await run_pass(story.sessions)
    seen = await story.product.get(path_of(other))
    assert (seen["assignee"], seen["routing"]["reason"]) == (story.engineer_id, "owner_held")


@pytest.mark.parametrize("held", [True, False])
async def test_g2_a_queued_ticket_that_somebody_holds_when_an_expert_is_freed_is_placed_when_it_is_saved(
    begin: Begin,
    held: bool,  # noqa: FBT001
) -> None:
    story = await begin("google-premium")
    first, second = await story.open(**P1), await story.open(**P1)
    path = path_of(first)
    if held:
        async with transaction(story.sessions) as session:
            await lock(session, second["id"])
            await story.product.post(f"{path}/withdraw")
        assert (await story.product.get(path_of(second)))["assignee"] is None
        await story.customer.post(f"{path_of(second)}/messages", 201, body="Hello?")
    else:
        await story.product.post(f"{path}/withdraw")
    assert (await story.product.get(path_of(second)))["assignee"] == story.engineer_id


async def test_g2_a_sandbox_and_the_live_desk_know_nothing_of_each_other(begin: Begin, sessions: Sessions) -> None:
    live = await begin("google-premium")
    sandbox = await make_account(sessions, "google-premium", sandbox={"starts_at": "2026-11-20T09:00:00Z"})
    customer = Caller(live.customer.client, await make_key(sessions, account_id=sandbox.account_id, role="editor"))
    tested = await customer.post("/v1/tickets", 201, **TICKET, **P1)
    assert tested["assignee"] is None
    assert (await live.open(**P1))["assignee"] == live.engineer_id
    assert await fetch(sessions, "SELECT ticket_id FROM expert_holds WHERE account_id = $1", sandbox.account_id) == []
