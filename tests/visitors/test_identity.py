"""Who a visitor is: by the word of the host product, and of nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.limits.callers import VisitorQuota
from app.core.state import State
from tests.support.actors import make_account, make_key, make_person
from tests.support.identities import ORIGIN, SECRET, claims, pair, token
from tests.support.tickets import TICKET
from tests.visitors.conftest import KEYS, P1, PLAN, TEXTS, Page


async def test_a_person_acts_by_their_own_role(page: Page) -> None:
    theirs = await page.post("/v1/tickets", page.owner, 201, **TICKET)
    editor, viewer = page.person("editor@example.com"), page.person("viewer@example.com")
    opened = await page.post("/v1/tickets", editor, 201, **TEXTS, channel="email")
    assert opened["requester"] == {"name": "editor", "email": "editor@example.com"}
    assert opened["channel"] == "widget"
    assert "access" not in opened
    for headers in (editor, viewer):
        listed = await page.get("/v1/tickets", headers)
        assert {item["id"] for item in listed["items"]} == {theirs["id"], opened["id"]}
    assert (await page.get(f"/v1/tickets/{theirs['id']}", viewer))["id"] == theirs["id"]
    await page.post("/v1/tickets", viewer, 403, **TEXTS)
    await page.post(f"/v1/tickets/{opened['id']}/messages", viewer, 403, body="Hello")
    message = await page.post(f"/v1/tickets/{theirs['id']}/messages", editor, 201, body="Hello")
    assert (message["author"]["name"], message["channel"]) == ("editor", "widget")


async def test_a_requester_is_whom_the_token_names(page: Page) -> None:
    given = {"name": "The Boss", "email": "boss@example.com", "phone": "555", "time_zone": "Asia/Tokyo"}
    opened = await page.open(page.person("new@example.com", locale="es"), requester=given)
    assert opened["requester"] == {
        "name": "Ana Silva",
        "email": "new@example.com",
        "phone": "555",
        "locale": "es",
        "time_zone": "Asia/Tokyo",
    }


async def test_nobody_of_the_account_sees_their_own_tickets_alone(page: Page) -> None:
    theirs = await page.post("/v1/tickets", page.owner, 201, **TICKET)
    one, two = page.person("one@example.com", "u1"), page.person("two@example.com", "u2")
    own = await page.post("/v1/tickets", one, 201, **TEXTS, priority="P3")
    assert own["priority"] == "P3"
    assert [item["id"] for item in (await page.get("/v1/tickets", one))["items"]] == [own["id"]]
    assert (await page.get("/v1/tickets", two))["items"] == []
    path = f"/v1/tickets/{own['id']}"
    for part in ("", "/messages", "/timeline", "/deadlines", "/call", "/escalations"):
        await page.get(path + part, one)
        await page.get(path + part, two, 404)
        await page.get(f"/v1/tickets/{theirs['id']}{part}", one, 404)
    await page.post(f"{path}/messages", one, 201, body="More")
    await page.post(f"{path}/messages", two, 404, body="More")
    await page.post(f"{path}/withdraw", two, 404)
    await page.post("/v1/tickets", two, 422, **TEXTS, follow_up_of=own["id"])
    follow = await page.post("/v1/tickets", one, 201, **TEXTS, follow_up_of=own["id"])
    assert {item["id"] for item in (await page.get("/v1/tickets?sort=due", one))["items"]} == {own["id"], follow["id"]}


@pytest.mark.parametrize(
    ("changes", "sees"),
    [
        ({"email": "new@example.com"}, True),  # the host product's own id of them is the same
        ({"sub": "another"}, True),  # their verified address is
        ({"sub": "another", "email_verified": False}, False),
        ({"sub": "another", "email": "new@example.com"}, False),
    ],
)
async def test_own_tickets_are_known_by_id_or_verified_address(page: Page, changes: Any, sees: bool) -> None:  # noqa: FBT001
    opened = await page.post("/v1/tickets", page.person("one@example.com", "u1"), 201, **TEXTS)
    headers = page.guest | page.shows(**{"email": "one@example.com", "sub": "u1"} | changes)
    listed = await page.get("/v1/tickets", headers)
    assert [item["id"] for item in listed["items"]] == ([opened["id"]] if sees else [])


async def test_an_address_that_is_not_verified_makes_nobody_an_owner(page: Page) -> None:
    await page.post("/v1/tickets", page.owner, 201, **TICKET)
    headers = page.guest | page.shows(email="owner@example.com", email_verified=False)
    assert (await page.get("/v1/tickets", headers))["items"] == []


async def test_one_key_serves_many_accounts(page: Page, sessions: Sessions) -> None:
    await make_person(sessions, page.other, "ana@example.com", "viewer")
    headers = page.of_many | {"Origin": ORIGIN}
    one = headers | page.shows(external_ref="cust-1")
    two = headers | page.shows(external_ref="cust-2")
    opened = await page.post("/v1/tickets", one, 201, **TEXTS)
    assert opened["account_id"] == page.account
    await page.post("/v1/tickets", two, 403, **TEXTS)  # there she is a viewer
    assert (await page.get("/v1/tickets", two))["items"] == []
    await page.get(f"/v1/tickets/{opened['id']}", two, 404)
    for reference in ("cust-9", None):
        refused = await page.get("/v1/tickets", headers | page.shows(external_ref=reference), 401)
        assert (refused["type"], refused["reason"]) == ("/problems/identity-refused", "account")
    assert (await page.get("/v1/statuses", headers, 401))["reason"] == "account"
    await make_account(sessions, PLAN, external_ref="cust-1", name="The same again")
    assert (await page.get("/v1/tickets", one, 401))["reason"] == "account"


async def test_a_key_of_one_account_is_for_no_other(page: Page) -> None:
    assert (await page.get("/v1/tickets", page.guest | page.shows(external_ref="cust-1")))["items"] == []
    refused = await page.get("/v1/tickets", page.guest | page.shows(external_ref="cust-2"), 401)
    assert refused["reason"] == "account"


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (lambda now: token(claims(now, exp=int((now - timedelta(minutes=5)).timestamp()))), "expired"),
        (lambda now: token(claims(now, exp=int((now + timedelta(hours=30)).timestamp()))), "lifetime"),
        (lambda now: token(claims(now, aud="billing")), "audience"),
        (lambda now: token(claims(now), key=SECRET + "!"), "signature"),
        (lambda now: token(claims(now), kid="k9"), "unknown_key"),
        (lambda now: token(claims(now), alg="HS512", key=2 * SECRET), "algorithm"),
        (lambda _: "nonsense", "malformed"),
        (lambda _: "", "malformed"),
        (lambda _: "hd_ticket_nonsense", "ticket_token"),
    ],
    ids=["expired", "lifetime", "audience", "signature", "unknown_key", "algorithm", "malformed", "empty", "ticket"],
)
async def test_what_shows_nothing_makes_nobody_a_guest(page: Page, shown: Any, reason: str) -> None:
    headers = page.guest | {"Heliodesk-Identity": shown(wall_now())}
    for path in ("/v1/tickets", "/v1/statuses"):
        answer = await page.client.get(path, headers=headers)
        refused = answer.json()
        assert (answer.status_code, refused["type"], refused["reason"]) == (401, "/problems/identity-refused", reason)
        assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_a_key_without_keys_of_the_host_takes_no_tokens(page: Page, sessions: Sessions) -> None:
    key = await make_key(sessions, "widget", account_id=page.account, allowed_origins=[ORIGIN])
    assert (await page.get("/v1/statuses", key | page.shows(), 401))["reason"] == "unknown_key"


async def test_a_role_that_is_taken_away_holds_at_once(page: Page) -> None:
    editor = page.person("editor@example.com")
    people = (await page.get(f"/v1/accounts/{page.account}/people", page.owner))["items"]
    [person] = [each for each in people if each["role"] == "editor"]
    await page.post("/v1/tickets", editor, 201, **TEXTS)
    path = f"/v1/accounts/{page.account}/people/{person['id']}"
    await page.call("PATCH", path, page.owner, json={"role": "viewer"})
    await page.post("/v1/tickets", editor, 403, **TEXTS)


async def test_visitors_act_for_nobody_else(page: Page) -> None:
    editor = page.person("editor@example.com")
    opened = await page.post("/v1/tickets", editor, 201, **TEXTS)
    path = f"/v1/tickets/{opened['id']}"
    await page.post("/v1/tickets", editor, 422, **TEXTS, actor={"email": "owner@example.com"})
    await page.post("/v1/tickets", editor, 404, **TEXTS, account_id=page.other)
    await page.post(f"{path}/messages", editor, 403, body="x", author={"kind": "customer", "name": "The Boss"})
    await page.post(f"{path}/messages", editor, 403, body="x", visibility="internal")


async def test_a_customer_escalates_and_takes_it_back(page: Page) -> None:
    one, two = page.person("one@example.com", "u1"), page.person("two@example.com", "u2")
    opened = await page.post("/v1/tickets", one, 201, **TEXTS, **P1)
    body = {"reason": "business_impact", "justification": "It grows"}
    made = await page.post(f"/v1/tickets/{opened['id']}/escalations", one, 201, **body)
    await page.post(f"/v1/escalations/{made['id']}/withdraw", two, 404)
    await page.post(f"/v1/escalations/{made['id']}/acknowledge", one, 403)
    assert (await page.post(f"/v1/escalations/{made['id']}/withdraw", one))["state"] == "withdrawn"


async def test_an_idempotency_key_is_the_visitors_own(page: Page) -> None:
    one, two = page.person("one@example.com", "u1"), page.person("two@example.com", "u2")
    once = {"Idempotency-Key": "send-1"}
    first = await page.post("/v1/tickets", one | once, 201, **TEXTS)
    again = await page.client.post("/v1/tickets", headers=one | once, json=TEXTS)
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (first["id"], "true")
    assert (await page.post("/v1/tickets", two | once, 201, **TEXTS))["id"] != first["id"]
    editor = page.person("editor@example.com")
    of_account = await page.post("/v1/tickets", editor | once, 201, **TEXTS)
    replay = await page.post("/v1/tickets", page.person("owner@example.com") | once, 201, **TEXTS)
    assert replay["id"] == of_account["id"]


async def test_one_visitor_does_not_use_up_what_all_may_open(page: Page, state: State) -> None:
    """The host product vouches for whoever signs up."""
    one, two = page.person("one@example.com", "u1"), page.person("two@example.com", "u2")
    state.limits.visitors = VisitorQuota(2, state.limits.rates)
    first = (await page.post("/v1/tickets", one, 201, **TEXTS))["id"]
    await page.call("POST", f"/v1/tickets/{first}/status", one, json={"status": "resolved"})
    await page.post(f"/v1/tickets/{first}/reopen", one)
    refused = await page.client.post("/v1/tickets", headers=one, json=TEXTS)
    assert (refused.status_code, refused.json()["quota"]) == (429, "tickets_per_visitor")
    assert int(refused.headers["retry-after"]) > 0
    await page.post("/v1/tickets", two, 201, **TEXTS)
    await page.post("/v1/tickets", page.owner, 201, **TICKET)


async def test_a_key_can_get_other_keys_of_its_host(page: Page) -> None:
    listed = await page.get("/v1/keys", page.owner)
    [key] = [each for each in listed["items"] if each["kind"] == "widget"]
    path, other = f"/v1/keys/{key['id']}", "another secret of the host product, long enough"
    added = [{"kid": "k1", "alg": "HS256"}, {"kid": "k2", "alg": "HS256", "key": other}]
    changed = await page.call("PATCH", path, page.owner, json={"jwt_keys": added})
    assert changed["jwt_keys"] == [{"kid": "k1", "alg": "HS256"}, {"kid": "k2", "alg": "HS256"}]
    assert changed["allowed_origins"] == key["allowed_origins"]
    new = page.guest | {"Heliodesk-Identity": token(claims(wall_now()), key=other, kid="k2")}
    for headers in (page.person("one@example.com"), new):
        await page.get("/v1/tickets", headers)
    await page.call("PATCH", path, page.owner, json={"jwt_keys": added[1:]})
    assert (await page.get("/v1/tickets", page.person("one@example.com"), 401))["reason"] == "unknown_key"
    await page.call("PATCH", path, page.owner, 422, json={"jwt_keys": [{"kid": "k3", "alg": "HS256"}]})
    await page.call("PATCH", path, page.owner, 422, json={"allowed_origins": None})
    assert KEYS[0]["key"] not in str(await page.get("/v1/keys", page.admin))


async def test_a_public_key_that_is_stored_does_not_become_a_secret(page: Page) -> None:
    [key] = [each for each in (await page.get("/v1/keys", page.owner))["items"] if each["kind"] == "widget"]
    path, public = f"/v1/keys/{key['id']}", {"kid": "r", "alg": "RS256", "key": pair("RS256")[1]}
    await page.call("PATCH", path, page.owner, json={"jwt_keys": [public]})
    for alg in ("HS256", "ES256"):
        refused = await page.call("PATCH", path, page.owner, 422, json={"jwt_keys": [{"kid": "r", "alg": alg}]})
        assert [fault["pointer"] for fault in refused["errors"]] == ["/jwt_keys/0/key"]


async def test_nobody_takes_over_a_key_with_more_rights(page: Page, sessions: Sessions) -> None:
    """Whoever says whose word counts can be any of a widget key's visitors, so its rights have to be theirs too."""
    few: Any = {"account_id": page.account, "scopes": ["keys:write", "plans:read"]}
    ends: Any = {"account_id": page.account, "expires_at": wall_now() + timedelta(hours=1)}
    own = await make_key(sessions, "widget", **few, allowed_origins=[ORIGIN])
    [of_few] = [each for each in (await page.get("/v1/keys", page.admin))["items"] if each["scopes"]]
    [full] = [
        each
        for each in (await page.get("/v1/keys", page.owner))["items"]
        if each["kind"] == "widget" and not each["scopes"]
    ]
    assert own
    taken: Any = {"jwt_keys": [{"kid": "mine", "alg": "HS256", "key": "x" * 40}]}
    for limits in (few, ends):
        maker = await make_key(sessions, role="owner", **limits)
        await page.call("PATCH", f"/v1/keys/{full['id']}", maker, 403, json=taken)
    await page.call("PATCH", f"/v1/keys/{of_few['id']}", await make_key(sessions, role="owner", **few), json=taken)
    await page.get("/v1/tickets", page.person("one@example.com"))


