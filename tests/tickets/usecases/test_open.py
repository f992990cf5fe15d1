"""Opening a ticket over HTTP: who may, for whom, the answer, and asking twice."""

import re
from typing import Any

import pytest

from app.core.db.engine import Sessions
from app.core.ids import new_id
from app.plans.models import PlanVersionRow
from app.tickets.usecases import open as opening
from app.tickets.usecases.open import new_number
from tests.support.actors import make_account, make_key, make_person, make_region
from tests.support.stories import P1, TICKET, Begin, Caller, Story, path_of, pointers


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("zmanda-standard")


async def test_the_answer_is_the_ticket(story: Story) -> None:
    await make_region(story.sessions, key="emea")
    given = {
        "product": "zmanda",
        "channel": "web",
        "impact": "small",
        "urgency": "low",
        "environment": "non_production",
        "tags": ["backup", "żółw"],
        "custom": {"ship": "Aurora", "rank": 3, "share": 0.5, "vip": True, "none": None},
        "external_ref": "ORDER-1842",
        "call_link": "https://zoom.us/j/1842",
        "region_lock": "emea",
    }
    answer = await story.customer.send("POST", "/v1/tickets", TICKET | given)
    ticket = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == path_of(ticket)
    assert answer.headers["etag"] == '"1"'
    assert {name: ticket[name] for name in given} == given
    assert (ticket["status"], ticket["version"], ticket["tier"], ticket["assignee"]) == ("new", 1, 1, None)
    assert (ticket["escalated"], ticket["review_requested"], ticket["call"]) == (False, False, None)
    read = await story.customer.send("GET", path_of(ticket))
    assert (read.json(), read.headers["etag"]) == (ticket, '"1"')


async def test_what_is_answered_for_a_p1_with_a_call_is_what_is_stored(begin: Begin) -> None:
    story = await begin("google-premium", call_link="https://meet.solar-roofs.example/p1")
    ticket = await story.open(**P1)
    assert await story.customer.get(path_of(ticket)) == ticket


async def test_numbers_are_short_and_differ(story: Story) -> None:
    numbers = {(await story.open())["number"] for _ in range(5)}
    assert len(numbers) == 5
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}", number) for number in numbers)


async def test_a_number_that_is_taken_is_drawn_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["AAA-AAA", "AAA-AAA", "BBB-BBB"])
    monkeypatch.setattr(opening, "new_number", lambda: next(drawn))
    first, second = await story.open(), await story.open()
    assert (first["number"], second["number"]) == ("AAA-AAA", "BBB-BBB")
    events = await story.events(path_of(second))
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    monkeypatch.setattr(opening, "new_number", lambda: "AAA-AAA")
    assert (await story.customer.post("/v1/tickets", 503, **TICKET))["type"] == "/problems/unavailable"


async def test_numbers_are_unique_in_the_account_only(
    story: Story, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "new_number", lambda: "AAA-AAA")
    other = await begin("zmanda-standard")
    assert (await story.open())["number"] == (await other.open())["number"] == "AAA-AAA"


def test_a_number_says_nothing_about_the_one_before() -> None:
    """Of a thousand out of 2**30, two are alike once in two thousand runs; two such pairs are not to be seen."""
    assert len({new_number() for _ in range(1000)}) >= 999


# --- for whom --------------------------------------------------------------------------------------------------


async def test_an_accounts_key_implies_its_account(story: Story) -> None:
    assert (await story.open())["account_id"] == story.account.account_id
    assert (await story.open(account_id=story.account.account_id))["account_id"] == story.account.account_id


async def test_an_accounts_key_does_not_reach_another_account(story: Story, begin: Begin) -> None:
    other = await begin("zmanda-standard")
    theirs = await other.open()
    await story.customer.post("/v1/tickets", 404, **TICKET, account_id=other.account.account_id)
    for path in ("", "/messages", "/timeline", "/deadlines", "/call", "/escalations"):
        await story.customer.get(path_of(theirs) + path, 404)
    for path, body in WRITES.items():
        await story.customer.post(path_of(theirs) + path, 404, **body)
    await story.customer.patch(path_of(theirs), 404, title="Mine now")
    assert await other.customer.get(path_of(theirs)) == theirs


WRITES: dict[str, dict[str, Any]] = {
    "/messages": {"body": "Hello"},
    "/status": {"status": "resolved"},
    "/priority": {"priority": "P1", "reason": "Now"},
    "/assign": {"tier": 1},
    "/call": {},
    "/call/join": {"participant": "customer"},
    "/call/decline": {"reason": "Away"},
    "/call/end": {},
}


async def test_support_names_the_account(story: Story, sessions: Sessions) -> None:
    admin = Caller(story.customer.client, await make_key(sessions, "admin"))
    for caller in (admin, story.engineer, story.product):
        ticket = await caller.post("/v1/tickets", 201, **TICKET, account_id=story.account.account_id)
        assert ticket["account_id"] == story.account.account_id
        assert pointers(await caller.post("/v1/tickets", 422, **TICKET)) == ["/account_id"]
        await caller.post("/v1/tickets", 404, **TICKET, account_id=new_id("acc"))


