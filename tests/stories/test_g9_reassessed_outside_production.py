"""G9: a P1 that neither affects production nor has a large impact is put up for re-assessment."""

from typing import Any

import pytest

from tests.support.desk import store_plan
from tests.support.stories import P1, Begin, Story, deadline, path_of, pointers

ANNE = {"name": "Anne Roux", "email": "anne@example.com", "locale": "fr-CA"}
SMALL: dict[str, Any] = P1 | {"environment": "non_production", "impact": "medium"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium", locale="pl")


async def test_g9_the_customer_is_asked_and_the_clocks_run_on(story: Story) -> None:
    ticket = await story.open(**SMALL)
    path = path_of(ticket)
    assert (ticket["review_requested"], ticket["priority"]) == (True, "P1")
    [asked] = (await story.customer.get(f"{path}/messages"))["items"]
    assert asked["body"].startswith("Zgłoszenie ma priorytet P1")
    assert (asked["author"]["kind"], asked["visibility"]) == ("automation", "public")
    [told] = await story.events(path, "ticket.review_requested", who=story.customer)
    assert told["data"] == {"priority": "P1", "reason": "non_production"}
    ticket = await story.engineer.get(path)
    assert deadline(ticket, "first_response")["state"] == "running"
    assert ticket["call"]["state"] == "requested"


async def test_g9_an_engineer_confirms(story: Story) -> None:
    path = path_of(await story.open(**SMALL))
    await story.customer.post(f"{path}/review", 403)
    ticket = await story.engineer.post(f"{path}/review", message="It stays a P1: the launch is tomorrow.")
    assert (ticket["review_requested"], ticket["priority"]) == (False, "P1")
    assert deadline(ticket, "first_response")["state"] == "met"
    [*_, told] = await story.events(path, "ticket.updated")
    assert (told["data"]["fields"], told["actor"]["kind"]) == ({"review_requested": False}, "engineer")
    await story.engineer.post(f"{path}/review", 409)


async def test_g9_an_engineer_puts_a_production_p1_up(story: Story) -> None:
    path = path_of(await story.open(**P1))
    await story.customer.post(f"{path}/review/request", 403)
    ticket = await story.engineer.post(f"{path}/review/request")
    assert (ticket["review_requested"], ticket["review_reason"]) == (True, "engineer")
    [asked] = (await story.customer.get(f"{path}/messages"))["items"]
    assert asked["body"].startswith("Chcielibyśmy ponownie ocenić priorytet")
    [told] = await story.events(path, "ticket.review_requested", who=story.customer)
    assert (told["data"]["reason"], told["actor"]["kind"]) == ("engineer", "engineer")
    await story.engineer.post(f"{path}/review/request")
    assert len((await story.customer.get(f"{path}/messages"))["items"]) == 1
    assert len(await story.events(path, "ticket.review_requested")) == 1
    ticket = await story.customer.patch(path, environment="production", impact="large")
    assert ticket["review_requested"] is True
    ticket = await story.engineer.post(f"{path}/review", priority="P3", message="It can wait until Monday.")
    assert (ticket["review_requested"], ticket["review_reason"], ticket["priority"]) == (False, None, "P3")


async def test_g9_an_engineer_asks_in_words_of_their_own(story: Story) -> None:
    path = path_of(await story.open(priority="P2"))
    ticket = await story.engineer.post(f"{path}/review/request", message="How many shops are affected?")
    assert (ticket["review_reason"], deadline(ticket, "first_response")["state"]) == ("engineer", "met")
    assert [each["body"] for each in (await story.customer.get(f"{path}/messages"))["items"]] == [
        "How many shops are affected?"
    ]
    lowered = await story.engineer.post(f"{path}/priority", priority="P3", reason="Two shops")
    assert lowered["review_requested"] is False
    await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await story.engineer.post(f"{path}/review/request", 409)


async def test_g9_a_changed_environment_or_impact_starts_a_review(story: Story) -> None:
    path = path_of(await story.open(**P1))
    ticket = await story.engineer.patch(path, environment="non_production")
    assert (ticket["review_requested"], ticket["review_reason"]) == (True, "non_production")
    assert len((await story.customer.get(f"{path}/messages"))["items"]) == 1
    ticket = await story.customer.patch(path, impact="large")
    assert (ticket["review_requested"], ticket["review_reason"]) == (False, None)
    assert (await story.customer.patch(path, impact="small"))["review_requested"] is True


async def test_g9_or_lowers_it(story: Story) -> None:
    path = path_of(await story.open(**SMALL))
    ticket = await story.engineer.post(f"{path}/review", priority="P3", message="It can wait until Monday.")
    assert (ticket["review_requested"], ticket["priority"], ticket["priority_source"]) == (False, "P3", "override")
    assert pointers(await story.engineer.post(f"{path}/priority", 422, priority="P9", reason="x")) == ["/priority"]


async def test_g9_lowered_by_its_customer_there_is_nothing_to_review(story: Story) -> None:
    path = path_of(await story.open(**SMALL))
    ticket = await story.engineer.post(f"{path}/priority", priority="P2", reason="It can wait")
    assert ticket["review_requested"] is False


@pytest.mark.parametrize(
    "fields",
    [{"environment": "production"}, {"impact": "large"}, {"priority": "P2"}],
    ids=["production", "large impact", "not P1"],
)
async def test_g9_what_is_not_put_up(story: Story, fields: dict[str, str]) -> None:
    ticket = await story.open(**SMALL | fields)
    assert ticket["review_requested"] is False
    assert (await story.customer.get(f"{path_of(ticket)}/messages"))["items"] == []


async def test_g9_a_ticket_that_is_raised_is_looked_at_too(story: Story) -> None:
    path = path_of(await story.open(environment="non_production", priority="P3", requester=ANNE))
    ticket = await story.engineer.post(f"{path}/priority", priority="P1", reason="Tests stop", business_impact="None")
    assert ticket["review_requested"] is True
    [asked] = (await story.customer.get(f"{path}/messages"))["items"]
    assert asked["body"].startswith("Votre ticket a la priorité P1")


async def test_g9_the_customer_reads_what_the_priority_is_called(begin: Begin) -> None:
    story = await begin("itil-native", locale="pl")
    path = path_of(await story.open(priority="high"))
    await story.engineer.post(f"{path}/review/request")
    [question] = (await story.customer.get(f"{path}/messages"))["items"]
    assert "Wysoka" in question["body"]


async def test_g9_other_plans_do_not_ask(begin: Begin) -> None:
    story = await begin("wati-business-plus")
    assert (await story.open(**SMALL))["review_requested"] is False


async def test_g9_one_that_a_miss_has_raised_is_looked_at_too(begin: Begin) -> None:
    targets = {"P1": {"first_response": "PT15M"}, "P2": {"resolution": "PT1H"}}
    sessions = (await begin("google-premium")).sessions
    rules = {"targets": targets, "on_miss": {"resolution": ["raise_priority"]}}
    key = await store_plan(sessions, "google-premium", key="ours", **rules)
    story = await begin(key, sandbox={"starts_at": "2026-11-20T09:00:00Z"}, locale="es")
    path = path_of(await story.open(priority="P2", environment="non_production", impact="small"))
    await story.pass_time("PT2H")
    ticket = await story.product.get(path)
    assert (ticket["priority"], ticket["review_requested"], ticket["review_reason"]) == ("P1", True, "non_production")
    [asked] = await story.events(path, "ticket.review_requested", who=story.customer)
    assert asked["timestamp"] == "2026-11-20T10:00:00.000000Z"
    [question] = (await story.customer.get(f"{path}/messages"))["items"]
    assert question["body"].startswith("Su ticket tiene la prioridad P1")
    large = path_of(await story.open(priority="P2", environment="non_production", impact="large"))
    await story.pass_time("PT2H")
    assert (await story.product.get(large))["review_requested"] is False
