"""G6: the customer is expected in the call within 15 to 30 minutes, and can tell the expert that it will not join.

On the clock of a sandbox, which stands still until it is moved.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.actors import make_engineer
from tests.support.stories import P1, Begin, Story, deadline, path_of

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """An instant, in minutes after the start."""
    return START + timedelta(minutes=minutes)


def told(document: Any, *names: str) -> list[datetime]:
    """Instants of a document."""
    return [datetime.fromisoformat(document[name]) for name in names]


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium", sandbox={"starts_at": START.isoformat()})


async def advance(story: Story, minutes: float) -> list[Any]:
    """Move the clock to so many minutes after the start; what happened on the way."""
    path = f"/v1/sandbox/{story.account.account_id}/advance"
    events: list[Any] = (await story.product.post(path, to=at(minutes).isoformat()))["events"]
    return events


async def test_g6_the_window_is_told_with_the_link(story: Story) -> None:
    ticket = await story.open(**P1)
    call = ticket["call"]
    assert (call["state"], *told(call, "join_from", "join_by")) == ("ready", at(15), at(30))
    assert told(deadline(ticket, "call_join"), "due_at") == [at(30)]


@pytest.mark.parametrize("minutes", [2, 20, 30], ids=["early", "in the window", "at the last instant"])
async def test_g6_joining_in_time_is_met(story: Story, minutes: float) -> None:
    path = path_of(await story.open(**P1))
    await advance(story, minutes)
    ticket = await story.customer.post(f"{path}/call/join", participant="customer")
    join = deadline(ticket, "call_join")
    assert (ticket["call"]["state"], *told(ticket["call"], "joined_at")) == ("joined", at(minutes))
    assert (join["state"], join["stopped_by"]) == ("met", "customer")


async def test_g6_refused_with_a_reason_and_the_expert_is_told(story: Story) -> None:
    path = path_of(await story.open(**P1))
    expert = await make_engineer(story.sessions, account_id=story.account.account_id)
    await story.product.post(f"{path}/assign", engineer_id=expert.id)
    await advance(story, 4)
    await story.customer.post(f"{path}/call/decline", 422)
    ticket = await story.customer.post(f"{path}/call/decline", reason="Our network is down: call +34 91 000 00 00")
    assert (ticket["call"]["state"], deadline(ticket, "call_join")["state"]) == ("declined", "met")
    [declined] = await story.events(path, "call.declined", who=story.product)
    assert declined["data"]["assignee_id"] == expert.id
    assert declined["data"]["reason"] == ticket["call"]["decline_reason"]
    assert "call.no_show" not in [event["type"] for event in await advance(story, 60)]


async def test_g6_nobody_comes_and_still_may(story: Story) -> None:
    path = path_of(await story.open(**P1))
    assert "call.no_show" not in [event["type"] for event in await advance(story, 30)]
    [no_show] = [event for event in await advance(story, 31) if event["type"] == "call.no_show"]
    assert told(no_show, "timestamp") == told(no_show["data"], "join_by") == [at(30)]
    ticket = await story.customer.get(path)
    assert (ticket["call"]["state"], deadline(ticket, "call_join")["state"]) == ("no_show", "missed")
    await advance(story, 34)
    ticket = await story.customer.post(f"{path}/call/join", participant="customer")
    assert (ticket["call"]["state"], *told(ticket["call"], "joined_at")) == ("joined", at(34))
    assert deadline(ticket, "call_join")["state"] == "met_late"
