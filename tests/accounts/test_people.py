import asyncio

import httpx
import pytest

from app.accounts.models import Account
from app.core.db import Sessions
from tests.support.actors import Headers, make_key, make_person

ANA = {"email": "Ana@Example.com", "name": "Ana", "role": "editor"}


@pytest.fixture
def url(account: Account) -> str:
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
    client: httpx.AsyncClient, sessions: Sessions, account: Account, url: str, role: str
) -> None:
    person = await make_person(sessions, account.account_id, "ana@example.com", "editor")
    key = await make_key(sessions, account_id=account.account_id, role=role)
    one = f"{url}/{person.id}"
    assert (await client.get(url, headers=key)).status_code == 200
    assert (await client.post(url, json=ANA, headers=key)).status_code == 403
    assert (await client.patch(one, json={"role": "owner"}, headers=key)).status_code == 403
    assert (await client.delete(one, headers=key)).status_code == 403


async def test_g10_a_named_person_is_held_to_their_role(
    client: httpx.AsyncClient, sessions: Sessions, account: Account, owner: Headers, viewer: Headers, url: str
) -> None:
    await make_person(sessions, account.account_id, "boss@example.com", "owner")
    await make_person(sessions, account.account_id, "ed@example.com", "editor")
    as_boss, as_editor = {"actor": {"email": "BOSS@example.com"}}, {"actor": {"email": "ed@example.com"}}
    assert (await client.post(url, json=ANA | as_editor, headers=owner)).status_code == 403
    assert (await client.post(url, json=ANA | {"actor": {"email": "x@example.com"}}, headers=owner)).status_code == 403
    made = await client.post(url, json=ANA | as_boss, headers=viewer)
    assert made.status_code == 201
    one = f"{url}/{made.json()['id']}"
    assert (await client.patch(one, json={"name": "An", **as_editor}, headers=owner)).status_code == 403
    assert (await client.patch(one, json={"name": "An", **as_boss}, headers=viewer)).json()["name"] == "An"
    assert (await client.delete(f"{one}?actor=ed@example.com", headers=owner)).status_code == 403
    assert (await client.delete(f"{one}?actor=boss@example.com", headers=viewer)).status_code == 204


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
    client: httpx.AsyncClient, sessions: Sessions, account: Account, admin: Headers, url: str
) -> None:
    first = await make_person(sessions, account.account_id, "a@example.com", "owner")
    one = f"{url}/{first.id}"
    assert (await client.delete(one, headers=admin)).status_code == 409
    assert (await client.patch(one, json={"role": "editor"}, headers=admin)).status_code == 409
    assert (await client.patch(one, json={"name": "New"}, headers=admin)).status_code == 200
    await make_person(sessions, account.account_id, "b@example.com", "owner")
    assert (await client.delete(one, headers=admin)).status_code == 204


async def test_two_owners_cannot_both_leave_at_once(
    client: httpx.AsyncClient, sessions: Sessions, account: Account, admin: Headers, url: str
) -> None:
    owners = [await make_person(sessions, account.account_id, f"{n}@example.com", "owner") for n in range(2)]
    answers = await asyncio.gather(*(client.delete(f"{url}/{owner.id}", headers=admin) for owner in owners))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
