"""G3: a new P1 gets a live call at once: Google Meet, or the customer's own conferencing instead."""

from collections.abc import Mapping

import pytest

from app.calls.providers.jitsi import Jitsi
from app.calls.providers.meet import Meet
from app.calls.providers.provider import Provider
from app.core.state import State
from tests.calls.meet_standin import Google, answers
from tests.support.desk import fetch
from tests.support.providing import poll, provide, provide_until_done
from tests.support.stories import P1, Begin, Story, deadline, path_of


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium")


@pytest.fixture
def providers(meet: Meet) -> Mapping[str, Provider]:
    return {"meet": meet, "jitsi": Jitsi("https://jitsi.example")}


async def test_g3_google_meet_by_default(story: Story, state: State, providers: Mapping[str, Provider]) -> None:
    opened = await story.open(**P1)
    assert opened["call"]["state"] == "requested"
    await provide(state, providers)
    call = (await story.customer.get(f"{path_of(opened)}/call"))["call"]
    assert (call["state"], call["provider"]) == ("ready", "meet")
    assert call["join_url"].startswith("https://meet.google.com/")
    [ready] = await story.events(path_of(opened), "call.ready", who=story.customer)
    assert ready["data"]["join_url"] == call["join_url"]


async def test_g3_a_customer_that_cannot_use_meet_brings_its_own_link(
    story: Story, state: State, google: Google, providers: Mapping[str, Provider]
) -> None:
    """In the transaction that opens the ticket: there is no instant at which the P1 is without its call."""
    ticket = await story.open(**P1, call_link="https://solar-roofs.webex.com/meet/operations")
    assert (ticket["call"]["state"], ticket["call"]["provider"]) == ("ready", "webex")
    assert ticket["call"]["join_url"] == "https://solar-roofs.webex.com/meet/operations"
    written = await fetch(story.sessions, "SELECT xmin FROM tickets UNION SELECT xmin FROM calls")
    assert len(written) == 1
    assert await provide(state, providers) == 0
    assert google.creations == []


OWN = "https://solar-roofs.zoom.us/j/1842"


async def test_g3_without_a_link_both_are_asked_for_one_and_it_revives_the_call(begin: Begin, state: State) -> None:
    story = await begin("google-premium", locale="fr")
    path = path_of(await story.open(**P1))
    await story.engineer.post(f"{path}/assign", engineer_id=story.engineer_id)
    await provide(state, {})
    [asked] = (await story.customer.get(f"{path}/messages"))["items"]
    assert asked["body"].startswith("Nous n'avons pas pu ouvrir d'appel pour ce ticket.")
    [failed] = await story.events(path, "call.failed", who=story.engineer)
    assert failed["data"]["assignee_id"] == story.engineer_id
    [notice] = await fetch(
        story.sessions,
        "SELECT n.recipient FROM notices AS n JOIN events AS e ON e.id = n.event_id WHERE e.type = $1",
        "call.failed",
    )
    assert notice["recipient"]["role"] == "expert"
    ticket = await story.customer.patch(path, call_link=OWN)
    assert {name: ticket["call"][name] for name in ("state", "join_url", "provider", "failure", "failures")} == {
        "state": "ready",
        "join_url": OWN,
        "provider": "zoom",
        "failure": None,
        "failures": [],
    }
    [ready] = await story.events(path, "call.ready", who=story.customer)
    assert (ready["data"]["join_url"], deadline(ticket, "call_join")["state"]) == (OWN, "running")


async def test_g3_a_link_given_while_a_provider_is_asked_is_used_at_once(
    story: Story, state: State, google: Google, providers: Mapping[str, Provider]
) -> None:
    path = path_of(await story.open(**P1))
    ticket = await story.customer.patch(path, call_link=OWN)
    assert (ticket["call"]["state"], ticket["call"]["join_url"]) == ("ready", OWN)
    assert await provide(state, providers) == 0
    assert google.creations == []


