"""C14 and G3: what becomes of calls when another version of the plan is applied to open tickets."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from app.core.state import State
from tests.support.planning import Planner, moves_of
from tests.support.providing import provide
from tests.support.stories import P1, deadline, path_of

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
SANDBOX: Final = {"sandbox": {"starts_at": START.isoformat()}}
Planned = Any
"""The fixture ``planned``: begins a story with an admin."""
CALLS: Final = {"none at all": None, "none for P1": ["P2"]}
LINK: Final = {"call_link": "https://meet.example.com/a"}


async def calls_for(planner: Planner, priorities: list[str] | None) -> int:
    rules = (await planner.document())["call"] or {"providers": ["meet"]}
    return await planner.version(call=rules | {"priorities": priorities} if priorities else None)


@pytest.mark.parametrize("priorities", CALLS.values(), ids=CALLS)
async def test_c14_a_plan_that_gives_the_priority_no_call_ends_the_one_that_waits(
    planned: Planned, priorities: list[str] | None
) -> None:
    planner = await planned("google-premium", **SANDBOX)
    path = await planner.story.open_at(START, **P1, **LINK)
    version = await calls_for(planner, priorities)
    dry = await planner.apply(version, dry_run=True)
    ticket = path.rpartition("/")[2]
    assert moves_of(dry) == [(f"{ticket} call_join/1", "cancelled", START + 30 * MINUTE, None)]
    assert (dry["calls_requested"], dry["calls_ended"]) == (0, 1)
    assert (await planner.story.engineer.get(path))["call"]["state"] == "ready"
    assert await planner.apply(version) == dry | {"dry_run": False}
    ended = await planner.story.engineer.get(path)
    assert (ended["call"]["state"], deadline(ended, "call_join")["state"]) == ("ended", "cancelled")
    [told] = await planner.story.events(path, "call.ended")
    assert told["data"]["call_id"] == ended["call"]["id"]
    assert deadline(ended, "call_join")["reason"] == "call_ended"
    await planner.story.engineer.patch(path, call_link="https://meet.example.com/b")
    assert (await planner.story.engineer.get(path))["call"]["id"] == ended["call"]["id"]
    await planner.story.engineer.post(f"{path}/status", status="resolved", message="Done.")


@pytest.mark.parametrize("priorities", CALLS.values(), ids=CALLS)
async def test_c14_a_call_that_its_customer_has_joined_goes_on_until_the_ticket_is_resolved(
    planned: Planned, priorities: list[str] | None
) -> None:
    planner = await planned("google-premium", **SANDBOX)
    path = await planner.story.open_at(START, **P1, **LINK)
    await planner.story.customer.post(f"{path}/call/join", participant="customer")
    applied = await planner.apply(await calls_for(planner, priorities))
    assert (applied["changed"], applied["moves"], applied["calls_ended"]) == (1, [], 0)
    assert (await planner.story.engineer.get(path))["call"]["state"] == "joined"
    resolved = await planner.story.engineer.post(f"{path}/status", status="resolved", message="Done.")
    assert resolved["call"]["state"] == "ended"


async def test_c14_a_plan_that_gives_the_priority_a_call_has_it_requested_as_a_raise_does(planned: Planned) -> None:
    planner = await planned("google-premium", **SANDBOX)
    path = await planner.story.open_at(START, priority="P2")
    solved = await planner.story.open_at(START, priority="P2")
    await planner.story.engineer.post(f"{solved}/status", status="resolved", message="Done.")
    version = await calls_for(planner, ["P1", "P2"])
    dry = await planner.apply(version, dry_run=True)
    ticket = path.rpartition("/")[2]
    assert moves_of(dry) == [(f"{ticket} call_join/1", "started", None, START + 30 * MINUTE)]
    assert (dry["calls_requested"], dry["calls_ended"]) == (1, 0)
    assert (await planner.story.engineer.get(path))["call"] is None
    assert await planner.apply(version) == dry | {"dry_run": False}
    called = await planner.story.engineer.get(path)
    assert called["call"]["state"] == "ready"
    assert (await planner.story.engineer.get(solved))["call"] is None
    await planner.story.engineer.post(f"{path}/call/end")
    again = await planner.apply(await calls_for(planner, ["P1", "P2", "P3"]))
    assert (again["changed"], again["calls_requested"], again["moves"]) == (1, 0, [])
    assert (await planner.story.engineer.get(path))["call"]["id"] == called["call"]["id"]


async def test_c14_a_call_that_failed_ends_with_the_plans_calls(planned: Planned, state: State) -> None:
    planner = await planned("google-premium")
    path = path_of(await planner.story.open(**P1))
    await provide(state, {})
    assert (await planner.story.engineer.get(path))["call"]["state"] == "failed"
    await planner.apply(await calls_for(planner, None))
    await planner.story.engineer.patch(path, **LINK)
    assert (await planner.story.engineer.get(path))["call"]["state"] == "ended"
