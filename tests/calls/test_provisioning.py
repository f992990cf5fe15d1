"""From a requested call to its link or its failure: retries, the fallback, what is left behind, replicas, the end."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

import pytest

from app.calls import provision
from app.calls.providers.jitsi import Jitsi
from app.calls.providers.meet import Meet
from app.calls.providers.provider import CallFailed, CallRequest, Link, Provider
from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.state import State
from app.scheduler import Scheduler, jobs
from app.tickets.background.call_links import SHARE, SLOTS, Provisioner
from app.webhooks.background.deliver import Sender
from tests.calls.meet_standin import HANGS, Fault, Google, answers, hangs, loses_the_answer, mumbles, problem
from tests.support.desk import fetch, now_of
from tests.support.providing import provide, provide_until_done
from tests.support.stories import P1, Begin, Story, path_of
from tests.support.waiting import until

JITSI = Jitsi("https://jitsi.example")
_IDLE_IN_TRANSACTION = """
SELECT count(*) AS n FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()
"""


@pytest.fixture
async def story(begin: Begin) -> Story:
    """A customer without conferencing of its own, on a plan with Meet, then Jitsi."""
    return await begin("google-premium")


@pytest.fixture
def both(meet: Meet) -> dict[str, Provider]:
    return {"meet": meet, "jitsi": JITSI}


async def call_of(story: Story, path: str) -> Any:
    return (await story.customer.get(path))["call"]


async def wait_after(state: State, providers: Mapping[str, Provider]) -> tuple[float, float]:
    """How many seconds after an attempt the provider is asked again: from its end, and from its beginning."""
    before = await now_of(state.sessions)
    assert await provide(state, providers) == 1
    after = await now_of(state.sessions)
    [row] = await fetch(state.sessions, "SELECT next_attempt_at AS at FROM calls")
    return (row["at"] - after).total_seconds(), (row["at"] - before).total_seconds()


async def orphans(sessions: Sessions) -> list[tuple[Any, ...]]:
    rows = await fetch(sessions, "SELECT provider, host, room, reason FROM call_orphans ORDER BY id")
    return [tuple(row.values()) for row in rows]


def sample(state: State, name: str, **labels: str) -> float:
    return state.metrics.registry.get_sample_value(f"heliodesk_call_{name}_total", labels) or 0.0


# --- retries, then the fallback ----------------------------------------------------------------------------------


async def test_g3_meet_makes_the_link(story: Story, state: State, both: Mapping[str, Provider]) -> None:
    path = path_of(await story.open(**P1))
    assert await provide(state, both) == 1
    call = await call_of(story, path)
    assert (call["state"], call["provider"]) == ("ready", "meet")
    assert call["join_url"] == "https://meet.google.com/abc-mnop-001"
    assert not {"room", "room_host", "providers"} & call.keys()
    [row] = await fetch(state.sessions, "SELECT room, room_host FROM calls")
    assert row == {"room": "spaces/jQCFfuBOdN5z-0", "room_host": "host-1@desk.example"}
    assert sample(state, "attempts", provider="meet", outcome="made") == 1


async def test_g3_the_link_comes_from_the_retry(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    google.faults.extend([answers(500)] * 2)
    path = path_of(await story.open(**P1))
    least, most = await wait_after(state, both)
    assert most > 1
    assert least <= 2
    assert (await call_of(story, path))["state"] == "requested"
    await fetch(state.sessions, "UPDATE calls SET next_attempt_at = next_attempt_at + interval '1 minute'")
    assert await provide(state, both) == 0  # not before
    assert await provide_until_done(state, both) == 2
    assert (await call_of(story, path))["provider"] == "meet"
    types = [event["type"] for event in await story.events(path) if event["type"].startswith("call.")]
    assert types == ["call.requested", "call.ready"]


async def test_g3_the_link_comes_from_the_fallback(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    google.always = answers(500)
    path = path_of(await story.open(**P1))
    assert await provide_until_done(state, both) == 6
    assert len(google.creations) == 5
    call = await call_of(story, path)
    assert (call["state"], call["provider"]) == ("ready", "jitsi")
    assert await story.events(path, "call.failed") == []


async def test_g3_the_first_minute_over_the_next_provider_is_asked_at_once_and_has_its_own(
    story: Story, state: State, google: Google, meet: Meet
) -> None:
    google.always = answers(500)

    class Failing:
        name = "jitsi"

        async def create(self, _request: CallRequest) -> Link:
            raise CallFailed("rate_limited")

    providers: dict[str, Provider] = {"meet": meet, "jitsi": Failing()}
    path = path_of(await story.open(**P1))
    await provide(state, providers)
    await fetch(state.sessions, "UPDATE calls SET asked_at = asked_at - interval '59 s', next_attempt_at = now()")
    least, _ = await wait_after(state, providers)
    assert least <= 0
    least, most = await wait_after(state, providers)
    assert most > 1
    assert least <= 2
    assert (await call_of(story, path))["state"] == "requested"


@pytest.mark.parametrize(
    ("retry_after", "first", "attempts"), [("9", (8, 9), 0), (None, (-5, 0), 1), ("90", (-5, 0), 1)]
)
async def test_a_429_of_every_host_is_waited_for_within_the_minute_only(
    story: Story,
    state: State,
    google: Google,
    both: Mapping[str, Provider],
    *,
    retry_after: str | None,
    first: tuple[float, float],
    attempts: int,
) -> None:
    google.always = answers(429, "RESOURCE_EXHAUSTED", **({"Retry_After": retry_after} if retry_after else {}))
    path = path_of(await story.open(**P1))
    least, most = await wait_after(state, both)
    assert most > first[0]
    assert least <= first[1]
    assert len(google.creations) == 2
    assert await provide(state, both) == attempts
    assert (await call_of(story, path))["state"] == ("ready" if attempts else "requested")
    assert await orphans(state.sessions) == []


async def test_g3_the_call_fails_only_when_all_have_failed_and_says_why(
    story: Story, state: State, google: Google, meet: Meet
) -> None:
    google.always = answers(500)

    class Silent:
        name = "jitsi"

        async def create(self, request: CallRequest) -> Link:
            raise RuntimeError(request.call_id)

    path = path_of(await story.open(**P1))
    await provide_until_done(state, {"meet": meet, "jitsi": Silent()})
    call = await call_of(story, path)
    reason = "No link could be created: meet: it answered 500; jitsi: an internal error occurred"
    assert (call["state"], call["failure"]) == ("failed", reason)
    [failed] = await story.events(path, "call.failed")
    assert failed["data"]["reason"] == reason
    codes = [(one["provider"], one["code"], one["status"]) for one in call["failures"]]
    assert codes == [("meet", "refused", 500), ("jitsi", "internal_error", None)]
    assert failed["data"]["failures"] == call["failures"]
    assert sample(state, "attempts", provider="meet", outcome="failed") == 5


async def test_why_a_call_failed_is_said_in_its_readers_language(story: Story, state: State) -> None:
    path = path_of(await story.open(**P1))
    await provide_until_done(state, {})

    async def french(place: str) -> Any:
        return (await story.customer.send("GET", place, **{"Accept-Language": "fr"})).json()

    said = "Aucun lien n'a pu être créé\u00a0: meet n'est pas configuré; jitsi n'est pas configuré"
    assert (await french(path))["call"]["failure"] == said
    assert [ticket["call"]["failure"] for ticket in (await french("/v1/tickets"))["items"]] == [said]
    assert (await french(f"{path}/call"))["call"]["failure"] == said
    await fetch(state.sessions, """UPDATE calls SET failures = '["meet: gone"]', failure = 'No link: meet: gone'""")
    earlier = (await french(path))["call"]
    assert (earlier["failure"], earlier["failures"]) == ("No link: meet: gone", [])


# --- what is left behind -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (answers(500), "it answered 500"),
        (loses_the_answer, "its answer was lost"),
        (mumbles, "its answer cannot be read"),
        (hangs, "it did not answer in time"),
    ],
)
async def test_a_lost_answer_is_recorded_before_meet_is_asked_again(
    story: Story, state: State, google: Google, meet: Meet, *, fault: Fault, reason: str
) -> None:
    google.faults.append(fault)
    both: dict[str, Provider] = {"meet": replace(meet, timeout=HANGS) if fault is hangs else meet, "jitsi": JITSI}
    path = path_of(await story.open(**P1))
    await provide(state, both)
    assert await orphans(state.sessions) == [("meet", "host-1@desk.example", None, reason)]
    assert sample(state, "orphans", provider="meet") == 1
    await provide_until_done(state, both)
    assert (await call_of(story, path))["provider"] == "meet"
    assert len(await orphans(state.sessions)) == 1


async def test_an_attempt_that_was_cut_off_is_recorded_when_the_call_is_claimed_again(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    """As by a kill -9 between Meet's answer and its record."""
    path = path_of(await story.open(**P1))
    async with transaction(state.sessions) as session:
        [lost] = await provision.claim(session, 1, {}, 1)
    assert isinstance((await provision.attempt(both, lost)).outcome, Link)
    await fetch(state.sessions, "UPDATE calls SET next_attempt_at = now()")
    await provide(state, both)
    assert await orphans(state.sessions) == [("meet", None, None, "the attempt was cut off")]
    assert len(google.spaces) == 2
    assert (await call_of(story, path))["join_url"] == "https://meet.google.com/abc-mnop-002"