async def test_g3_a_customer_that_finds_it_cannot_use_meet_brings_its_own_link(
    story: Story, state: State, google: Google, providers: Mapping[str, Provider]
) -> None:
    path = path_of(await story.open(**P1))
    await provide(state, providers)
    ticket = await story.customer.patch(path, call_link=OWN)
    assert (ticket["call"]["state"], ticket["call"]["join_url"]) == ("ready", OWN)
    calls = await story.customer.get(f"{path}/call")
    assert [(call["state"], call["provider"]) for call in calls["earlier"]] == [("ended", "meet")]
    await poll(story.sessions, providers)
    assert len(google.ended) == 1
    await story.customer.post(f"{path}/call/join", participant="customer")
    joined = await story.customer.patch(path, call_link="https://solar-roofs.zoom.us/j/1843")
    assert joined["call"]["join_url"] == OWN


async def test_g3_a_ticket_raised_to_p1_gets_its_call(
    story: Story, state: State, providers: Mapping[str, Provider]
) -> None:
    path = path_of(await story.open(priority="P3"))
    raised = {"priority": "P1", "reason": "Production is next", "business_impact": "No order can be taken"}
    await story.customer.post(f"{path}/priority", **raised)
    await provide(state, providers)
    assert (await story.customer.get(path))["call"]["provider"] == "meet"


@pytest.mark.parametrize("how", ["reopened", "written to"])
async def test_g3_a_p1_that_is_reopened_gets_a_call_again(
    story: Story, state: State, providers: Mapping[str, Provider], how: str
) -> None:
    path = path_of(await story.open(**P1))
    await provide(state, providers)
    await story.engineer.post(f"{path}/status", status="resolved", message="The tills work again.")
    assert (await story.customer.get(path))["call"]["state"] == "ended"
    if how == "reopened":
        ticket = await story.customer.post(f"{path}/reopen")
    else:
        await story.customer.post(f"{path}/messages", 201, body="They have stopped again.")
        ticket = await story.customer.get(path)
    assert ticket["call"]["state"] == "requested"
    await provide(state, providers)
    first, second = await story.events(path, "call.ready", who=story.customer)
    assert first["data"]["join_url"] != second["data"]["join_url"]
    call = (await story.customer.get(f"{path}/call"))["call"]
    assert (call["state"], call["join_url"]) == ("ready", second["data"]["join_url"])
    deadlines = (await story.customer.get(path))["deadlines"]
    assert [each["state"] for each in deadlines if each["metric"] == "call_join"] == ["cancelled", "running"]


async def test_g3_in_a_sandbox_the_customers_own_link_comes_back_with_the_ticket(begin: Begin) -> None:
    story = await begin("google-premium", sandbox={"starts_at": "2026-11-20T09:00:00Z"})
    ticket = await story.open(**P1)
    path = path_of(ticket)
    assert ticket["call"]["state"] == "ready"
    assert (await story.customer.patch(path, call_link=OWN))["call"]["join_url"] == OWN
    await story.engineer.post(f"{path}/status", status="resolved", message="The tills work again.")
    await story.pass_time("PT1H")
    await story.customer.post(f"{path}/messages", 201, body="They have stopped again.")
    call = (await story.customer.get(path))["call"]
    assert (call["state"], call["join_url"], call["join_by"]) == ("ready", OWN, "2026-11-20T10:30:00Z")
    ready = await story.events(path, "call.ready", who=story.customer)
    assert [event["data"]["join_url"] == OWN for event in ready] == [False, True, True]


async def test_g3_meet_out_of_order_the_next_provider_serves(
    story: Story, state: State, google: Google, providers: Mapping[str, Provider]
) -> None:
    google.always = answers(503, "UNAVAILABLE")
    path = path_of(await story.open(**P1))
    await provide_until_done(state, providers)
    assert (await story.customer.get(path))["call"]["provider"] == "jitsi"
    assert await story.events(path, "call.failed") == []
