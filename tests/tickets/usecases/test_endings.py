"""Withdrawing, merging and reopening a ticket (C13), and who may."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.support.actors import make_account, make_key, make_person
from tests.support.desk import fetch
from tests.support.stories import P1, TICKET, Begin, Caller, Story, deadline, path_of, pointers

OPEN_STATES = {"running", "paused", "missed"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("wati-business-plus")


async def states(story: Story, path: str) -> dict[str, str]:
    """The state of each deadline, by metric and cycle."""
    rows = (await story.engineer.get(f"{path}/deadlines"))["items"]
    return {f"{row['metric']} {row['cycle']}": row["state"] for row in rows}


async def resolved(story: Story, **fields: Any) -> str:
    path = path_of(await story.open(**fields))
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    return path


async def test_c13_a_withdrawn_ticket_is_closed_and_nothing_runs(story: Story) -> None:
    path = path_of(await story.open(priority="P2"))
    ticket = await story.customer.post(f"{path}/withdraw", reason="It works again")
    assert (ticket["status"], ticket["closed_reason"], ticket["merged_into"]) == ("closed", "withdrawn", None)
    assert set((await states(story, path)).values()) == {"cancelled"}
    [told] = await story.events(path, "ticket.withdrawn", who=story.customer)
    assert (told["data"]["reason"], told["actor"]["kind"]) == ("It works again", "customer")
    assert not await story.events(path, "ticket.status_changed")
    problem = await story.customer.post(f"{path}/withdraw", 409)
    assert problem["type"] == "/problems/conflict"


async def test_c13_what_was_missed_stays_missed_when_a_ticket_is_withdrawn(story: Story) -> None:
    path = await story.open_at(await story.now() - timedelta(hours=2), priority="P2")
    ticket = await story.customer.post(f"{path}/withdraw")
    missed = deadline(ticket, "first_response")
    assert (missed["state"], missed["ended_at"]) == ("missed", ticket["closed_at"])
    assert deadline(ticket, "resolution")["state"] == "cancelled"


async def test_a_withdrawn_tickets_call_ends(begin: Begin) -> None:
    story = await begin("google-premium")
    path = path_of(await story.open(**P1, call_link="https://meet.example/a"))
    ticket = await story.customer.post(f"{path}/withdraw")
    assert ticket["call"]["state"] == "ended"
    assert deadline(ticket, "call_join")["state"] == "cancelled"


async def test_a_resolved_ticket_can_be_withdrawn_too(story: Story) -> None:
    path = await resolved(story)
    before = await states(story, path)
    assert (await story.customer.post(f"{path}/withdraw"))["closed_reason"] == "withdrawn"
    assert await states(story, path) == before


async def test_c13_reopening_starts_the_clocks_anew(story: Story) -> None:
    path = await resolved(story, priority="P2")
    ticket = await story.customer.post(f"{path}/reopen", message="It fails again.")
    assert (ticket["status"], ticket["resolved_at"]) == ("open", None)
    found = await states(story, path)
    assert (found["resolution 1"], found["resolution 2"]) == ("met", "running")
    assert [key for key in found if key.startswith("first_response")] == ["first_response 1"]
    [told] = await story.events(path, "ticket.reopened")
    assert told["actor"]["kind"] == "customer"
    [*_, said] = (await story.customer.get(f"{path}/messages"))["items"]
    assert (said["body"], said["visibility"]) == ("It fails again.", "public")


async def test_c13_an_engineer_reopens_without_a_message(story: Story) -> None:
    path = await resolved(story)
    assert (await story.engineer.post(f"{path}/reopen"))["status"] == "open"
    [told] = await story.events(path, "ticket.reopened")
    assert told["actor"]["kind"] == "engineer"


@pytest.mark.parametrize("status", ["new", "open", "mitigated"])
async def test_only_a_resolved_ticket_is_reopened(story: Story, status: str) -> None:
    path = path_of(await story.open())
    for step in {"new": [], "open": ["open"], "mitigated": ["open", "mitigated"]}[status]:
        await story.engineer.post(f"{path}/status", status=step)
    assert status in (await story.customer.post(f"{path}/reopen", 409, message="Again"))["detail"]
    assert (await story.customer.get(f"{path}/messages"))["items"] == []


async def test_a_closed_ticket_never_reopens_and_says_what_to_do(story: Story) -> None:
    path = await resolved(story)
    closed = await story.engineer.post(f"{path}/status", status="closed")
    problem = await story.customer.post(f"{path}/reopen", 409)
    assert f"follow_up_of: {closed['id']}" in problem["hint"]


async def test_c13_a_merged_ticket_goes_on_in_the_other(story: Story) -> None:
    old, new = await story.open(), await story.open(priority="P2")
    await story.customer.post(f"{path_of(old)}/messages", 201, body="Hello?")
    ticket = await story.engineer.post(f"{path_of(old)}/merge", into=new["id"])
    assert (ticket["status"], ticket["closed_reason"], ticket["merged_into"]) == ("closed", "merged", new["id"])
    assert set((await states(story, path_of(old))).values()) == {"cancelled"}
    for path in (path_of(old), path_of(new)):
        [told] = await story.events(path, "ticket.merged", who=story.customer)
        assert told["data"] == {"merged": old["id"], "into": new["id"]}
        assert told["actor"]["kind"] == "engineer"
    target = await story.engineer.get(path_of(new))
    assert (target["status"], target["version"]) == ("new", new["version"] + 1)
    assert OPEN_STATES.issuperset(row["state"] for row in target["deadlines"])
    problem = await story.customer.post(f"{path_of(old)}/messages", 409, body="And now?")
    assert new["id"] in problem["hint"]


async def test_what_cannot_be_merged(story: Story) -> None:
    here, there = await story.open(), await story.open()
    stranger = await make_account(story.sessions, story.account.plan)
    theirs = Caller(story.customer.client, await make_key(story.sessions, account_id=stranger.account_id, role="owner"))
    foreign = await theirs.post("/v1/tickets", 201, **TICKET)
    merge = f"{path_of(here)}/merge"
    for into in (here["id"], foreign["id"], here["id"][:-4] + "zzzz"):
        assert pointers(await story.engineer.post(merge, 422, into=into)) == ["/into"]
    await story.customer.post(merge, 403, into=there["id"])
    await theirs.post(merge, 404, into=foreign["id"])
    await story.customer.post(f"{path_of(there)}/withdraw")
    await story.engineer.post(merge, 409, into=there["id"])
    await story.engineer.post(f"{path_of(there)}/merge", 409, into=here["id"])
    assert (await story.engineer.get(path_of(here)))["status"] == "new"


async def test_two_tickets_merged_into_each_other_at_once(story: Story) -> None:
    """One wins, the other one finds a closed ticket; neither waits for ever."""
    for _ in range(10):
        one, other = await story.open(), await story.open()
        answers = await asyncio.gather(
            story.engineer.send("POST", f"{path_of(one)}/merge", {"into": other["id"]}),
            story.engineer.send("POST", f"{path_of(other)}/merge", {"into": one["id"]}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
    deadlocks = await fetch(story.sessions, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert deadlocks[0]["deadlocks"] == 0


async def test_g10_a_viewer_neither_withdraws_nor_reopens(story: Story) -> None:
    await make_person(story.sessions, story.account.account_id, "vera@solar-roofs.example", "viewer")
    vera = {"actor": {"email": "vera@solar-roofs.example"}}
    path = await resolved(story)
    await story.customer.post(f"{path}/reopen", 403, **vera)
    await story.customer.post(f"{path}/withdraw", 403, **vera)
    assert (await story.customer.get(path))["status"] == "resolved"


async def test_a_stale_version_and_a_repeated_key(story: Story) -> None:
    path = path_of(await story.open())
    stale = await story.customer.send("POST", f"{path}/withdraw", {}, If_Match='"7"')
    assert stale.status_code == 412
    once, again = [
        await story.customer.send("POST", f"{path}/withdraw", {}, Idempotency_Key="withdraw-1") for _ in range(2)
    ]
    assert (once.status_code, again.status_code, once.json()) == (200, 200, again.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await story.events(path, "ticket.withdrawn")) == 1
