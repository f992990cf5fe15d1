"""Who has come to a call, by what its provider tells; and the end of its room."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from app.calls import polls
from app.calls.providers.jitsi import Jitsi
from app.calls.providers.meet import Meet
from app.calls.providers.provider import Participant, Provider, Room
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.state import State
from app.tickets.background.attendance import Watcher
from tests.calls.meet_standin import Google, answers, person
from tests.support.actors import make_engineer
from tests.support.desk import fetch, store_plan
from tests.support.providing import poll, provide
from tests.support.stories import P1, Begin, Story, deadline, path_of
from tests.support.sweeping import run_pass
from tests.support.waiting import until

SPACE = "spaces/jQCFfuBOdN5z-0"


@pytest.fixture
def providers(meet: Meet) -> dict[str, Provider]:
    return {"meet": meet}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium")


@pytest.fixture
async def path(story: Story, state: State, providers: Mapping[str, Provider]) -> str:
    """A P1 whose call is ready in Google Meet."""
    path = path_of(await story.open(**P1))
    await provide(state, providers)
    return path


async def watched(sessions: Sessions) -> bool:
    [row] = await fetch(sessions, "SELECT next_look_at IS NOT NULL AS watched FROM calls")
    return bool(row["watched"])


async def age(sessions: Sessions, minutes: int) -> None:
    """Let the customer be expected so much earlier."""
    await fetch(sessions, "UPDATE calls SET join_by = join_by - $1::interval", timedelta(minutes=minutes))


async def test_g6_the_customer_is_seen_in_the_room(
    path: str, story: Story, sessions: Sessions, google: Google, providers: Mapping[str, Provider]
) -> None:
    await make_engineer(sessions, name="Eva Kowalska")
    assert await Watcher(sessions, providers).run_pass() == 0  # not before ten seconds are over
    google.people[SPACE] = [person("Eva Kowalska")]
    assert await poll(sessions, providers) == 1
    assert (await story.customer.get(path))["call"]["state"] == "ready"
    google.people[SPACE].append(person("Ana", "anonymousUser"))
    await poll(sessions, providers)
    ticket = await story.customer.get(path)
    assert (ticket["call"]["state"], deadline(ticket, "call_join")["state"]) == ("joined", "met")
    [joined] = await story.events(path, "call.joined")
    assert joined["actor"]["kind"] == "service"
    assert joined["data"]["participant"] == "customer"
    assert joined["timestamp"] == ticket["call"]["joined_at"]
    assert not await watched(sessions)
    assert await poll(sessions, providers) == 0


async def test_g6_a_late_customer_is_still_seen(
    begin: Begin, state: State, google: Google, providers: Mapping[str, Provider]
) -> None:
    rules = {"priorities": ["P1"], "providers": ["meet"], "remind": "PT1S", "join_by": "PT1S"}
    story = await begin(await store_plan(state.sessions, "google-premium", key="hasty", call=rules))
    path = path_of(await story.open(**P1))
    await provide(state, providers)

    async def nobody_came() -> bool:
        await run_pass(state.sessions)
        return bool((await story.customer.get(path))["call"]["state"] == "no_show")

    await until(nobody_came)
    google.people[SPACE] = [person("Ana", "phoneUser")]
    await poll(state.sessions, providers)
    ticket = await story.customer.get(path)
    assert (ticket["call"]["state"], deadline(ticket, "call_join")["state"]) == ("joined", "met_late")


async def test_an_hour_after_join_by_nobody_is_looked_for(
    path: str, sessions: Sessions, providers: Mapping[str, Provider]
) -> None:
    del path
    await age(sessions, 89)
    await poll(sessions, providers)
    assert await watched(sessions)
    await age(sessions, 2)
    await poll(sessions, providers)
    assert not await watched(sessions)


async def test_one_look_at_a_time(path: str, sessions: Sessions, google: Google, meet: Meet) -> None:
    del path
    google.people[SPACE] = [person("Ana", "anonymousUser")]
    await fetch(sessions, "UPDATE calls SET next_look_at = clock_timestamp()")
    seen = await asyncio.gather(*(Watcher(sessions, {"meet": meet}).run_pass() for _ in range(4)))
    assert sum(seen) == 1
    [row] = await fetch(sessions, "SELECT count(*) AS joined FROM events WHERE type = 'call.joined'")
    assert row["joined"] == 1


async def test_a_look_that_fails_for_one_room_ends_no_other(
    path: str, story: Story, state: State, google: Google, meet: Meet
) -> None:
    providers: dict[str, Provider] = {"meet": meet}
    second = path_of(await story.open(**P1))
    await provide(state, providers)
    [broken, _] = [row["room"] for row in await fetch(state.sessions, "SELECT room FROM calls ORDER BY id")]
    for row in await fetch(state.sessions, "SELECT room FROM calls"):
        google.people[row["room"]] = [person("Ana", "anonymousUser")]

    class Breaks(Meet):
        """Meet with a fault of ours for one room."""

        async def participants(self, room: Room) -> Sequence[Participant]:
            if room.name == broken:
                raise KeyError(room.name)
            return await super().participants(room)

    await fetch(state.sessions, "UPDATE calls SET next_look_at = clock_timestamp()")
    faulty: dict[str, Provider] = {"meet": Breaks(**{each.name: getattr(meet, each.name) for each in fields(meet)})}
    assert await Watcher(state.sessions, faulty, state.metrics).run_pass() == 2
    states = [(await story.customer.get(each))["call"]["state"] for each in (path, second)]
    assert states == ["ready", "joined"]
    failures = state.metrics.registry.get_sample_value("heliodesk_job_failures_total", {"job": "watch calls"})
    assert failures == 1


async def test_a_look_that_fails_is_taken_again(
    path: str, story: Story, sessions: Sessions, google: Google, providers: Mapping[str, Provider]
) -> None:
    google.forget_tokens()
    google.people[SPACE] = [person("Ana", "anonymousUser")]
    await poll(sessions, providers)
    assert (await story.customer.get(path))["call"]["state"] == "ready"
    await poll(sessions, providers)
    assert (await story.customer.get(path))["call"]["state"] == "joined"


@pytest.mark.parametrize("how", [("call/end", {}), ("status", {"status": "resolved", "message": "Fixed."})])
async def test_the_end_of_the_call_ends_its_room_behind(
    path: str,
    story: Story,
    sessions: Sessions,
    google: Google,
    providers: Mapping[str, Provider],
    *,
    how: tuple[str, Any],
) -> None:
    google.people[SPACE] = [person("Ana", "anonymousUser")]
    await poll(sessions, providers)
    await story.engineer.post(f"{path}/{how[0]}", **how[1])
    assert google.ended == []
    assert await Watcher(sessions, providers).run_pass() == 1
    assert google.ended == [SPACE]
    assert not await watched(sessions)


async def test_a_room_that_cannot_be_ended_is_given_up_after_a_minute(
    path: str, story: Story, sessions: Sessions, google: Google, providers: Mapping[str, Provider]
) -> None:
    await story.engineer.post(f"{path}/call/end")
    google.always = answers(500)
    await poll(sessions, providers)
    assert await watched(sessions)
    await fetch(sessions, "UPDATE calls SET ended_at = ended_at - interval '1 minute'")
    await poll(sessions, providers)
    assert not await watched(sessions)


async def test_g6_a_customer_who_declined_and_comes_after_all_is_seen(
    path: str, story: Story, sessions: Sessions, google: Google, providers: Mapping[str, Provider]
) -> None:
    await story.customer.post(f"{path}/call/decline", reason="Call our desk")
    google.people[SPACE] = [person("Ana", "phoneUser")]
    await poll(sessions, providers)
    assert (await story.customer.get(path))["call"]["state"] == "joined"


async def test_the_room_of_a_declined_call_ends_with_its_ticket(
    path: str, story: Story, sessions: Sessions, google: Google, providers: Mapping[str, Provider]
) -> None:
    await story.customer.post(f"{path}/call/decline", reason="Call our desk")
    ticket = await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    assert (ticket["call"]["state"], ticket["call"]["decline_reason"]) == ("ended", "Call our desk")
    await poll(sessions, providers)
    assert google.ended == [SPACE]


async def test_a_call_that_went_on_meanwhile_is_left_alone(
    path: str, story: Story, sessions: Sessions, google: Google
) -> None:
    await fetch(sessions, "UPDATE calls SET next_look_at = clock_timestamp()")
    async with transaction(sessions) as session:
        [claimed] = await polls.claim(session, 1)
    await story.customer.post(f"{path}/call/join", participant="customer")
    async with transaction(sessions) as session:
        await polls.record_outcome(session, claimed, claimed.late_by)
    assert not await watched(sessions)
    assert google.ended == []


async def test_rooms_that_cannot_tell_are_not_asked(begin: Begin, state: State) -> None:
    story = await begin("google-premium", call_provider="jitsi")
    await story.open(**P1)
    jitsi = {"jitsi": Jitsi("https://jitsi.example")}
    await provide(state, jitsi)
    assert not await watched(state.sessions)
    assert await poll(state.sessions, jitsi) == 0


async def test_a_provider_that_is_gone_is_not_waited_for(path: str, sessions: Sessions, meet: Meet) -> None:
    del path
    await fetch(sessions, "UPDATE calls SET provider = 'zoom'")
    await poll(sessions, {"meet": meet})
    assert not await watched(sessions)
