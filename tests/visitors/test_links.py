"""Links for customers: one ticket, with the rights of their person."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import AnyHttpUrl

from app.accounts.usecases.ticket_keys import forget_ticket_keys
from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.settings import Settings
from app.core.state import State
from tests.support.actors import Headers, make_key
from tests.support.desk import fetch, now_of
from tests.support.tickets import TICKET
from tests.visitors.conftest import P1, Page


@pytest.fixture
def settings(database: str) -> Settings:
    return Settings(database_url=database, background=False, rate_per_address=0, max_ticket_links=2)


async def link_of(page: Page, ticket: str, by: Headers | None = None, **body: str) -> Headers:
    made = await page.post(f"/v1/tickets/{ticket}/links", by or page.owner, 201, **body)
    return {"Authorization": f"Bearer {made['token']}"}


async def test_a_link_opens_one_ticket_with_its_persons_rights(page: Page) -> None:
    first, second = [(await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"] for _ in "ab"]
    path = f"/v1/tickets/{first}"
    requester = await link_of(page, first, page.admin)
    viewer = await link_of(page, first, email="viewer@example.com")
    for headers in (requester, viewer, page.guest | {"Heliodesk-Identity": requester["Authorization"].split()[1]}):
        assert (await page.get(path, headers))["id"] == first
        await page.get(f"/v1/tickets/{second}", headers, 404)
        await page.get("/v1/tickets", headers, 403)
        await page.get("/v1/accounts", headers, 403)
        told = (await page.get("/v1/events", headers))["items"]
        assert {event["ticket_id"] for event in told} == {first}
    written = await page.post(f"{path}/messages", requester, 201, body="By the link")
    assert written["author"]["name"] == TICKET["requester"]["name"]  # type: ignore[index]
    await page.post(f"{path}/messages", viewer, 403, body="By the link")
    raised = await page.post(f"{path}/escalations", requester, 201, reason="business_impact", justification="It grows")
    assert raised["state"] == "requested"
    await page.post("/v1/tickets", requester, 403, **TICKET, **P1)


async def test_a_link_is_shown_once_ends_and_is_deleted(page: Page, sessions: Sessions) -> None:
    ticket = (await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"]
    path, once = f"/v1/tickets/{ticket}/links", {"Idempotency-Key": "one"}
    made = await page.post(path, page.owner | once, 201, expires_in="PT1H")
    again = await page.post(path, page.owner | once, 201, expires_in="PT1H")
    assert again == {name: value for name, value in made.items() if name != "token"}
    assert made["expires_at"] < (await now_of(sessions) + timedelta(hours=1)).isoformat()
    headers = {"Authorization": f"Bearer {made['token']}"}
    await page.get(f"/v1/tickets/{ticket}", headers)
    other = (await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"]
    await page.call("DELETE", f"/v1/tickets/{other}/links/{made['id']}", page.owner, 404)
    for _ in range(2):
        await page.call("DELETE", f"{path}/{made['id']}", page.owner, 204)
    await page.get(f"/v1/tickets/{ticket}", headers, 401)
    for length in ("PT10S", "PT3000H"):
        await page.post(path, page.owner, 422, expires_in=length)


async def test_a_link_says_where_it_leads_and_support_sees_it_in_the_timeline(
    page: Page, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = (await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"]
    path = f"/v1/tickets/{ticket}/links"
    assert "url" not in await page.post(path, page.owner, 201)
    monkeypatch.setattr(state.settings, "public_url", AnyHttpUrl("https://help.example/desk"))
    once = {"Idempotency-Key": "one"}
    made = await page.post(path, page.owner | once, 201)
    assert made["url"] == f"https://help.example/desk/help#{ticket}/{made['token']}"
    assert "url" not in await page.post(path, page.owner | once, 201)
    for _ in range(2):
        await page.call("DELETE", f"{path}/{made['id']}", page.owner, 204)
    told = (await page.get(f"/v1/tickets/{ticket}/timeline", page.admin))["items"]
    about = [(event["type"], event["data"]["email"]) for event in told if event["data"].get("link_id") == made["id"]]
    email = TICKET["requester"]["email"]  # type: ignore[index]
    assert about == [("ticket.link_created", email), ("ticket.link_deleted", email)]
    assert made["token"] not in str(told)
    seen = (await page.get(f"/v1/tickets/{ticket}/timeline", page.owner))["items"]
    assert {event["type"] for event in seen}.isdisjoint({"ticket.link_created", "ticket.link_deleted"})


async def test_a_link_hands_on_no_more_than_its_maker_has(page: Page, sessions: Sessions) -> None:
    ticket = (await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"]
    path, ends = f"/v1/tickets/{ticket}", wall_now() + timedelta(hours=1)
    few: Any = {"account_id": page.account, "scopes": ["tickets:read", "tickets:write"], "expires_at": ends}
    maker = await make_key(sessions, role="editor", **few)
    made = await page.post(f"{path}/links", maker, 201)
    assert made["expires_at"] == ends.isoformat(timespec="microseconds").replace("+00:00", "Z")
    alone = {"Authorization": f"Bearer {made['token']}"}
    for headers in (alone, page.guest | {"Heliodesk-Identity": made["token"]}):
        await page.post(f"{path}/messages", headers, 201, body="By the link")
        await page.post(f"{path}/escalations", headers, 403, reason="business_impact", justification="It grows")
    blind = await make_key(sessions, role="editor", **few | {"scopes": ["tickets:write"]})
    assert "tickets:read" in (await page.post(f"{path}/links", blind, 403))["detail"]


async def test_a_link_ends_with_the_key_that_made_it(page: Page, sessions: Sessions) -> None:
    ticket = (await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"]
    maker = await make_key(sessions, role="owner", account_id=page.account, label="stolen")
    theirs, ours = await link_of(page, ticket, maker), await link_of(page, ticket)
    [key] = [each for each in (await page.get("/v1/keys", page.owner))["items"] if each["label"] == "stolen"]
    await page.call("DELETE", f"/v1/keys/{key['id']}", page.owner, 204)
    await page.get(f"/v1/tickets/{ticket}", theirs, 401)
    await page.get(f"/v1/tickets/{ticket}", ours)


async def test_so_many_links_of_a_ticket_are_in_force(page: Page, state: State) -> None:
    ticket = (await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"]
    for _ in range(state.settings.max_ticket_links):
        await link_of(page, ticket)
    refused = await page.post(f"/v1/tickets/{ticket}/links", page.owner, 409)
    assert (refused["quota"], refused["value"]) == ("ticket_links", 2)


async def test_keys_of_tickets_that_have_ended_are_dropped(page: Page, sessions: Sessions) -> None:
    ticket = (await page.post("/v1/tickets", page.owner, 201, **TICKET))["id"]
    await link_of(page, ticket)
    await link_of(page, ticket)
    await fetch(
        sessions,
        "UPDATE api_keys SET expires_at = now() - interval '2 days'"
        " WHERE id = (SELECT max(id) FROM api_keys WHERE kind = 'ticket') RETURNING 1",
    )
    await forget_ticket_keys(sessions)
    assert len(await fetch(sessions, "SELECT 1 FROM api_keys WHERE kind = 'ticket'")) == 1
