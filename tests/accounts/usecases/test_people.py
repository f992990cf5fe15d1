import asyncio

import httpx
import pytest
from sqlalchemy import update

from app.accounts.models import AccountRow, PersonRow
from app.accounts.queries import account_by_id
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from tests.support.actors import Headers, make_key, make_person
from tests.support.waiting import until_blocked

ANA = {"email": "Ana@Example.com", "name": "Ana", "role": "editor"}


@pytest.fixture
def url(account: AccountRow) -> str:
    return f"/v1/accounts/{account.account_id}/people"


async def test_g10_an_owner_manages_the_accounts_people(client: httpx.AsyncClient, owner: Headers, url: str) -> None:
    made = await client.post(url, json=ANA, headers=owner)
    assert made.status_code == 201, made.text
    person = made.json()
    assert (person["email"], person["role"], made.headers["etag"]) == ("ana@example.com", "editor", '"1"')
    one = f"{url}/{person['id']}"
    assert (await client.get(one, headers=owner)).json() == person
    changed = await client.patch(one, json={"role": "viewer"}, headers=owner | {"If-Match": '"1"'})
    assert (changed.json()["role"], changed.json()["name"], changed.json()["version"]) == ("viewer", "Ana", 2)
    assert (await client.patch(one, json={}, headers=owner | {"If-Match": '"1"'})).status_code == 412
    assert (await client.get(url, headers=owner)).json()["items"] == [changed.json()]
    assert (await client.delete(one, headers=owner)).status_code == 204
    assert (await client.get(one, headers=owner)).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_g10_others_only_read(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, url: str, role: str
) -> None:
    person = await make_person(sessions, account.account_id, "ana@example.com", "editor")
    key = await make_key(sessions, account_id=account.account_id, role=role)
    one = f"{url}/{person.id}"
    assert (await client.get(url, headers=key)).status_code == 200
    assert (await client.post(url, json=ANA, headers=key)).status_code == 403
    assert (await client.patch(one, json={"role": "owner"}, headers=key)).status_code == 403
    assert (await client.delete(one, headers=key)).status_code == 403


async def test_g10_a_named_person_is_held_to_their_role(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, owner: Headers, url: str
) -> None:
    await make_person(sessions, account.account_id, "boss@example.com", "owner")
    await make_person(sessions, account.account_id, "ed@example.com", "editor")
    as_boss, as_editor = {"actor": {"email": "BOSS@example.com"}}, {"actor": {"email": "ed@example.com"}}
    assert (await client.post(url, json=ANA | as_editor, headers=owner)).status_code == 403
    assert (await client.post(url, json=ANA | {"actor": {"email": "x@example.com"}}, headers=owner)).status_code == 403
    made = await client.post(url, json=ANA | as_boss, headers=owner)
    assert made.status_code == 201
    one = f"{url}/{made.json()['id']}"
    assert (await client.patch(one, json={"name": "An", **as_editor}, headers=owner)).status_code == 403
    assert (await client.patch(one, json={"name": "An", **as_boss}, headers=owner)).json()["name"] == "An"
    assert (await client.delete(f"{one}?actor=ed@example.com", headers=owner)).status_code == 403
    assert (await client.delete(f"{one}?actor=boss@example.com", headers=owner)).status_code == 204


async def test_g10_a_key_stays_what_it_is_whomever_it_names(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, viewer: Headers, url: str
) -> None:
    boss = await make_person(sessions, account.account_id, "boss@example.com", "owner")
    editor = await make_key(sessions, account_id=account.account_id)
    as_boss, one = {"actor": {"email": boss.email}}, f"{url}/{boss.id}"
    for key in (viewer, editor):
        assert (await client.post(url, json=ANA | as_boss, headers=key)).status_code == 403
        assert (await client.patch(one, json={"name": "An", **as_boss}, headers=key)).status_code == 403
        assert (await client.delete(f"{one}?actor={boss.email}", headers=key)).status_code == 403


async def test_g10_viewers_see_no_address_but_their_own(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, owner: Headers, viewer: Headers, url: str
) -> None:
    people = {
        role: await make_person(sessions, account.account_id, f"{role}@example.com", role)
        for role in ("owner", "editor", "viewer")
    }
    addresses = [person.email for person in people.values()]

    async def seen(key: Headers, actor: str = "") -> list[str | None]:
        listed = (await client.get(url + actor, headers=key)).json()["items"]
        single = [(await client.get(f"{url}/{person.id}{actor}", headers=key)).json() for person in people.values()]
        assert listed == single
        assert [person["name"] for person in listed] == list(people)
        return [person["email"] for person in listed]

    assert await seen(owner) == await seen(owner, "?actor=editor@example.com") == addresses
    assert await seen(viewer) == [None, None, None]
    assert await seen(owner, "?actor=viewer@example.com") == [None, None, "viewer@example.com"]
    assert await seen(viewer, "?actor=editor@example.com") == [None, "editor@example.com", None]


