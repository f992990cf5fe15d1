"""The live call of a P1 (G3, G6): its link, who joins, who does not."""

import re
from datetime import timedelta
from typing import Any

import pytest

from app.calls import provision
from app.calls.providers.jitsi import Jitsi
from app.calls.providers.provider import CallFailed, CallRequest, Link, Provider
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.state import State
from tests.support.desk import fetch
from tests.support.providing import provide, provide_until_done
from tests.support.stories import P1, Begin, Story, deadline, path_of, pointers
from tests.support.sweeping import run_pass

MINE = "https://meet.solar-roofs.example/p1"
JITSI: dict[str, Provider] = {"jitsi": Jitsi("https://jitsi.example/rooms")}


@pytest.fixture
async def story(begin: Begin) -> Story:
    """A customer with conferencing of its own."""
    return await begin("google-premium", call_link=MINE)


@pytest.fixture
async def without(begin: Begin) -> Story:
    """A customer without."""
    return await begin("google-premium")


async def late(story: Story, minutes: int = 31) -> str:
    """The path of a P1 whose call has been ready for so long."""
    return await story.open_at(await story.now() - timedelta(minutes=minutes), **P1)


# --- the link --------------------------------------------------------------------------------------------------


async def test_g3_own_link_in_same_transaction(story: Story) -> None:
    ticket = await story.open(**P1, call_link="https://solar-roofs.zoom.us/j/1842")
    call = ticket["call"]
    assert (call["state"], call["provider"]) == ("ready", "zoom")
    assert call["join_url"] == "https://solar-roofs.zoom.us/j/1842"
    events = await story.events(path_of(ticket))
    writers = "SELECT xmin FROM events UNION SELECT xmin FROM tickets UNION SELECT xmin FROM calls"
    assert len(await fetch(story.sessions, writers)) == 1
    [ready] = [event for event in events if event["type"] == "call.ready"]
    assert (ready["audience"], ready["actor"]["kind"]) == ("public", "service")
    assert ready["data"] == {
        "call_id": call["id"],
        "provider": "zoom",
        "join_url": call["join_url"],
        "remind_at": call["remind_at"],
        "join_by": call["join_by"],
    }
    assert [event["type"] for event in events if event["type"].startswith("call.")] == ["call.requested", "call.ready"]


async def test_g3_else_the_accounts_link_is_used(story: Story) -> None:
    call = (await story.open(**P1))["call"]
    assert (call["state"], call["provider"], call["join_url"]) == ("ready", "custom", MINE)


async def test_g3_else_a_provider_makes_a_room_that_nobody_can_guess(without: Story, state: State) -> None:
    tickets = [await without.open(**P1) for _ in range(2)]
    assert {ticket["call"]["state"] for ticket in tickets} == {"requested"}
    assert await provide(state, JITSI) == 2
    assert await provide(state, JITSI) == 0
    calls = [(await without.customer.get(path_of(ticket)))["call"] for ticket in tickets]
    assert {(call["state"], call["provider"]) for call in calls} == {("ready", "jitsi")}
    rooms = {call["join_url"] for call in calls}
    assert len(rooms) == 2
    assert all(re.fullmatch(r"https://jitsi\.example/rooms/heliodesk-[0-9a-f]{40}", room) for room in rooms)
    ticket = await without.customer.get(path_of(tickets[0]))
    assert (deadline(ticket, "call_join")["state"], ticket["version"]) == ("running", 1)
    [ready] = await without.events(path_of(ticket), "call.ready")
    assert ready["data"]["join_url"] == ticket["call"]["join_url"]


async def test_with_nothing_configured_the_call_fails_and_the_ticket_does_not(without: Story, state: State) -> None:
    opened = await without.open(**P1)
    await provide(state, {})
    ticket = await without.customer.get(path_of(opened))
    reason = "No link could be created: meet is not configured; jitsi is not configured"
    assert (ticket["call"]["state"], ticket["call"]["failure"]) == ("failed", reason)
    [failed] = await without.events(path_of(opened), "call.failed")
    assert (failed["data"]["reason"], failed["audience"]) == (reason, "public")
    assert ticket == opened | {"call": ticket["call"], "updated_at": ticket["updated_at"]}


class Broken:
    name = "meet"

    async def create(self, _request: CallRequest) -> Link:
        raise CallFailed("rate_limited")


async def test_the_next_provider_is_asked_when_one_fails(without: Story, state: State) -> None:
    path = path_of(await without.open(**P1))
    broken: dict[str, Provider] = {"meet": Broken()}
    await provide_until_done(state, broken | JITSI)
    assert (await without.customer.get(path))["call"]["provider"] == "jitsi"
    other = path_of(await without.open(**P1))
    await provide_until_done(state, broken)
    failure = (await without.customer.get(other))["call"]["failure"]
    busy = "its users have created as many rooms as they may in a minute"
    assert failure == f"No link could be created: meet: {busy}; jitsi is not configured"


