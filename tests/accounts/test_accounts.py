import asyncio
from typing import Any

import httpx
import pytest

from app.accounts.models import AccountRow
from app.core.db.engine import Sessions
from app.plans.models import HolidaySetRow
from tests.support.actors import Headers, make_account, make_engineer, make_key, make_region

NEW = {"name": "Solar Roofs", "plan": "gold", "time_zone": "Europe/Warsaw"}


@pytest.mark.usefixtures("plan")
async def test_an_account_is_made_read_and_listed(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions
) -> None:
    await make_region(sessions, key="emea")
    ida = await make_engineer(sessions)
    full = NEW | {
        "addons": ["tam"],
        "product_plans": {"backup": "gold"},
        "country": "PL",
        "locale": "pl",
        "trial_ends_at": "2026-12-01T00:00:00Z",
        "call_link": "https://meet.example.com/room",
        "call_provider": "meet",
        "region_lock": "emea",
        "manager": {"name": "Mia", "email": "mia@example.com"},
        "tam": {"name": "Tom", "email": "tom@example.com"},
        "preferred_engineers": [ida.id],
        "external_ref": "crm-17",
    }
    made = await client.post("/v1/accounts", json=full, headers=admin)
    assert made.status_code == 201, made.text
    document = made.json()
    assert full.items() <= document.items()
    assert (document["sandbox"], document["version"], made.headers["etag"]) == (False, 1, '"1"')
    read = await client.get(f"/v1/accounts/{document['id']}", headers=admin)
    assert (read.json(), read.headers["etag"]) == (document, '"1"')
    listed = await client.get("/v1/accounts?external_ref=crm-17", headers=admin)
    assert listed.json()["items"] == [document]
    assert (await client.get("/v1/accounts?external_ref=other", headers=admin)).json()["items"] == []


@pytest.mark.usefixtures("plan")
async def test_customers_see_their_contacts_by_name_and_no_address(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions
) -> None:
    mia, tom = {"name": "Mia", "email": "mia@example.com", "locale": "de"}, {"name": "Tom", "email": "tom@example.com"}
    made = (await client.post("/v1/accounts", json=NEW | {"manager": mia, "tam": tom}, headers=admin)).json()
    assert (made["manager"], made["tam"]) == (mia, tom)
    key = await make_key(sessions, account_id=made["id"], role="owner")
    shown = (await client.get(f"/v1/accounts/{made['id']}", headers=key)).json()
    assert (shown["manager"], shown["tam"]) == ({"name": "Mia", "email": None}, {"name": "Tom", "email": None})
    listed = (await client.get("/v1/accounts", headers=key)).json()["items"]
    assert listed == [shown]
    moved = await client.patch(f"/v1/accounts/{made['id']}", json={"name": "Solar"}, headers=admin)
    assert (moved.json()["manager"], moved.json()["tam"]) == (mia, tom)


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"plan": "silver"}, "/plan"),
        ({"product_plans": {"a/b": "silver"}}, "/product_plans/a~1b"),
        ({"addons": ["tam", "gym"]}, "/addons/1"),
        ({"time_zone": "Mars/Base"}, "/time_zone"),
        ({"country": "Poland"}, "/country"),
        ({"country": "XX"}, "/country"),
        ({"call_link": "http://meet.example.com"}, "/call_link"),
        ({"name": ""}, "/name"),
        ({"colour": "red"}, "/colour"),
        ({"manager": {"name": "M"}}, "/manager/email"),
        ({"preferred_engineers": ["bob"]}, "/preferred_engineers/0"),
        ({"preferred_engineers": ["eng_01k9z3v5q8e9rbn3wz4m6t7y2d"]}, "/preferred_engineers/0"),
        ({"region_lock": "atlantis"}, "/region_lock"),
        ({"sandbox": {"starts_at": "yesterday"}}, "/sandbox/starts_at"),
    ],
)
async def test_a_wrong_account_is_refused(
    client: httpx.AsyncClient, admin: Headers, change: dict[str, Any], place: str
) -> None:
    answer = await client.post("/v1/accounts", json=NEW | change, headers=admin)
    assert answer.status_code == 422
    assert place in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.usefixtures("plan")
async def test_a_sandbox_account_stands_at_its_start(client: httpx.AsyncClient, admin: Headers) -> None:
    start = {"starts_at": "2031-03-30T00:30:00Z"}
    document = (await client.post("/v1/accounts", json=NEW | {"sandbox": start}, headers=admin)).json()
    assert (document["sandbox"], document["sandbox_now"]) == (True, "2031-03-30T00:30:00Z")
    document = (await client.post("/v1/accounts", json=NEW | {"sandbox": True}, headers=admin)).json()
    assert document["sandbox_now"] == document["created_at"]