@pytest.mark.parametrize(
    ("stored", "named"),
    [("ana@example.com", "ANA@Example.COM"), ("jos\u00e9@example.com", "jose\u0301@example.com")],
    ids=["case", "composition"],
)
async def test_g10_one_person_has_one_address_however_it_is_written(
    client: httpx.AsyncClient,
    sessions: Sessions,
    account: AccountRow,
    owner: Headers,
    url: str,
    stored: str,
    named: str,
) -> None:
    await make_person(sessions, account.account_id, stored, "viewer")
    assert (await client.post(url, json=ANA | {"email": named, "role": "owner"}, headers=owner)).status_code == 409
    as_named = {"actor": {"email": named}}
    assert (await client.post(url, json=ANA | {"email": "b@example.com"} | as_named, headers=owner)).status_code == 403


async def test_g10_nobody_acts_for_a_person_of_another_account(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, stranger: Headers
) -> None:
    await make_person(sessions, account.account_id, "boss@example.com", "owner")
    body = {"kind": "account", "actor": {"email": "boss@example.com"}}
    assert (await client.post("/v1/keys", json=body, headers=stranger)).status_code == 403


async def test_g10_who_is_made_less_meanwhile_manages_nobody(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, owner: Headers, url: str
) -> None:
    boss = await make_person(sessions, account.account_id, "boss@example.com", "owner")
    as_boss = {"actor": {"email": boss.email}}
    async with transaction(sessions) as session:
        await account_by_id(session, account.account_id, lock=True)
        waiting = [
            asyncio.create_task(client.post(url, json=ANA | as_boss, headers=owner)),
            asyncio.create_task(client.post("/v1/keys", json={"kind": "account"} | as_boss, headers=owner)),
        ]
        await until_blocked(sessions, 2)
        await session.execute(update(PersonRow).where(PersonRow.id == boss.id).values(role="editor"))
    assert [(await answer).status_code for answer in waiting] == [403, 403]


async def test_support_names_no_customers_person(client: httpx.AsyncClient, admin: Headers, url: str) -> None:
    answer = await client.post(url, json=ANA | {"actor": {"email": "a@example.com"}}, headers=admin)
    assert answer.status_code == 422


async def test_admins_manage_agents_do_not(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, stranger: Headers, url: str
) -> None:
    assert (await client.post(url, json=ANA, headers=admin)).status_code == 201
    assert (await client.get(url, headers=agent)).status_code == 200
    assert (await client.post(url, json=ANA, headers=agent)).status_code == 403
    for method in ("GET", "POST"):
        assert (await client.request(method, url, json=ANA, headers=stranger)).status_code == 404
    nowhere = "/v1/accounts/acc_01k9z3v5q8e9rbn3wz4m6t7y2d/people"
    assert (await client.get(nowhere, headers=admin)).status_code == 404
    assert (await client.post(nowhere, json=ANA, headers=admin)).status_code == 404


async def test_an_address_is_taken_once(client: httpx.AsyncClient, admin: Headers, url: str) -> None:
    await client.post(url, json=ANA, headers=admin)
    assert (await client.post(url, json=ANA | {"email": "ana@EXAMPLE.com"}, headers=admin)).status_code == 409
    other = (await client.post(url, json=ANA | {"email": "b@example.com"}, headers=admin)).json()
    answer = await client.patch(f"{url}/{other['id']}", json={"email": "ana@example.com"}, headers=admin)
    assert answer.status_code == 409


async def test_the_last_owner_stays(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, admin: Headers, url: str
) -> None:
    first = await make_person(sessions, account.account_id, "a@example.com", "owner")
    one = f"{url}/{first.id}"
    assert (await client.delete(one, headers=admin)).status_code == 409
    assert (await client.patch(one, json={"role": "editor"}, headers=admin)).status_code == 409
    assert (await client.patch(one, json={"name": "New"}, headers=admin)).status_code == 200
    await make_person(sessions, account.account_id, "b@example.com", "owner")
    assert (await client.delete(one, headers=admin)).status_code == 204


async def test_two_owners_cannot_both_leave_at_once(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, admin: Headers, url: str
) -> None:
    owners = [await make_person(sessions, account.account_id, f"{n}@example.com", "owner") for n in range(2)]
    answers = await asyncio.gather(*(client.delete(f"{url}/{owner.id}", headers=admin) for owner in owners))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
