import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.accounts.key_schemas import NewKey
from app.accounts.models import AccountRow
from app.accounts.queries import account_by_id
from app.accounts.usecases import keys
from app.core.auth import KINDS
from app.core.auth import make_key as random_key
from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from tests.support.actors import Headers, make_account, make_engineer, make_key, make_person
from tests.support.waiting import until_blocked


def _bearer(secret: str) -> Headers:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer hd_admin_x", "Bearer hd_é", "Bearer {unknown}"],
)
async def test_without_a_valid_key_it_is_401(client: httpx.AsyncClient, header: str | None) -> None:
    header = header and header.format(unknown=random_key("admin"))
    headers: dict[bytes, bytes] = {} if header is None else {b"authorization": header.encode("latin-1")}
    answer = await client.get("/v1/accounts", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_is_checked_before_the_input(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/accounts", json={})).status_code == 401


async def test_an_expired_key_is_401(client: httpx.AsyncClient, sessions: Sessions) -> None:
    expired = await make_key(sessions, "admin", expires_at=wall_now() - timedelta(seconds=1))
    assert (await client.get("/v1/accounts", headers=expired)).status_code == 401
    valid = await make_key(sessions, "admin", expires_at=wall_now() + timedelta(hours=1))
    assert (await client.get("/v1/accounts", headers=valid)).status_code == 200


async def test_a_revoked_key_is_401_at_once(client: httpx.AsyncClient, admin: Headers) -> None:
    made = (await client.post("/v1/keys", json={"kind": "agent"}, headers=admin)).json()
    key = _bearer(made["secret"])
    assert (await client.get("/v1/accounts", headers=key)).status_code == 200
    for _ in range(2):
        assert (await client.delete(f"/v1/keys/{made['id']}", headers=admin)).status_code == 204
    assert (await client.get("/v1/accounts", headers=key)).status_code == 401
    listed = {item["id"]: item for item in (await client.get("/v1/keys", headers=admin)).json()["items"]}
    assert listed[made["id"]]["revoked_at"]


async def test_of_keys_that_have_ended_an_account_keeps_those_that_ended_last(
    client: httpx.AsyncClient, sessions: Sessions, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "KEPT", 2)
    account_id, other = [(await make_account(sessions, plan, name=name)).account_id for name in ("Ours", "Other")]
    owner = await make_key(sessions, account_id=account_id, role="owner")
    await make_key(sessions, account_id=other, expires_at=wall_now() - timedelta(days=9))
    made = []
    for _ in range(4):
        made.append((await client.post("/v1/keys", json={"kind": "account"}, headers=owner)).json()["id"])
        assert (await client.delete(f"/v1/keys/{made[-1]}", headers=owner)).status_code == 204
    last = (await client.post("/v1/keys", json={"kind": "account"}, headers=owner)).json()["id"]
    listed = [item["id"] for item in (await client.get("/v1/keys", headers=owner)).json()["items"]]
    assert len(listed) == 1 + len([*made[2:], last])
    assert set(listed) > {*made[2:], last}
    async with sessions() as session:
        expired = text("SELECT count(*) FROM api_keys WHERE account_id = :account_id")
        assert await session.scalar(expired, {"account_id": other}) == 1


async def test_a_secret_is_shown_once_and_stored_hashed(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions
) -> None:
    headers = admin | {"Idempotency-Key": "k"}
    made = (await client.post("/v1/keys", json={"kind": "agent"}, headers=headers)).json()
    assert made["secret"].startswith(made["hint"])
    again = await client.post("/v1/keys", json={"kind": "agent"}, headers=headers)
    assert again.json() == {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"] not in (await client.get("/v1/keys", headers=admin)).text
    async with sessions() as session:
        stored = await session.execute(
            text("SELECT t::text FROM api_keys t UNION ALL SELECT t::text FROM stored_answers t")
        )
        assert made["secret"] not in str(stored.all())


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"kind": "root"}, "/kind"),
        ({"kind": "account"}, "/account_id"),
        ({"kind": "hook"}, "/account_id"),
        ({"kind": "admin", "account_id": "acc_01k9z3v5q8e9rbn3wz4m6t7y2d"}, ""),
        ({"kind": "account", "account_id": "acc_01k9z3v5q8e9rbn3wz4m6t7y2d"}, "/account_id"),
        ({"kind": "agent", "engineer_id": "eng_01k9z3v5q8e9rbn3wz4m6t7y2d"}, "/engineer_id"),
        ({"kind": "admin", "role": "owner"}, ""),
        ({"kind": "widget", "account_id": "acc_01k9z3v5q8e9rbn3wz4m6t7y2d"}, ""),
        ({"kind": "widget", "allowed_origins": ["*"]}, "/allowed_origins/0"),
        ({"kind": "widget", "allowed_origins": ["https://shop.example.com", "shop.example.com"]}, "/allowed_origins/1"),
        ({"kind": "agent", "expires_at": "soon"}, "/expires_at"),
        ({"kind": "agent", "scopes": []}, "/scopes"),
        ({"kind": "agent", "scopes": ["tickets:read", "tickets"]}, "/scopes/1"),
        ({"kind": "agent", "scopes": [7]}, "/scopes/0"),
        ({"kind": "hook", "account_id": "acc_01k9z3v5q8e9rbn3wz4m6t7y2d", "scopes": ["tickets:write"]}, ""),
    ],
)
async def test_a_wrong_key_is_refused(
    client: httpx.AsyncClient, admin: Headers, body: dict[str, Any], place: str
) -> None:
    answer = await client.post("/v1/keys", json=body, headers=admin)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [place]