async def test_the_accounts_provider_comes_before_the_plans(begin: Begin, state: State) -> None:
    story = await begin("google-premium", call_provider="jitsi")
    path = path_of(await story.open(**P1))
    await provide_until_done(state, {"meet": Broken()})
    failure = (await story.customer.get(path))["call"]["failure"]
    assert failure.startswith("No link could be created: jitsi is not configured; meet:")


async def test_a_claim_that_was_lost_changes_nothing(without: Story, state: State) -> None:
    """While a provider takes its time, the customer declines the call."""
    path = path_of(await without.open(**P1))

    class Slow:
        name = "jitsi"

        async def create(self, request: CallRequest) -> Link:
            await without.customer.post(f"{path}/call/decline", reason="We are on the phone already")
            return Link(self.name, f"https://jitsi.example/{request.call_id}")

    await provide(state, {"jitsi": Slow()})
    call = (await without.customer.get(path))["call"]
    assert (call["state"], call["join_url"]) == ("declined", None)
    assert await without.events(path, "call.ready", "call.failed") == []


async def test_a_claimed_call_is_nobody_elses_before_its_lease_ends(without: Story, sessions: Sessions) -> None:
    await without.open(**P1)
    async with transaction(sessions) as session:
        [claimed] = await provision.claim(session, 10, {}, 10)
        assert await provision.claim(session, 10, {}, 10) == []
        wait = await provision.next_instant(session)
    assert claimed.providers == ("meet", "jitsi")
    assert wait is not None
    assert timedelta(seconds=50) < wait - await without.now() <= timedelta(seconds=provision.LEASE_SECONDS)


async def test_only_the_plans_call_priorities_get_one(story: Story) -> None:
    assert (await story.open(priority="P2"))["call"] is None


# --- joining ---------------------------------------------------------------------------------------------------


async def test_g6_the_customer_is_expected_within_15_to_30_minutes(story: Story) -> None:
    path = await late(story, 10)
    ticket = await story.customer.get(path)
    opened = await story.now() - timedelta(minutes=10)
    call = ticket["call"]
    assert deadline(ticket, "call_join")["due_at"] == call["join_by"]
    for name, minutes in (("remind_at", 15), ("join_by", 30)):
        expected = opened + timedelta(minutes=minutes)
        assert abs(type(opened).fromisoformat(call[name]) - expected) < timedelta(seconds=30)


async def test_g6_joining_early_is_met(story: Story) -> None:
    path = path_of(await story.open(**P1))
    ticket = await story.customer.post(f"{path}/call/join", participant="customer")
    join = deadline(ticket, "call_join")
    assert (join["state"], join["stopped_by"], ticket["call"]["state"]) == ("met", "customer", "joined")
    assert ticket["call"]["joined_at"] == join["ended_at"]
    again = await story.customer.post(f"{path}/call/join", participant="customer")
    assert again["call"]["joined_at"] == ticket["call"]["joined_at"]


async def test_g6_not_joined_in_time_is_a_no_show_and_joining_is_still_possible(
    story: Story, sessions: Sessions
) -> None:
    path = await late(story)
    await run_pass(sessions)
    missed = await story.customer.get(path)
    assert (missed["call"]["state"], deadline(missed, "call_join")["state"]) == ("no_show", "missed")
    [no_show] = await story.events(path, "call.no_show")
    assert no_show["data"]["join_by"] == missed["call"]["join_by"] == no_show["timestamp"]
    joined = await story.customer.post(f"{path}/call/join", participant="customer")
    assert (joined["call"]["state"], deadline(joined, "call_join")["state"]) == ("joined", "met_late")


@pytest.mark.parametrize(
    ("action", "body", "outcome"),
    [
        ("join", {"participant": "customer"}, "joined"),
        ("decline", {"reason": "Sorry, in a meeting"}, "declined"),
        ("end", {}, "ended"),
        ("join", {"participant": "engineer"}, "no_show"),
    ],
)
async def test_what_nobody_had_noticed_yet_changes_no_outcome(
    story: Story, action: str, body: dict[str, Any], outcome: str
) -> None:
    """C09: the no-show is recorded first, then what was done."""
    path = await late(story)
    ticket = await story.engineer.post(f"{path}/call/{action}", **body)
    assert ticket["call"]["state"] == outcome
    types = [event["type"] for event in await story.events(path) if event["type"].startswith("call.")]
    assert types[2:] == ["call.no_show", {"no_show": "call.joined"}.get(outcome, f"call.{outcome}")]