async def test_who_opened_it_is_told(story: Story) -> None:
    account_id = story.account.account_id
    tickets = {
        "customer": await story.open(),
        "engineer": await story.engineer.post("/v1/tickets", 201, **TICKET, account_id=account_id),
        "automation": await story.product.post("/v1/tickets", 201, **TICKET, account_id=account_id),
    }
    for kind, ticket in tickets.items():
        [opened] = await story.events(path_of(ticket), "ticket.opened")
        assert opened["actor"]["kind"] == kind


# --- roles -----------------------------------------------------------------------------------------------------


async def test_g10_a_viewer_reads_and_does_not_write(story: Story, sessions: Sessions) -> None:
    viewer = Caller(story.customer.client, await make_key(sessions, account_id=story.account.account_id, role="viewer"))
    ticket = await story.open()
    assert await viewer.get(path_of(ticket)) == ticket
    assert len((await viewer.get("/v1/tickets"))["items"]) == 1
    await viewer.post("/v1/tickets", 403, **TICKET)
    for path, body in WRITES.items():
        await viewer.post(path_of(ticket) + path, 403, **body)
    await viewer.patch(path_of(ticket), 403, title="Changed")
    assert await viewer.get(path_of(ticket)) == ticket


async def test_g10_a_named_person_is_held_to_their_role(story: Story, sessions: Sessions) -> None:
    for role in ("viewer", "editor", "owner"):
        await make_person(sessions, story.account.account_id, f"{role}@solar-roofs.example", role)
    await story.customer.post("/v1/tickets", 403, **TICKET, actor={"email": "viewer@solar-roofs.example"})
    await story.customer.post("/v1/tickets", 403, **TICKET, actor={"email": "stranger@solar-roofs.example"})
    for role in ("editor", "owner"):
        ticket = await story.open(actor={"email": f"{role}@solar-roofs.example"})
        [opened] = await story.events(path_of(ticket), "ticket.opened")
        assert (opened["actor"]["kind"], opened["actor"]["name"]) == ("customer", role)
        await story.customer.patch(path_of(ticket), 403, title="No", actor={"email": "viewer@solar-roofs.example"})
        changed = await story.customer.patch(
            path_of(ticket), title="Yes", actor={"email": f"{role}@solar-roofs.example"}
        )
        assert changed["title"] == "Yes"


async def test_support_acts_for_no_person(story: Story) -> None:
    body = TICKET | {"account_id": story.account.account_id, "actor": {"email": "ana@solar-roofs.example"}}
    assert pointers(await story.engineer.post("/v1/tickets", 422, **body)) == ["/actor"]


# --- asking twice ----------------------------------------------------------------------------------------------


async def test_the_same_key_and_body_open_one_ticket(story: Story) -> None:
    first = await story.customer.send("POST", "/v1/tickets", TICKET, idempotency_key="order-1842")
    again = await story.customer.send("POST", "/v1/tickets", TICKET, idempotency_key='"order-1842"')
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert [again.headers[name] for name in ("location", "etag")] == [first.headers["location"], '"1"']
    assert len((await story.customer.get("/v1/tickets"))["items"]) == 1


async def test_the_same_key_with_another_body_is_refused(story: Story) -> None:
    await story.customer.send("POST", "/v1/tickets", TICKET, idempotency_key="order-1842")
    other = await story.customer.send("POST", "/v1/tickets", TICKET | {"title": "Other"}, idempotency_key="order-1842")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")


async def test_a_refused_opening_leaves_its_key_free(story: Story) -> None:
    refused = await story.customer.send("POST", "/v1/tickets", TICKET | {"channel": "email"}, idempotency_key="k")
    opened = await story.customer.send("POST", "/v1/tickets", TICKET, idempotency_key="k")
    assert (refused.status_code, opened.status_code) == (422, 201)


async def test_a_repeated_action_acts_once(story: Story) -> None:
    path = f"{path_of(await story.open())}/messages"
    body = {"body": "Any news?"}
    answers = [await story.customer.send("POST", path, body, idempotency_key="m") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await story.customer.get(path))["items"]) == 1


# --- references ------------------------------------------------------------------------------------------------


async def test_a_follow_up_names_a_ticket_of_the_account(story: Story, begin: Begin) -> None:
    first, theirs = await story.open(), await (await begin("zmanda-standard")).open()
    assert (await story.open(follow_up_of=first["id"]))["follow_up_of"] == first["id"]
    for unknown in (theirs["id"], new_id("tkt"), "nonsense"):
        assert pointers(await story.customer.post("/v1/tickets", 422, **TICKET, follow_up_of=unknown)) == [
            "/follow_up_of"
        ]


async def test_an_account_whose_plan_has_no_version_in_force_is_told_so(sessions: Sessions, story: Story) -> None:
    account = await make_account(sessions, "zmanda-premium")
    async with sessions.begin() as session:
        plan = await session.get_one(PlanVersionRow, ("zmanda-premium", 1))
        plan.archived_at = plan.created_at
    problem = await story.engineer.post("/v1/tickets", 409, **TICKET, account_id=account.account_id)
    assert "zmanda-premium" in problem["detail"]