async def test_owners_make_list_and_revoke_keys_of_their_account(
    client: httpx.AsyncClient, owner: Headers, admin: Headers, account: AccountRow
) -> None:
    body = {"kind": "widget", "allowed_origins": ["https://shop.example.com"]}
    jwt = {"kid": "1", "alg": "HS256", "key": "a secret that is long enough for HS256"}
    made = await client.post("/v1/keys", json=body | {"jwt_keys": [jwt]}, headers=owner)
    assert made.status_code == 201, made.text
    key = made.json()
    assert (key["account_id"], key["jwt_keys"]) == (account.account_id, [{"kid": "1", "alg": "HS256"}])
    kinds = [item["kind"] for item in (await client.get("/v1/keys", headers=owner)).json()["items"]]
    assert kinds == ["account", "widget"]
    url = f"/v1/keys?account_id={account.account_id}"
    assert len((await client.get(url, headers=admin)).json()["items"]) == 2
    assert (await client.delete(f"/v1/keys/{key['id']}", headers=owner)).status_code == 204


async def test_owners_make_no_others_keys(
    client: httpx.AsyncClient, owner: Headers, stranger: Headers, admin: Headers, account: AccountRow
) -> None:
    for kind in ("admin", "agent"):
        assert (await client.post("/v1/keys", json={"kind": kind}, headers=owner)).status_code == 403
    foreign = {"kind": "account", "account_id": account.account_id}
    assert (await client.post("/v1/keys", json=foreign, headers=stranger)).status_code == 404
    made = (await client.post("/v1/keys", json=foreign, headers=admin)).json()
    assert (await client.delete(f"/v1/keys/{made['id']}", headers=stranger)).status_code == 404
    assert (await client.get(f"/v1/keys?account_id={account.account_id}", headers=stranger)).status_code == 404
    assert (await client.get("/v1/accounts", headers=_bearer(made["secret"]))).status_code == 200


async def test_viewers_and_agents_touch_no_keys(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, viewer: Headers, agent: Headers
) -> None:
    await make_person(sessions, account.account_id, "boss@example.com", "owner")
    for key in (viewer, agent):
        assert (await client.get("/v1/keys", headers=key)).status_code == 403
        body = {"kind": "account", "account_id": account.account_id}
        assert (await client.post("/v1/keys", json=body, headers=key)).status_code == 403
    as_boss = {"kind": "account", "role": "owner", "actor": {"email": "boss@example.com"}}
    assert (await client.post("/v1/keys", json=as_boss, headers=viewer)).status_code == 403
    assert (await client.get("/v1/keys?actor=boss@example.com", headers=viewer)).status_code == 403


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("ticket:read", "tickets:read"), ("Tickets:Write", "tickets:write"), ("hooks", "hooks:read"), ("~", "")],
)
async def test_an_unknown_scope_is_refused_with_the_nearest_one(
    client: httpx.AsyncClient, admin: Headers, given: str, nearest: str
) -> None:
    answer = await client.post("/v1/keys", json={"kind": "agent", "scopes": [given]}, headers=admin)
    [fault] = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"], nearest in fault["hint"]) == (422, "/scopes/0", True)


async def test_a_key_shows_its_scopes_in_order_and_null_for_all(client: httpx.AsyncClient, admin: Headers) -> None:
    given = ["tickets:write", "people:read", "tickets:write"]
    made = (await client.post("/v1/keys", json={"kind": "agent", "scopes": given}, headers=admin)).json()
    assert made["scopes"] == ["people:read", "tickets:write"]
    for nothing in ({}, {"scopes": None}):
        made = (await client.post("/v1/keys", json={"kind": "agent", **nothing}, headers=admin)).json()
        assert made["scopes"] is None