@pytest.mark.parametrize("kid", ["\ud800", "k1\n"], ids=ascii)
async def test_an_odd_kid_is_refused_in_order(page: Page, kid: str) -> None:
    shown = {"Heliodesk-Identity": token(claims(wall_now()), kid=kid)}
    assert (await page.get("/v1/tickets", page.guest | shown, 401))["reason"] == "unknown_key"


@pytest.mark.parametrize("body", [{"plan": "google-premium"}, {}])
async def test_visitors_see_the_plan_of_their_account_alone(page: Page, body: dict[str, str]) -> None:
    for headers in (page.guest, page.person("one@example.com")):
        status = 403 if body else 200
        found = await page.get("/v1/priorities", headers, status, params=body | {"lang": "es"})
        await page.post("/v1/priorities/assess", headers, status, **body, impact="large", urgency="high")
        if not body:
            assert (found["plan"]["key"], found["language"], found["priorities"][0]["key"]) == (PLAN, "es", "P1")
            assert found["customer_may"]["escalate"]


@pytest.mark.parametrize(
    ("plan", "channel"), [("zmanda-premium", "web"), ("wati-pro", "widget"), ("zmanda-community", None)]
)
async def test_the_channel_is_the_widget_or_else_the_web(
    page: Page, sessions: Sessions, plan: str, channel: str | None
) -> None:
    account = (await make_account(sessions, plan)).account_id
    key = await make_key(sessions, "widget", account_id=account, allowed_origins=[ORIGIN], jwt_keys=KEYS)
    answer = await page.client.post("/v1/tickets", headers=key | page.shows(), json=TEXTS | {"channel": "hook"})
    assert answer.json().get("channel") == channel
    if channel is None:
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/channel"]
