"""C20: a P1 is never silent while anybody is on shift: round after round, until somebody accepts."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.support.desk import fetch
from tests.support.experts import add_expert, advance, daily
from tests.support.stories import P1, Begin, Story, path_of
from tests.support.sweeping import run_pass

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MANAGER: Final = {"name": "Mia Chen", "email": "mia@example.com"}
TICK: Final = timedelta(microseconds=1)
"""A miss is known that much after its due instant (C06), so rounds drift by a few of them."""
MOMENT: Final = timedelta(milliseconds=1)


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium", sandbox={"starts_at": START.isoformat()}, manager=MANAGER)


def at(event: Any) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


def silences(events: list[Any], until: datetime) -> list[tuple[datetime, datetime]]:
    """From when to when nobody was asked and no next round was told."""
    quiet_since, found = at(events[0]), []
    for event in events:
        if event["type"] == "expert.alerted":
            begins, ends = at(event), datetime.fromisoformat(event["data"]["accept_by"]) + TICK
        elif event["type"] == "routing.round_exhausted":
            begins, ends = at(event), datetime.fromisoformat(event["data"]["next_at"])
        else:
            continue
        if begins > quiet_since:
            found.append((quiet_since, begins))
        quiet_since = max(quiet_since, ends)
    return [*found, *([(quiet_since, until)] if quiet_since < until else [])]


async def test_c20_two_experts_who_never_answer_are_paged_for_24_hours(story: Story) -> None:
    experts = [(await add_expert(story, name)).id for name in ("Ida", "Ole")]
    ticket = await story.open(**P1)
    await advance(story, by="PT24H")
    events = await story.events(path_of(ticket))
    assert silences(events, START + timedelta(hours=24)) == []
    paged = [event["data"]["engineer_id"] for event in events if event["type"] == "expert.alerted"]
    assert len(paged) == 2 * 96
    assert set(paged) == set(experts)
    exhausted = [event for event in events if event["type"] == "routing.round_exhausted"]
    assert [event["data"]["round"] for event in exhausted] == list(range(1, 97))
    assert {event["audience"] for event in exhausted} == {"internal"}
    told = [at(event) for event in exhausted if event["data"]["notified"]]
    assert told[0] == START + timedelta(minutes=10) + 2 * TICK
    assert all(after - before >= timedelta(hours=1) for before, after in itertools.pairwise(told))
    assert len(told) >= 19
    seen = await story.product.get(path_of(ticket))
    assert (seen["routing"]["reason"], seen["routing"]["round"]) == ("round_exhausted", 96)
    assert seen["routing"]["next_at"] == exhausted[-1]["data"]["next_at"]
    assert not [event for event in await story.events(path_of(ticket), who=story.customer) if "round" in event["type"]]


async def test_c20_over_the_night_it_waits_for_the_shift_and_then_the_rounds_go_on(story: Story) -> None:
    for name in ("Ida", "Ole"):
        await add_expert(story, name, shifts=daily("UTC", "09:00", "17:00"))
    ticket = await story.open(**P1)
    await advance(story, to="2026-11-21T10:00:00Z")
    events = await story.events(path_of(ticket))
    [(since, until)] = silences(events, START + timedelta(hours=25))
    assert START + timedelta(hours=8) <= since < START + timedelta(hours=8) + MOMENT
    assert until == START + timedelta(hours=24)
    [unstaffed] = [event for event in events if event["type"] == "routing.unstaffed"]
    assert (unstaffed["data"]["reason"], unstaffed["data"]["next_at"]) == ("unstaffed", "2026-11-21T09:00:00Z")


async def test_c20_who_accepts_ends_the_rounds(story: Story) -> None:
    ida = await add_expert(story, "Ida")
    ticket = await story.open(**P1)
    await advance(story, by="PT12M")
    [alert] = (await story.product.get("/v1/alerts", ticket_id=ticket["id"], state="alerted"))["items"]
    await ida.caller.post(f"/v1/alerts/{alert['id']}/accept")
    before = len(await story.events(path_of(ticket)))
    await advance(story, by="PT5M")
    seen = await story.product.get(path_of(ticket))
    assert (seen["routing"]["state"], seen["routing"]["round"], seen["routing"]["reason"]) == ("engaged", 1, None)
    assert seen["routing"]["alert_id"] == alert["id"]
    later = (await story.events(path_of(ticket)))[before:]
    assert not [event for event in later if event["type"].startswith(("expert.", "routing."))]


@pytest.mark.parametrize("how", ["resolved", "mitigated", "lowered", "withdrawn"])
async def test_c20_what_needs_nobody_any_more_pages_nobody(story: Story, how: str) -> None:
    await add_expert(story, "Ida")
    ticket = await story.open(**P1)
    path = path_of(ticket)
    await advance(story, by="PT6M")
    if how == "lowered":
        await story.product.post(f"{path}/priority", priority="P3", reason="Calmer")
    elif how == "withdrawn":
        await story.customer.post(f"{path}/withdraw")
    else:
        await story.product.post(f"{path}/status", status="open")
        await story.product.post(f"{path}/status", status=how)
    before = len(await story.events(path, "expert.alerted"))
    await advance(story, by="PT3H")
    assert len(await story.events(path, "expert.alerted")) == before
    assert (await story.product.get(path))["routing"] is None


async def test_c20_live_the_sweep_begins_the_next_round(begin: Begin) -> None:
    live = await begin("google-premium", manager=MANAGER)
    ticket = await live.open(**P1)
    [alert] = (await live.product.get("/v1/alerts"))["items"]
    await live.engineer.post(f"/v1/alerts/{alert['id']}/decline", reason="On a train")
    [row] = await fetch(
        live.sessions, "SELECT wake_at - now() AS wait, routing FROM tickets WHERE id = $1", ticket["id"]
    )
    assert timedelta(minutes=4) < row["wait"] <= timedelta(minutes=5)
    pause_over = """UPDATE tickets SET wake_at = now(), route_at = now(),
        routing = jsonb_set(routing, '{again_at}', to_jsonb(now())) WHERE id = $1"""
    await fetch(live.sessions, pause_over, ticket["id"])
    await run_pass(live.sessions)
    seen = await live.product.get(path_of(ticket))
    assert (seen["routing"]["state"], seen["routing"]["round"], seen["assignee"]) == ("alerted", 2, live.engineer_id)
    notices = await fetch(live.sessions, "SELECT e.type FROM notices AS n JOIN events AS e ON e.id = n.event_id")
    assert sorted(row["type"] for row in notices).count("routing.round_exhausted") == 1
