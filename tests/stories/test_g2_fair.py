"""G2 for many customers: experts are shared, so that no account's P1s keep another's only one waiting."""

import asyncio
from typing import Any

import pytest

from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.tickets.editing.load import lock
from app.tickets.staffing import queue
from tests.support.actors import Headers, make_account, make_engineer, make_key
from tests.support.desk import fetch, store_plan
from tests.support.stories import P1, TICKET, Begin, Caller, Story, path_of
from tests.support.sweeping import run_pass

FLOOD = 50


@pytest.fixture
async def story(begin: Begin, sessions: Sessions) -> Story:
    """The victim: its experts have ten hours to accept."""
    await store_plan(sessions, "google-premium", alert={"accept": "PT10H"})
    return await begin("google-premium")


async def other_customer(story: Story, sessions: Sessions, **account: Any) -> Caller:
    made = await make_account(sessions, "google-premium", **account)
    return Caller(story.customer.client, await make_key(sessions, account_id=made.account_id, role="editor"))


async def flood(attacker: Caller, number: int = FLOOD, **fields: Any) -> list[Any]:
    return list(
        await asyncio.gather(*(attacker.post("/v1/tickets", 201, **TICKET, **P1, **fields) for _ in range(number)))
    )


async def owners(story: Story) -> dict[str, str]:
    rows = await fetch(story.sessions, "SELECT ticket_id, engineer_id FROM expert_holds")
    return {row["ticket_id"]: row["engineer_id"] for row in rows}


async def test_g2_one_accounts_50_p1s_do_not_make_anothers_only_one_wait_longer_than_for_the_next_expert(
    story: Story, sessions: Sessions
) -> None:
    await make_engineer(sessions, name="Ole", email="ole@example.com")
    attacker = await other_customer(story, sessions)
    await flood(attacker)
    mine = await story.open(**P1)
    await flood(attacker)
    engaged = await owners(story)
    assert mine["assignee"] is None
    assert len(engaged) == 2
    done, kept = engaged
    await attacker.post(f"/v1/tickets/{done}/withdraw")
    assert await owners(story) == {kept: engaged[kept], mine["id"]: engaged[done]}
    assert (await story.product.get(path_of(mine)))["routing"]["state"] == "alerted"
    for ticket in (mine["id"], kept):
        await story.product.post(f"/v1/tickets/{ticket}/status", status="closed")
    assert len(await owners(story)) == 2


async def test_g2_an_expert_who_comes_goes_to_the_account_without_one_whoever_is_looked_at_first(
    story: Story, sessions: Sessions, admin: Headers
) -> None:
    attacker = await other_customer(story, sessions)
    await flood(attacker, 5)
    mine = await story.open(**P1)
    roster = Caller(story.customer.client, admin)
    await roster.post("/v1/engineers", 201, name="Ole", email="ole@example.com")
    await fetch(sessions, "UPDATE tickets SET wake_at = NULL WHERE id = $1", mine["id"])  # no sweep looks at it
    await run_pass(sessions, batch=1)
    assert mine["id"] in await owners(story)


async def test_g2_a_new_p1_does_not_pass_the_queue(story: Story, sessions: Sessions) -> None:
    await story.open(**P1)
    waiting = await story.open(**P1)
    third = await other_customer(story, sessions)
    # An expert who is there already, though nobody has looked at the queue since.
    ole = await make_engineer(sessions, name="Ole", email="ole@example.com")
    first = await third.post("/v1/tickets", 201, **TICKET, **P1)
    assert first["assignee"] == ole.id  # its account has none
    ann = await make_engineer(sessions, name="Ann", email="ann@example.com")
    second = await third.post("/v1/tickets", 201, **TICKET, **P1)
    assert second["assignee"] is None
    assert (await owners(story))[waiting["id"]] == ann.id


async def test_g2_tickets_that_nobody_there_may_take_do_not_stand_in_the_way(
    story: Story, sessions: Sessions, admin: Headers
) -> None:
    roster = Caller(story.customer.client, admin)
    always = {"time_zone": "UTC", "weekly": {"mon": [["00:00", "24:00"]]}}
    await roster.post("/v1/regions", 201, key="moon", name="Moon", place=1, calendar=always)
    first = await story.open(**P1)
    attacker = await other_customer(story, sessions)
    await flood(attacker, 2 * queue.BATCH, region_lock="moon")
    mine = await story.open(**P1)
    await story.customer.post(f"{path_of(first)}/withdraw")
    assert list(await owners(story)) == [mine["id"]]


async def test_g2_a_plan_may_cap_what_one_account_holds(story: Story, sessions: Sessions) -> None:
    routing = {"tiers": 1, "exclusive": ["P1"], "follow_the_sun": ["P1"], "max_experts": 1}
    await store_plan(sessions, "google-premium", alert={"accept": "PT10H"}, routing=routing)
    await make_engineer(sessions, name="Ole", email="ole@example.com")
    first, second = await story.open(**P1), await story.open(**P1)
    assert first["assignee"]
    seen = await story.product.get(path_of(second))
    assert (seen["assignee"], seen["routing"]["state"]) == (None, "queued")
    assert (seen["routing"]["reason"], seen["routing"]["next_at"]) == ("max_experts", None)
    [told] = await story.events(path_of(second), "routing.unstaffed", who=story.product)
    assert told["data"]["reason"] == "max_experts"
    candidates = (await story.product.get(f"{path_of(second)}/candidates"))["candidates"]
    assert sorted(each["reason"] for each in candidates) == ["capped", "held"]
    await story.customer.post(f"{path_of(first)}/withdraw")
    assert list(await owners(story)) == [second["id"]]


async def test_g2_a_queued_ticket_that_somebody_holds_for_a_moment_is_not_forgotten(
    story: Story, sessions: Sessions
) -> None:
    first, second = await story.open(**P1), await story.open(**P1)
    async with transaction(sessions) as session:
        await lock(session, second["id"])  # and changes nothing in the end
        await story.customer.post(f"{path_of(first)}/withdraw")
    assert await owners(story) == {}
    [row] = await fetch(
        sessions, "SELECT wake_at <= now() + interval '1 s' AS soon FROM tickets WHERE id = $1", first["id"]
    )
    assert row["soon"]
    await fetch(sessions, "UPDATE tickets SET route_at = now(), wake_at = now() WHERE id = $1", first["id"])
    await run_pass(sessions)
    assert list(await owners(story)) == [second["id"]]
    [row] = await fetch(sessions, "SELECT route_at FROM tickets WHERE id = $1", first["id"])
    assert row["route_at"] is None