@pytest.mark.usefixtures("plan")
async def test_a_sandbox_is_locked_to_a_region_of_its_own(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions
) -> None:
    await make_region(sessions, key="emea")
    sandbox = (await client.post("/v1/accounts", json=NEW | {"sandbox": True}, headers=admin)).json()["id"]
    url, lock = f"/v1/accounts/{sandbox}", {"region_lock": "emea"}
    refused = await client.patch(url, json=lock, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/region_lock")
    assert "account_id" in refused.json()["errors"][0]["hint"]
    own = await make_region(sessions, key="emea", account_id=sandbox)
    assert (await client.patch(url, json=lock, headers=admin)).json()["region_lock"] == "emea"
    assert (await client.delete(f"/v1/regions/{own.id}", headers=admin)).status_code == 409


async def test_a_patch_changes_clears_and_leaves(
    client: httpx.AsyncClient, admin: Headers, account: AccountRow
) -> None:
    url = f"/v1/accounts/{account.account_id}"
    contact = {"name": "Mia", "email": "mia@example.com"}
    await client.patch(url, json={"tam": contact, "country": "US"}, headers=admin)
    answer = await client.patch(url, json={"tam": {"name": "Max"}, "country": None}, headers=admin)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["tam"], document["country"]) == ({"name": "Max", "email": "mia@example.com"}, None)
    assert (document["name"], document["version"], answer.headers["etag"]) == ("Solar Roofs", 3, '"3"')
    assert (await client.get(url, headers=admin)).json() == document


@pytest.mark.parametrize("patch", [{"name": None}, {"plan": "silver"}, {"id": "x"}, {"sandbox": True}, [], 1, "x"])
async def test_a_wrong_patch_is_refused(
    client: httpx.AsyncClient, admin: Headers, account: AccountRow, patch: object
) -> None:
    answer = await client.patch(f"/v1/accounts/{account.account_id}", json=patch, headers=admin)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")


async def test_if_match_guards_a_change(client: httpx.AsyncClient, admin: Headers, account: AccountRow) -> None:
    url = f"/v1/accounts/{account.account_id}"
    assert (await client.patch(url, json={"name": "A"}, headers=admin | {"If-Match": '"1"'})).status_code == 200
    assert (await client.patch(url, json={"name": "B"}, headers=admin | {"If-Match": '"1"'})).status_code == 412
    assert (await client.get(url, headers=admin)).json()["name"] == "A"


@pytest.mark.usefixtures("stranger")
async def test_who_may_see_accounts(
    client: httpx.AsyncClient, account: AccountRow, viewer: Headers, agent: Headers, stranger: Headers
) -> None:
    url = f"/v1/accounts/{account.account_id}"
    assert (await client.get(url, headers=viewer)).status_code == 200
    assert (await client.get(url, headers=agent)).status_code == 200
    assert (await client.get(url, headers=stranger)).status_code == 404
    own = (await client.get("/v1/accounts", headers=viewer)).json()["items"]
    assert [item["id"] for item in own] == [account.account_id]
    assert len((await client.get("/v1/accounts", headers=agent)).json()["items"]) == 2


async def test_only_admins_write_accounts(
    client: httpx.AsyncClient, account: AccountRow, owner: Headers, agent: Headers, stranger: Headers
) -> None:
    url = f"/v1/accounts/{account.account_id}"
    for key in (owner, agent):
        assert (await client.post("/v1/accounts", json=NEW, headers=key)).status_code == 403
        assert (await client.patch(url, json={"name": "x"}, headers=key)).status_code == 403
    assert (await client.patch(url, json={"name": "x"}, headers=stranger)).status_code == 404


async def test_a_list_is_stable_under_concurrent_inserts(
    client: httpx.AsyncClient, admin: Headers, sessions: Sessions, plan: str
) -> None:
    before = {(await make_account(sessions, plan)).account_id for _ in range(7)}
    seen: list[str] = []
    url = "/v1/accounts?limit=2"
    while url:
        answer, _ = await asyncio.gather(
            client.get(url, headers=admin), make_account(sessions, plan) if len(seen) < 6 else asyncio.sleep(0)
        )
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url", "")
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


async def test_c01_the_countrys_holidays_are_expanded_when_the_account_is_stored(
    client: httpx.AsyncClient, sessions: Sessions, admin: Headers, account: AccountRow
) -> None:
    url = f"/v1/accounts/{account.account_id}"
    await client.patch(url, json={"country": "PL"}, headers=admin)
    async with sessions() as session:
        stored = await session.get_one(AccountRow, account.account_id)
        days = await session.get_one(HolidaySetRow, stored.holiday_set)
    year = stored.updated_at.year
    assert {f"{year - 1}-11-11", f"{year}-05-03", f"{year + 10}-12-25"} <= set(days.dates)
    await client.patch(url, json={"country": None}, headers=admin)
    async with sessions() as session:
        assert (await session.get_one(AccountRow, account.account_id)).holiday_set is None


async def test_c01_a_sandbox_has_the_holidays_of_its_own_years(
    client: httpx.AsyncClient, sessions: Sessions, admin: Headers, plan: str
) -> None:
    given = {"name": "Zima", "plan": plan, "time_zone": "Europe/Warsaw", "country": "PL"}
    sandbox = {"starts_at": "2051-05-01T00:00:00Z"}
    made = (await client.post("/v1/accounts", json=given | {"sandbox": sandbox}, headers=admin)).json()
    async with sessions() as session:
        account = await session.get_one(AccountRow, made["id"])
        stored = await session.get_one(HolidaySetRow, account.holiday_set)
    assert {"2050-11-11", "2051-11-11", "2060-11-11"} <= set(stored.dates)