async def test_a_jitsi_room_is_never_left_behind(begin: Begin, state: State) -> None:
    story = await begin("google-premium", call_provider="jitsi")
    await story.open(**P1)
    async with transaction(state.sessions) as session:
        await provision.claim(session, 1, {}, 1)
    await fetch(state.sessions, "UPDATE calls SET next_attempt_at = now()")
    await provide(state, {"jitsi": JITSI})
    assert await orphans(state.sessions) == []


async def test_a_room_that_came_too_late_is_left_behind_by_name(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    path = path_of(await story.open(**P1))

    async def meanwhile(stand_in: Google, request: Any) -> Any:
        await story.customer.post(f"{path}/call/decline", reason="Call our desk")
        return await stand_in.make_space(request)

    google.faults.append(meanwhile)
    await provide(state, both)
    assert (await call_of(story, path))["state"] == "declined"
    found = ("meet", "host-1@desk.example", "spaces/jQCFfuBOdN5z-0", "the call was no longer wanted")
    assert await orphans(state.sessions) == [found]


# --- several processes, and the end of one -----------------------------------------------------------------------


async def test_four_replicas_make_one_space_for_each_call(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    for _ in range(12):
        await story.open(**P1)
    begun = 0
    for _ in range(12 // SHARE + 1):  # each has its share of the account's at a time
        begun += sum(await asyncio.gather(*(provide(state, both) for _ in range(4))))
    assert begun == len(google.spaces) == 12
    [row] = await fetch(state.sessions, "SELECT count(*) AS ready FROM calls WHERE state = 'ready'")
    assert row["ready"] == 12


async def test_a_claim_that_was_taken_over_writes_nothing(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    path = path_of(await story.open(**P1))

    async def slowly(stand_in: Google, request: Any) -> Any:
        await fetch(state.sessions, "UPDATE calls SET next_attempt_at = now()")
        await provide(state, {"jitsi": JITSI, "meet": JITSI})
        return await stand_in.make_space(request)

    google.faults.append(slowly)
    await provide(state, {"meet": both["meet"]})
    assert (await call_of(story, path))["provider"] == "jitsi"
    assert len(await story.events(path, "call.ready")) == 1
    assert [orphan[2] for orphan in await orphans(state.sessions)] == ["spaces/jQCFfuBOdN5z-0"]


async def test_a_failure_whose_claim_was_taken_over_leaves_the_other_claim_alone(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    await story.open(**P1)
    others: list[str] = []

    async def slowly(_: Google, __: Any) -> Any:
        await fetch(state.sessions, "UPDATE calls SET next_attempt_at = now()")
        async with transaction(state.sessions) as session:
            others.extend(call.claim_id for call in await provision.claim(session, 1, {}, 1))
        return problem(500, "INTERNAL", "Internal error encountered.")

    google.faults.append(slowly)
    await provide(state, both)
    [row] = await fetch(state.sessions, "SELECT claim_id, attempts FROM calls")
    assert ([row["claim_id"]], row["attempts"]) == (others, 2)


async def test_no_transaction_is_open_while_a_provider_is_asked(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    path = path_of(await story.open(**P1))
    seen: list[int] = []

    async def look(stand_in: Google, request: Any) -> Any:
        await story.customer.patch(path, title="Everything is down")  # takes the ticket's lock
        seen.append((await fetch(state.sessions, _IDLE_IN_TRANSACTION))[0]["n"])
        return await stand_in.make_space(request)

    google.faults.append(look)
    await provide(state, both)
    assert seen == [0]
    assert (await call_of(story, path))["state"] == "ready"


async def test_a_stop_waits_for_attempts_in_flight_and_claims_no_more(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    gate = asyncio.Event()

    async def held(stand_in: Google, request: Any) -> Any:
        await gate.wait()
        return await stand_in.make_space(request)

    google.faults.append(held)
    first = path_of(await story.open(**P1))
    provisioner = Provisioner(state, both)
    await provisioner.run_pass()
    stopping = asyncio.create_task(provisioner.stop())
    second = path_of(await story.open(**P1))
    await asyncio.sleep(0)
    assert await provisioner.run_pass() == 0
    assert not stopping.done()
    gate.set()
    await stopping
    assert [(await call_of(story, path))["state"] for path in (first, second)] == ["ready", "requested"]


async def test_a_provider_that_hangs_keeps_no_other_call_waiting(
    story: Story, begin: Begin, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    gate = asyncio.Event()

    async def held(stand_in: Google, request: Any) -> Any:
        await gate.wait()
        return await stand_in.make_space(request)

    google.always = held
    other = await begin("google-premium", call_provider="jitsi")
    provisioner = Provisioner(state, both)
    waiting = [path_of(await story.open(**P1)) for _ in range(3)]
    await provisioner.run_pass()
    path = path_of(await other.open(**P1))
    await provisioner.run_pass()
    await until(lambda: _is_ready(other, path))
    assert not any([await _is_ready(story, each) for each in waiting])
    gate.set()
    await provisioner.stop()


async def _is_ready(story: Story, path: str) -> bool:
    return bool((await call_of(story, path))["state"] == "ready")


async def test_with_all_slots_taken_the_next_call_begins_as_soon_as_one_is_free(
    begin: Begin, story: Story, state: State, google: Google, meet: Meet
) -> None:
    gate = asyncio.Event()

    async def held(stand_in: Google, request: Any) -> Any:
        await gate.wait()
        return await stand_in.make_space(request)

    google.always = held
    provisioner = Provisioner(state, {"meet": meet})
    stories = [story, *[await begin("google-premium") for _ in range(SLOTS // SHARE)]]
    for place in range(SLOTS + 1):
        await stories[place % len(stories)].open(**P1)
    assert await provisioner.run_pass() == SLOTS
    assert (await provisioner.run_pass(), await provisioner.next_instant()) == (0, None)
    rings = state.wake_ups.calls.rings
    gate.set()
    await provisioner.drain()
    assert state.wake_ups.calls.rings > rings
    assert await provisioner.run_pass() == 1
    await provisioner.stop()


async def test_an_account_whose_calls_hang_leaves_slots_to_others(
    begin: Begin, story: Story, state: State, google: Google, meet: Meet
) -> None:
    gate = asyncio.Event()

    async def held(stand_in: Google, request: Any) -> Any:
        await gate.wait()
        return await stand_in.make_space(request)

    google.always = held
    provisioner = Provisioner(state, {"meet": meet})
    for _ in range(SLOTS + 5):
        await story.open(**P1)
    assert await provisioner.run_pass() == SHARE
    assert (await provisioner.run_pass(), await provisioner.next_instant()) == (0, None), "what waits has no slot"
    other = await begin("google-premium")
    theirs = path_of(await other.open(**P1))
    assert await provisioner.next_instant() is not None
    google.always = None
    assert await provisioner.run_pass() == 1
    await until(partial(_is_ready, other, theirs))
    gate.set()
    await provisioner.drain()
    assert await provisioner.run_pass() > 0
    await provisioner.stop()


# --- a ticket is opened in its normal time ------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [answers(500), answers(429), hangs], ids=["500", "429", "hang"])
async def test_g3_a_faulty_meet_slows_no_opening_down(
    story: Story, begin: Begin, state: State, google: Google, meet: Meet, fault: Fault
) -> None:
    """By the live jobs: openings with Meet in trouble behind them beside openings without any provider's work."""
    google.always = fault
    own = await begin("google-premium", call_link="https://meet.solar-roofs.example/p1")
    providers: dict[str, Provider] = {"meet": meet, "jitsi": JITSI}
    provisioner = Provisioner(state, providers)
    [calls] = [job for job in jobs(state, Sender(state)) if job.name == "calls"]
    live = replace(calls, run=provisioner.run_pass, next_instant=provisioner.next_instant, stop=None)
    scheduler = Scheduler(state, Sender(state), [live])
    scheduler.start()
    taken: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(15):
        for name, who in (("without", own), ("with", story)):
            started = monotonic()
            await who.open(**P1)
            taken[name].append(monotonic() - started)
    await until(lambda: bool(google.creations))
    ratio = median(taken["with"]) / median(taken["without"])
    assert ratio < 3, taken
    await scheduler.stop()
    for task in provisioner._attempts:
        task.cancel()
    await provisioner.drain()


async def test_g3_live_a_500_is_made_good_in_seconds(
    story: Story, state: State, google: Google, both: Mapping[str, Provider]
) -> None:
    google.faults.append(answers(500))
    provisioner = Provisioner(state, both)
    [calls] = [job for job in jobs(state, Sender(state)) if job.name == "calls"]
    live = replace(calls, run=provisioner.run_pass, next_instant=provisioner.next_instant, stop=provisioner.stop)
    scheduler = Scheduler(state, Sender(state), [live])
    scheduler.start()
    path = path_of(await story.open(**P1))
    await until(lambda: _is_ready(story, path), within=20)
    call = await call_of(story, path)
    assert call["provider"] == "meet"
    await scheduler.stop()
