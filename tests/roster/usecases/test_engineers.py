from typing import Any

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.actors import Headers, make_account, make_engineer, make_key, make_plan, make_region

NOOR = {
    "name": "Noor",
    "email": "noor@example.com",
    "tier": 2,
    "region": "emea",
    "time_zone": "Europe/Warsaw",
    "languages": ["en", "pl"],
    "products": ["backup"],
    "capacity": 3,
}


@pytest.fixture(autouse=True)
async def emea(sessions: Sessions) -> None:
    await make_region(sessions, key="emea")


async def test_an_engineer_is_made_read_listed_and_changed(client: httpx.AsyncClient, admin: Headers) -> None:
    made = await client.post("/v1/engineers", json=NOOR, headers=admin)
    assert made.status_code == 201, made.text
    engineer = made.json()
    assert NOOR.items() <= engineer.items()
    url = f"/v1/engineers/{engineer['id']}"
    assert (await client.get(url, headers=admin)).json() == engineer
    assert (await client.get("/v1/engineers", headers=admin)).json()["items"] == [engineer]
    patch = {"tier": 3, "region": None}
    changed = await client.patch(url, json=patch, headers=admin | {"If-Match": made.headers["etag"]})
    assert changed.json() == engineer | patch | {"version": 2, "updated_at": changed.json()["updated_at"]}
    assert (await client.patch(url, json=patch, headers=admin | {"If-Match": '"1"'})).status_code == 412
    assert (await client.patch(url, json={"account_id": "x"}, headers=admin)).status_code == 422


async def test_shifts_and_absences(client: httpx.AsyncClient, admin: Headers) -> None:
    shifts = {"time_zone": "Europe/Warsaw", "weekly": {"mon": [["09:00", "17:00"]]}, "holidays": {"country": "PL"}}
    away = [{"from": "2026-12-24T00:00:00Z", "to": "2026-12-28T00:00:00Z"}]
    made = (await client.post("/v1/engineers", json=NOOR | {"shifts": shifts, "absences": away}, headers=admin)).json()
    assert made["absences"] == away
    assert made["shifts"]["weekly"] == shifts["weekly"]
    assert "2026-11-11" in made["shifts"]["holidays"]["dates"]
    url = f"/v1/engineers/{made['id']}"
    patch = {"shifts": {"weekly": {"tue": [["09:00", "17:00"]]}}, "absences": None}
    changed = (await client.patch(url, json=patch, headers=admin)).json()
    assert (list(changed["shifts"]["weekly"]), changed["absences"]) == (["mon", "tue"], [])
    assert (await client.patch(url, json={"shifts": None}, headers=admin)).json()["shifts"] is None


@pytest.mark.parametrize(
    ("shifts", "place"),
    [
        ({"time_zone": "account"}, "/shifts/time_zone"),
        ({"time_zone": "Europe/Nowhere"}, "/shifts/time_zone"),
        ({"weekly": {}}, "/shifts/weekly"),
        ({"weekly": {"mon": [["09:00", "17:00"], ["16:00", "18:00"]]}}, "/shifts/weekly/mon/1"),
        ({"holidays": {"country": "XX"}}, "/shifts/holidays/country"),
        ({"holidays": {"country": "account"}}, "/shifts/holidays/country"),
        ({"holidays": {"subdivision": "CA"}}, "/shifts/holidays/subdivision"),
    ],
)
async def test_wrong_shifts_are_refused(
    client: httpx.AsyncClient, admin: Headers, shifts: dict[str, Any], place: str
) -> None:
    whole = {"time_zone": "Europe/Warsaw", "weekly": {"mon": [["09:00", "17:00"]]}} | shifts
    answer = await client.post("/v1/engineers", json=NOOR | {"shifts": whole}, headers=admin)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, place)


@pytest.mark.parametrize(
    "change",
    [{"tier": 0}, {"tier": True}, {"tier": 1e30}, {"capacity": -1}, {"languages": ["?"]}, {"region": "atlantis"}],
)
async def test_a_wrong_engineer_is_refused(client: httpx.AsyncClient, admin: Headers, change: dict[str, Any]) -> None:
    assert (await client.post("/v1/engineers", json=NOOR | change, headers=admin)).status_code == 422


async def test_who_may_do_what(client: httpx.AsyncClient, sessions: Sessions) -> None:
    engineer = await make_engineer(sessions)
    url = f"/v1/engineers/{engineer.id}"
    account = await make_account(sessions, await make_plan(sessions, "gold"))
    agent = await make_key(sessions, "agent", engineer_id=engineer.id)
    customer = await make_key(sessions, account_id=account.account_id, role="owner")
    assert (await client.get(url, headers=agent)).status_code == 200
    assert (await client.get("/v1/engineers", headers=agent)).status_code == 200
    for key in (agent, customer):
        assert (await client.post("/v1/engineers", json=NOOR, headers=key)).status_code == 403
        assert (await client.patch(url, json={"tier": 2}, headers=key)).status_code == 403
    assert (await client.get(url, headers=customer)).status_code == 403
    assert (await client.get("/v1/engineers", headers=customer)).status_code == 403
    assert (await client.get("/v1/engineers/eng_01k9z3v5q8e9rbn3wz4m6t7y2d", headers=agent)).status_code == 404


async def test_engineers_choose_their_own_name_for_customers(client: httpx.AsyncClient, sessions: Sessions) -> None:
    noor, other = await make_engineer(sessions), await make_engineer(sessions, email="jan@example.com")
    own, others = [await make_key(sessions, "agent", engineer_id=each.id) for each in (noor, other)]
    product = await make_key(sessions, "agent")
    url = f"/v1/engineers/{noor.id}"
    for key in (others, product):
        assert (await client.patch(url, json={"display_name": "N."}, headers=key)).status_code == 403
    both = {"display_name": "N.", "name": "Noor"}
    assert (await client.patch(url, json=both, headers=own)).status_code == 403
    for chosen in ("Noor H.", None):
        changed = await client.patch(url, json={"display_name": chosen}, headers=own)
        assert (changed.status_code, changed.json()["display_name"]) == (200, chosen)
    assert (await client.patch(url, json={"display_name": " "}, headers=own)).status_code == 422


async def test_only_a_sandbox_account_has_its_own(
    client: httpx.AsyncClient, sessions: Sessions, admin: Headers
) -> None:
    plan = await make_plan(sessions, "gold")
    sandbox = await make_account(sessions, plan, sandbox=True)
    live = await make_account(sessions, plan)
    await make_engineer(sessions)
    mine = NOOR | {"account_id": sandbox.account_id}
    elsewhere = await client.post("/v1/engineers", json=mine, headers=admin)
    assert elsewhere.json()["errors"][0]["pointer"] == "/region"
    await make_region(sessions, key="emea", account_id=sandbox.account_id)
    own = await client.post("/v1/engineers", json=mine, headers=admin)
    assert own.status_code == 201
    listed = await client.get(f"/v1/engineers?account_id={sandbox.account_id}", headers=admin)
    assert listed.json()["items"] == [own.json()]
    for account_id in (live.account_id, "acc_01k9z3v5q8e9rbn3wz4m6t7y2d"):
        answer = await client.post("/v1/engineers", json=NOOR | {"account_id": account_id}, headers=admin)
        assert answer.json()["errors"][0]["pointer"] == "/account_id"