async def test_g6_the_customer_can_tell_that_it_will_not_join(story: Story) -> None:
    path = path_of(await story.open(**P1))
    assert pointers(await story.customer.post(f"{path}/call/decline", 422)) == ["/reason"]
    ticket = await story.customer.post(f"{path}/call/decline", reason="Our network is down")
    assert (ticket["call"]["state"], ticket["call"]["decline_reason"]) == ("declined", "Our network is down")
    assert deadline(ticket, "call_join")["state"] == "met"
    [declined] = await story.events(path, "call.declined")
    assert (declined["data"]["reason"], declined["actor"]["kind"]) == ("Our network is down", "customer")
    assert declined["data"]["assignee_id"] == ticket["assignee"]
    await story.customer.post(f"{path}/call/decline", 409, reason="Our network is down")


async def test_a_declined_call_without_a_link_cannot_be_joined(without: Story) -> None:
    path = path_of(await without.open(**P1))
    await without.customer.post(f"{path}/call/decline", reason="Our network is down")
    await without.customer.post(f"{path}/call/join", 409, participant="customer")


async def test_a_new_call_takes_the_place_of_a_declined_one(story: Story) -> None:
    path = path_of(await story.open(**P1))
    declined = await story.customer.post(f"{path}/call/decline", reason="Our network is down")
    ticket = await story.customer.post(f"{path}/call")
    assert ticket["call"]["id"] != declined["call"]["id"]
    await story.engineer.post(f"{path}/call/end")
    await story.customer.post(f"{path}/call/join", 409, participant="customer")


async def test_an_engineer_who_joins_does_not_join_for_the_customer(story: Story) -> None:
    path = path_of(await story.open(**P1))
    ticket = await story.engineer.post(f"{path}/call/join", participant="engineer")
    assert (ticket["call"]["state"], deadline(ticket, "call_join")["state"]) == ("ready", "running")
    [joined] = await story.events(path, "call.joined")
    assert joined["data"]["participant"] == "engineer"
    await story.customer.post(f"{path}/call/join", 403, participant="engineer")


async def test_a_call_without_a_link_cannot_be_joined(without: Story) -> None:
    path = path_of(await without.open(**P1))
    assert "requested" in (await without.customer.post(f"{path}/call/join", 409, participant="customer"))["detail"]


# --- ending, and another one -----------------------------------------------------------------------------------


async def test_a_call_is_asked_for_again_once_it_is_over(story: Story) -> None:
    path = path_of(await story.open(**P1))
    await story.customer.post(f"{path}/call", 409)
    ended = await story.engineer.post(f"{path}/call/end")
    assert (ended["call"]["state"], deadline(ended, "call_join")["state"]) == ("ended", "cancelled")
    await story.engineer.post(f"{path}/call/end", 409)
    ticket = await story.customer.post(f"{path}/call")
    assert ticket["call"]["state"] == "ready"
    both = await story.customer.get(f"{path}/call")
    assert (both["call"], [call["id"] for call in both["earlier"]]) == (ticket["call"], [ended["call"]["id"]])


async def test_a_plan_without_calls_says_so(begin: Begin) -> None:
    story = await begin("zmanda-standard", call_link=MINE)
    ticket = await story.open(priority="P1")
    assert ticket["call"] is None
    assert "Zmanda Standard" in (await story.customer.post(f"{path_of(ticket)}/call", 422))["detail"]
    assert await story.customer.get(f"{path_of(ticket)}/call") == {"call": None, "earlier": []}


async def test_a_call_can_be_asked_for_at_any_priority_of_a_plan_with_calls(story: Story) -> None:
    path = path_of(await story.open(priority="P3"))
    assert (await story.customer.post(f"{path}/call"))["call"]["state"] == "ready"


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_an_ended_ticket_has_no_active_call(without: Story, state: State, status: str) -> None:
    path = path_of(await without.open(**P1))
    ticket = await without.product.post(f"{path}/status", status=status)
    assert ticket["call"]["state"] == "ended"
    assert await provide(state, JITSI) == 0
    await without.engineer.post(f"{path}/call", 409)
    assert await without.events(path, "call.ready", "call.failed") == []


async def test_reopened_a_ticket_has_another_call(story: Story) -> None:
    path = path_of(await story.open(**P1))
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.customer.post(f"{path}/messages", 201, body="Not fixed.")
    calls = await story.customer.get(f"{path}/call")
    assert (calls["call"]["state"], [call["state"] for call in calls["earlier"]]) == ("ready", ["ended"])
    await story.customer.post(f"{path}/call", 409)
