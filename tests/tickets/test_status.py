"""The life of a ticket: statuses, their table, and what a sweep and a person's write change."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from app.core.db.engine import Sessions
from app.tickets.rules import STATUSES, status_table
from tests.support.desk import store_plan
from tests.support.stories import TICKET, Begin, Story, deadline, path_of, pointers
from tests.support.sweeping import run_pass
from tests.support.waiting import until

TABLE = {row["status"]: row for row in status_table()}
REACH: dict[str, list[dict[str, str]]] = {
    "new": [],
    "open": [{"status": "open"}],
    "waiting_on_customer": [{"status": "waiting_on_customer", "message": "Which version?"}],
    "mitigated": [{"status": "open"}, {"status": "mitigated"}],
    "resolved": [{"status": "resolved", "message": "Fixed."}],
    "closed": [{"status": "closed"}],
}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("wati-business-plus")


async def reached(story: Story, status: str) -> str:
    """The path of a ticket that has come to this status."""
    path = path_of(await story.open())
    for step in REACH[status]:
        await story.engineer.post(f"{path}/status", **step)
    assert (await story.engineer.get(path))["status"] == status
    return path


async def test_the_table_is_published(story: Story) -> None:
    assert (await story.customer.get("/v1/statuses"))["items"] == status_table()
    assert tuple(TABLE) == STATUSES


@pytest.mark.parametrize("status", STATUSES)
async def test_support_follows_the_table(story: Story, status: str) -> None:
    path = await reached(story, status)
    allowed: Any = TABLE[status]["support"]
    message = {} if status == "closed" else {"message": "Now."}
    for wanted in sorted({*STATUSES} - {status, *allowed}):
        problem = await story.product.post(f"{path}/status", 409, status=wanted)
        assert problem["status_table"] == "/v1/statuses"
    for wanted in allowed:
        fresh = await reached(story, status)
        assert (await story.engineer.post(f"{fresh}/status", status=wanted, **message))["status"] == wanted


@pytest.mark.parametrize("status", STATUSES)
async def test_customers_resolve_and_reopen_their_own(story: Story, status: str) -> None:
    path = await reached(story, status)
    allowed: Any = TABLE[status]["customer"]
    by_support: Any = TABLE[status]["support"]
    for wanted in sorted({*STATUSES} - {status, *allowed}):
        await story.customer.post(f"{path}/status", 403 if wanted in by_support else 409, status=wanted)
    for wanted in allowed:
        assert (await story.customer.post(f"{path}/status", status=wanted))["status"] == wanted
        [*_, changed] = await story.events(path, "ticket.status_changed", "ticket.reopened")
        assert changed["actor"]["kind"] == "customer"


async def test_a_status_set_to_itself_is_nothing(story: Story) -> None:
    path = await reached(story, "resolved")
    count = len(await story.events(path))
    assert (await story.engineer.post(f"{path}/status", status="resolved"))["status"] == "resolved"
    assert len(await story.events(path)) == count


async def test_an_engineer_resolves_with_a_message(story: Story) -> None:
    path = path_of(await story.open())
    problem = await story.engineer.post(f"{path}/status", 422, status="resolved")
    assert pointers(problem) == ["/message"]
    ticket = await story.engineer.post(f"{path}/status", status="resolved", message="The lock is gone.")
    assert ticket["resolved_at"] == deadline(ticket, "resolution")["ended_at"]
    assert [deadline(ticket, metric)["state"] for metric in ("first_response", "resolution")] == ["met", "met"]
    [message] = (await story.customer.get(f"{path}/messages"))["items"]
    assert (message["body"], message["visibility"]) == ("The lock is gone.", "public")


async def test_resolved_without_an_answer_the_first_response_is_told_apart(story: Story) -> None:
    for caller in (story.customer, story.product):
        path = path_of(await story.open())
        ticket = await caller.post(f"{path}/status", status="resolved")
        response = deadline(ticket, "first_response")
        assert (response["state"], response["reason"]) == ("cancelled", "resolved_by_sender")
        assert deadline(ticket, "resolution")["state"] == "met"


async def test_waiting_comes_only_with_or_after_an_answer(story: Story) -> None:
    path = path_of(await story.open())
    await story.engineer.post(f"{path}/status", status="open")
    await story.engineer.post(f"{path}/messages", 201, body="Internal", visibility="internal")
    for caller in (story.engineer, story.product):
        assert pointers(await caller.post(f"{path}/status", 422, status="waiting_on_customer")) == ["/message"]
    asking = {"status": "waiting_on_customer", "message": "Which version?"}
    assert pointers(await story.product.post(f"{path}/status", 422, **asking)) == ["/message"]
    waiting = await story.engineer.post(f"{path}/status", **asking)
    assert (waiting["status"], deadline(waiting, "resolution")["state"]) == ("waiting_on_customer", "paused")
    await story.engineer.post(f"{path}/status", status="open")
    await story.product.post(f"{path}/status", status="waiting_on_customer")


async def test_reopened_a_new_resolution_starts(story: Story) -> None:
    path = await reached(story, "resolved")
    ticket = await story.customer.post(f"{path}/status", status="open", message="It is back.")
    assert [deadline(ticket, "resolution", cycle)["state"] for cycle in (1, 2)] == ["met", "running"]
    assert deadline(ticket, "first_response")["state"] == "met"
    assert len((await story.customer.get(f"{path}/messages"))["items"]) == 2


async def test_n8_a_resolved_ticket_closes_by_itself(story: Story, sessions: Sessions) -> None:
    await store_plan(sessions, "wati-business-plus", close_after="PT0.2S")
    path = path_of(await story.open())
    resolved = await story.engineer.post(f"{path}/status", status="resolved", message="Fixed.")
    await until(partial(run_pass, sessions))
    ticket = await story.customer.get(path)
    assert (ticket["status"], ticket["closed_reason"]) == ("closed", "unanswered")
    assert ticket["resolved_at"] == resolved["resolved_at"]
    [*_, closed] = await story.events(path, "ticket.status_changed")
    assert closed["actor"]["kind"] == "service"
    assert ticket["closed_at"] == closed["timestamp"]
    await story.customer.post(f"{path}/messages", 409, body="Thanks!")


# --- versions --------------------------------------------------------------------------------------------------


async def test_the_version_grows_with_what_people_write_and_not_with_the_sweep(
    story: Story, sessions: Sessions
) -> None:
    path = await story.open_at(await story.now() - timedelta(hours=9), priority="P2")
    assert await run_pass(sessions) == 1
    swept = await story.engineer.send("GET", path)
    assert (swept.json()["priority"], swept.json()["priority_source"]) == ("P1", "automatic")
    assert (swept.json()["version"], swept.headers["etag"]) == (1, '"1"')
    writes: list[tuple[str, dict[str, Any]]] = [
        ("/messages", {"body": "Hello"}),
        ("/status", {"status": "open"}),
        ("/priority", {"priority": "P2", "reason": "Calm"}),
        ("/assign", {"engineer_id": story.engineer_id}),
    ]
    for version, (action, body) in enumerate(writes, start=2):
        answer = await story.engineer.send("POST", path + action, body, if_match=f'"{version - 1}"')
        assert answer.status_code < 300
        assert (await story.engineer.get(path))["version"] == version


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PATCH", "", {"title": "Other"}),
        ("POST", "/messages", {"body": "Hello"}),
        ("POST", "/status", {"status": "open"}),
        ("POST", "/priority", {"priority": "P2", "reason": "Worse"}),
        ("POST", "/assign", {"tier": 1}),
        ("POST", "/call/end", {}),
    ],
)
async def test_a_stale_version_is_refused(story: Story, method: str, action: str, body: dict[str, Any]) -> None:
    path = path_of(await story.open())
    refused = await story.engineer.send(method, path + action, body, if_match='"7"')
    assert (refused.status_code, refused.json()["type"]) == (412, "/problems/precondition-failed")
    assert refused.headers["etag"] == '"1"'
    assert (await story.engineer.get(path))["version"] == 1


async def test_an_action_answers_with_the_ticket_and_its_etag(story: Story) -> None:
    path = path_of(await story.open())
    answer = await story.engineer.send("POST", f"{path}/status", {"status": "open"}, if_match='"1"')
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json() == await story.engineer.get(path)


async def test_support_opens_for_a_customer_and_still_owes_an_answer(story: Story) -> None:
    body = TICKET | {"account_id": story.account.account_id, "channel": "web"}
    ticket = await story.engineer.post("/v1/tickets", 201, **body)
    assert (ticket["status"], deadline(ticket, "first_response")["state"]) == ("new", "running")
