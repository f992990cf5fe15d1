"""G6: the customer can join the call at once, is reminded after 15 minutes, counts as missing after 30, may decline.

On the clock of a sandbox, which stands still until it is moved.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.state import State
from tests.support.actors import make_engineer
from tests.support.providing import provide
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
    events: list[Any] = (await story.advance(to=at(minutes).isoformat()))["events"]
    return events


async def test_g6_the_window_is_told_with_the_link(story: Story) -> None:
    ticket = await story.open(**P1)
    call = ticket["call"]
    assert (call["state"], *told(call, "remind_at", "join_by")) == ("ready", at(15), at(30))
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


REMINDERS = {
    "es": "La llamada de este ticket está abierta",
    "pl": "Rozmowa w sprawie tego zgłoszenia jest otwarta",
}


@pytest.mark.parametrize(("of_requester", "of_account", "language"), [("es", "pl", "es"), (None, "pl", "pl")])
async def test_g6_the_customer_is_reminded_once(
    begin: Begin, of_requester: str | None, of_account: str, language: str
) -> None:
    story = await begin("google-premium", sandbox={"starts_at": START.isoformat()}, locale=of_account)
    requester = {"name": "Ana Silva", "email": "ana@solar-roofs.example", "locale": of_requester}
    path = path_of(await story.open(**P1, requester=requester))
    assert "call.reminded" not in [event["type"] for event in await advance(story, 14)]
    reminded = [event for event in await advance(story, 60) if event["type"] == "call.reminded"]
    assert [event["timestamp"] for event in reminded] == [at(15).isoformat(timespec="microseconds")[:-6] + "Z"]
    assert told(reminded[0]["data"], "join_by") == [at(30)]
    [message] = (await story.customer.get(f"{path}/messages"))["items"]
    assert message["body"].startswith(REMINDERS[language])
    assert (message["author"]["kind"], *told(message, "created_at")) == ("automation", at(15))


@pytest.mark.parametrize("answer", [("join", {"participant": "customer"}), ("decline", {"reason": "We cannot"})])
async def test_g6_who_has_answered_is_not_reminded(story: Story, answer: tuple[str, Any]) -> None:
    path = path_of(await story.open(**P1))
    await story.customer.post(f"{path}/call/{answer[0]}", **answer[1])
    assert "call.reminded" not in [event["type"] for event in await advance(story, 60)]
    assert (await story.customer.get(f"{path}/messages"))["items"] == []


async def test_g6_a_customer_who_declined_can_still_join(story: Story) -> None:
    path = path_of(await story.open(**P1))
    declined = await story.customer.post(f"{path}/call/decline", reason="Our network is down")
    await advance(story, 20)
    ticket = await story.customer.post(f"{path}/call/join", participant="customer")
    assert (ticket["call"]["id"], ticket["call"]["state"]) == (declined["call"]["id"], "joined")
    assert (told(ticket["call"], "joined_at"), ticket["call"]["ended_at"]) == ([at(20)], None)
    assert deadline(ticket, "call_join")["state"] == "met"


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


@pytest.mark.parametrize("minutes", [4, 16, 31], ids=["before the reminder", "after it", "after it counts as missing"])
async def test_g6_nobody_is_expected_in_the_call_of_a_p1_that_is_lowered(story: Story, minutes: float) -> None:
    path = path_of(await story.open(**P1))
    await advance(story, minutes)
    said = (await story.customer.get(f"{path}/messages"))["items"]
    ticket = await story.engineer.post(f"{path}/priority", priority="P2", reason="Two shops sell again")
    assert (ticket["call"]["state"], ticket["call"]["ended_at"]) == ("ended", ticket["updated_at"])
    assert deadline(ticket, "call_join")["state"] == ("cancelled" if minutes < 30 else "missed")
    assert {event["type"] for event in await advance(story, 120)}.isdisjoint({"call.reminded", "call.no_show"})
    assert (await story.customer.get(f"{path}/messages"))["items"] == said


async def test_g6_a_link_given_to_a_ticket_that_was_lowered_makes_no_call(begin: Begin, state: State) -> None:
    story = await begin("google-premium")
    path = path_of(await story.open(**P1))
    await provide(state, {})
    assert len(await story.events(path, "call.failed")) == 1
    await story.engineer.post(f"{path}/priority", priority="P2", reason="Two shops sell again")
    await story.customer.patch(path, call_link="https://solar-roofs.zoom.us/j/1842")
    assert await story.events(path, "call.ready") == []


async def test_g6_a_second_refusal_says_that_the_call_is_declined(story: Story) -> None:
    path = path_of(await story.open(**P1))
    await story.customer.post(f"{path}/call/decline", reason="Our network is down")
    refused = await story.customer.post(f"{path}/call/decline", 409, reason="It still is")
    assert refused["detail"] == "The call has already been declined; the customer can still join it"
    assert len(await story.events(path, "call.declined")) == 1
    ended = await story.engineer.post(f"{path}/call/end")
    assert ended["call"]["state"] == "ended"
    refused = await story.customer.post(f"{path}/call/decline", 409, reason="And still")
    assert refused["detail"] == "The ticket has no active call"