async def test_what_an_earlier_version_stored_and_is_no_scope_is_shown_and_grants_nothing(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, admin: Headers
) -> None:
    key = await make_key(sessions, account_id=account.account_id, role="owner", scopes=["tickets:read"])
    async with transaction(sessions) as session:
        await session.execute(text("""UPDATE api_keys SET scopes = '["nonsense"]' WHERE kind = 'account'"""))
    for path in ("/v1/tickets", "/v1/accounts", "/v1/events"):
        answer = await client.get(path, headers=key)
        assert (answer.status_code, "missing_scope" in answer.json()) == (403, True)
    listed = (await client.get(f"/v1/keys?account_id={account.account_id}", headers=admin)).json()["items"]
    assert [item["scopes"] for item in listed] == [["nonsense"]]


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"kind": "account"}, "/scopes"),
        ({"kind": "account", "scopes": ["keys:write"]}, None),
        ({"kind": "account", "scopes": ["keys:write", "tickets:write"]}, "/scopes/1"),
        ({"kind": "widget", "allowed_origins": ["https://shop.example.com"]}, "/scopes"),
        ({"kind": "hook"}, "/kind"),
    ],
)
@pytest.mark.parametrize("who", ["owner", "admin"])
async def test_a_key_with_scopes_hands_on_no_others(
    client: httpx.AsyncClient,
    sessions: Sessions,
    account: AccountRow,
    who: str,
    asked: dict[str, Any],
    place: str | None,
) -> None:
    scopes = ["keys:read", "keys:write"]
    owned: dict[str, Any] = {"account_id": account.account_id, "role": "owner"} if who == "owner" else {"kind": "admin"}
    maker = await make_key(sessions, scopes=scopes, **owned)
    answer = await client.post("/v1/keys", json={"account_id": account.account_id} | asked, headers=maker)
    places = [error["pointer"] for error in answer.json().get("errors", ())]
    assert (answer.status_code, places) == ((403, [place]) if place else (201, [])), answer.text


async def test_a_key_with_the_scope_of_hooks_makes_their_keys(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow
) -> None:
    maker = await make_key(sessions, account_id=account.account_id, role="owner", scopes=["keys:write", "hooks:write"])
    assert (await client.post("/v1/keys", json={"kind": "hook"}, headers=maker)).status_code == 201


async def test_a_key_that_expires_makes_none_that_lives_longer(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow
) -> None:
    end = wall_now() + timedelta(hours=1)
    maker = await make_key(sessions, account_id=account.account_id, role="owner", expires_at=end)
    for expires_at, status in ((None, 403), (end + timedelta(seconds=1), 403), (end, 201)):
        body = {"kind": "account", "expires_at": expires_at and expires_at.isoformat()}
        answer = await client.post("/v1/keys", json=body, headers=maker)
        assert answer.status_code == status, answer.text
        assert status == 201 or answer.json()["errors"][0]["pointer"] == "/expires_at"


async def test_a_key_that_is_revoked_meanwhile_makes_no_other(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, owner: Headers
) -> None:
    async with transaction(sessions) as session:
        await account_by_id(session, account.account_id, lock=True)
        making = asyncio.create_task(client.post("/v1/keys", json={"kind": "account"}, headers=owner))
        await until_blocked(sessions)
        await session.execute(text("UPDATE api_keys SET revoked_at = now()"))
    assert (await making).status_code == 401


async def test_the_key_of_an_engineer_who_is_not_active_only_reads(
    client: httpx.AsyncClient, sessions: Sessions, admin: Headers
) -> None:
    engineer = await make_engineer(sessions)
    key = await make_key(sessions, "agent", engineer_id=engineer.id)
    for active in (False, True):
        changed = await client.patch(f"/v1/engineers/{engineer.id}", json={"active": active}, headers=admin)
        assert changed.status_code == 200
        assert (await client.get("/v1/accounts", headers=key)).status_code == 200
        answer = await client.post("/v1/events/stream-token", headers=key)
        assert answer.status_code == 201
        answer = await client.post("/v1/alerts/alr_01k9z3v5q8e9rbn3wz4m6t7y2d/accept", headers=key)
        assert answer.status_code == (404 if active else 403), answer.text
        made = await client.post("/v1/keys", json={"kind": "agent", "engineer_id": engineer.id}, headers=admin)
        assert made.status_code == (201 if active else 422)


async def test_the_key_of_an_engineer_who_is_gone_opens_nothing(
    client: httpx.AsyncClient, sessions: Sessions, plan: str
) -> None:
    sandbox = await make_account(sessions, plan, sandbox=True)
    engineer = await make_engineer(sessions, account_id=sandbox.account_id)
    key = await make_key(sessions, "agent", engineer_id=engineer.id)
    assert (await client.get("/v1/accounts", headers=key)).status_code == 200
    async with transaction(sessions) as session:
        await session.execute(text("DELETE FROM engineers"))
    assert (await client.get("/v1/accounts", headers=key)).status_code == 401


@pytest.mark.parametrize("kind", ["hook", "widget"])
async def test_hook_and_widget_keys_open_nothing_here(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, kind: Any
) -> None:
    extra = {"allowed_origins": ["https://shop.example.com"]} if kind == "widget" else {}
    key = await make_key(sessions, kind, account_id=account.account_id, **extra)
    assert (await client.get(f"/v1/accounts/{account.account_id}", headers=key)).status_code == 403


def test_every_kind_is_recognised_by_its_key() -> None:
    assert all(random_key(kind).startswith(f"hd_{kind}_") for kind in KINDS)


def test_a_label_is_a_name_that_customers_see() -> None:
    assert NewKey(kind="agent", label="\u202eBilling\n\u200bbot").label == "Billing bot"
    assert NewKey(kind="agent", label="\u3164").label == ""
