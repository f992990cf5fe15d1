from typing import Any, Final

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.actors import Headers, make_account, make_engineer, make_plan, make_region

APAC: Final[dict[str, Any]] = {
    "key": "apac",
    "name": "Asia",
    "place": 1,
    "calendar": {"time_zone": "Asia/Singapore", "weekly": {"mon": [["08:00", "17:00"]]}},
}


async def test_a_region_is_made_read_changed_and_removed(client: httpx.AsyncClient, admin: Headers) -> None:
    made = await client.post("/v1/regions", json=APAC, headers=admin)
    assert made.status_code == 201, made.text
    region = made.json()
    url = f"/v1/regions/{region['id']}"
    assert (await client.get(url, headers=admin)).json() == region
    changed = await client.patch(url, json={"place": 7}, headers=admin | {"If-Match": made.headers["etag"]})
    assert (changed.json()["place"], changed.json()["version"]) == (7, 2)
    assert (await client.patch(url, json={"key": "x"}, headers=admin)).status_code == 422
    assert (await client.delete(url, headers=admin | {"If-Match": '"1"'})).status_code == 412
    assert (await client.delete(url, headers=admin)).status_code == 204
    assert (await client.get(url, headers=admin)).status_code == 404


async def test_regions_are_listed_in_the_order_of_the_sun(
    client: httpx.AsyncClient, sessions: Sessions, admin: Headers
) -> None:
    for place, key in enumerate(["emea", "americas", "apac"]):
        await make_region(sessions, key=key, place=3 - place)
    first = (await client.get("/v1/regions?limit=2", headers=admin)).json()
    rest = (await client.get(f"/v1/regions?limit=2&cursor={first['next_cursor']}", headers=admin)).json()
    assert [region["key"] for page in (first, rest) for region in page["items"]] == ["apac", "americas", "emea"]
    assert rest["next_cursor"] is None


async def test_a_key_is_taken_once_and_a_region_in_use_stays(
    client: httpx.AsyncClient, sessions: Sessions, admin: Headers
) -> None:
    region = await make_region(sessions, key="apac")
    assert (await client.post("/v1/regions", json=APAC, headers=admin)).status_code == 409
    await make_engineer(sessions, region="apac")
    assert (await client.delete(f"/v1/regions/{region.id}", headers=admin)).status_code == 409


async def test_a_sandbox_has_regions_of_its_own(client: httpx.AsyncClient, sessions: Sessions, admin: Headers) -> None:
    plan = await make_plan(sessions, "gold")
    sandbox, live = await make_account(sessions, plan, sandbox=True), await make_account(sessions, plan)
    await make_region(sessions, key="apac")
    own = await client.post("/v1/regions", json=APAC | {"account_id": sandbox.account_id}, headers=admin)
    assert own.status_code == 201, own.text
    listed = await client.get(f"/v1/regions?account_id={sandbox.account_id}", headers=admin)
    assert listed.json()["items"] == [own.json()]
    answer = await client.post("/v1/regions", json=APAC | {"account_id": live.account_id}, headers=admin)
    assert answer.json()["errors"][0]["pointer"] == "/account_id"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"calendar": APAC["calendar"] | {"time_zone": "Asia/Atlantis"}}, "/calendar/time_zone"),
        ({"calendar": APAC["calendar"] | {"weekly": {"mon": [["17:00", "08:00"]]}}}, "/calendar/weekly/mon/0"),
        ({"place": -1}, "/place"),
        ({"key": "Asia Pacific"}, "/key"),
    ],
)
async def test_a_wrong_region_is_refused(
    client: httpx.AsyncClient, admin: Headers, change: dict[str, Any], place: str
) -> None:
    answer = await client.post("/v1/regions", json=APAC | change, headers=admin)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, place)
