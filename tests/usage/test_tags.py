"""How many different tags an account may use: on its open tickets, and for those that its hooks open."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from app.core.clock import wall_now
from app.core.db.session import driver, transaction
from app.core.state import State
from app.tickets.staffing.roster import lock_roster
from app.usage import upkeep
from app.usage.upkeep import count_tags
from tests.support.actors import Headers, make_account, make_key
from tests.support.desk import fetch, store_plan
from tests.support.identities import ORIGIN, SECRET, claims, token
from tests.support.refusals import reached
from tests.support.tickets import P1, TICKET
from tests.support.waiting import until

STORM: Final = 20
_WAITING: Final = """
SELECT EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = waiting.pid AND l.relation = 'events'::regclass
               AND l.mode = 'RowExclusiveLock') AS writes_events
FROM pg_locks AS waiting JOIN pg_stat_activity AS a ON a.pid = waiting.pid AND a.datname = current_database()
WHERE NOT waiting.granted
"""


@dataclass
class Desk:
    """An account with its owner's key, a ticket and a hook: ``bring`` brings tags by each way that there is."""

    client: httpx.AsyncClient
    state: State
    account_id: str
    owner: Headers
    ids: dict[str, str]

    async def bring(self, way: str, *tags: str, headers: Headers | None = None, **fields: Any) -> httpx.Response:
        body: dict[str, Any] = {"tags": tags} | fields
        ways: dict[str, tuple[str, str, dict[str, Any]]] = {
            "open": ("POST", "/v1/tickets", TICKET),
            "update": ("PATCH", f"/v1/tickets/{self.ids.get('ticket')}", {}),
            "hook": ("POST", "/v1/hooks", {"name": "CI"}),
            "change the hook": ("PATCH", f"/v1/hooks/{self.ids.get('hook')}", {}),
        }
        method, path, more = ways[way]
        return await self.client.request(method, path, json=body | more, headers=headers or self.owner)

    async def used(self) -> tuple[int, int]:
        answer = await self.client.get(f"/v1/accounts/{self.account_id}/usage", headers=self.owner)
        [tags] = [one for one in answer.json()["quotas"] if one["quota"] == "tags"]
        return tags["value"], tags["used"]

    async def age(self) -> None:
        """Two days go by for what is counted."""
        await fetch(self.state.sessions, "UPDATE account_tags SET used_at = used_at - interval '2 days'")
        await count_tags(self.state.sessions)


@pytest.fixture
async def desk(client: httpx.AsyncClient, state: State, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(state.settings, "max_tags", 3)
    plan = await store_plan(state.sessions, "wati-business-plus")
    account = (await make_account(state.sessions, plan)).account_id
    made = Desk(client, state, account, await make_key(state.sessions, account_id=account, role="owner"), {})
    made.ids["ticket"] = (await made.bring("open", "a", "b", "b")).json()["id"]
    made.ids["hook"] = (await made.bring("hook", "b")).json()["id"]
    return made


@pytest.mark.parametrize(("way", "status"), [("open", 201), ("update", 200), ("hook", 201), ("change the hook", 200)])
async def test_no_way_brings_more_tags_than_there_may_be(
    desk: Desk, way: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await desk.used() == (3, 2)
    refused = await desk.bring(way, "b", "c", "d")
    assert (refused.status_code, reached(refused)) == (409, ("tags", 3, 2))
    assert refused.json()["detail"] == "The quota tags is 3, with 2 already in use; this request needs 2 more"
    assert await desk.used() == (3, 2)
    assert (await desk.bring(way, "c", "a")).status_code == status
    refused = await desk.bring(way, "d")
    assert reached(refused) == ("tags", 3, 3)
    assert refused.json()["detail"] == "The quota tags is 3, with 3 already in use"
    monkeypatch.setattr(desk.state.settings, "max_tags", 1)  # what is there may stay, and be used
    assert (await desk.bring(way, "b", "a")).status_code == status
    assert await desk.used() == (1, 3)


async def test_of_several_at_once_one_gets_the_last_place(desk: Desk) -> None:
    ways = ["open", "open", "update", "hook", "change the hook"]
    answers = await asyncio.gather(*(desk.bring(way, f"c{number}") for number, way in enumerate(ways)))
    assert sorted(answer.status_code for answer in answers)[1:] == [409] * 4
    assert await desk.used() == (3, 3)


async def test_p1s_with_tags_of_their_own_are_all_opened_once_the_roster_is_free(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.state.settings, "max_tags", 2 + STORM)
    await store_plan(desk.state.sessions, "google-premium")
    await fetch(desk.state.sessions, "UPDATE accounts SET plan = 'google-premium'")

    async def noted() -> bool:
        return await desk.used() == (2 + STORM, 2 + STORM)

    keys = [desk.owner | {"Idempotency-Key": f"opening-{number}"} for number in range(STORM)]
    async with asyncio.TaskGroup() as storm, transaction(desk.state.sessions) as holder:
        await lock_roster(holder, None)
        opening = [storm.create_task(desk.bring("open", key["Idempotency-Key"], headers=key, **P1)) for key in keys]
        await until(noted)
        assert not any(task.done() for task in opening)
    assert {task.result().status_code for task in opening} == {201}
    again = await desk.bring("open", keys[0]["Idempotency-Key"], headers=keys[0], **P1)
    assert (again.status_code, again.json()["id"]) == (201, opening[0].result().json()["id"])


async def test_another_account_has_tags_of_its_own(desk: Desk) -> None:
    await desk.bring("update", "a", "b", "c")
    other = (await make_account(desk.state.sessions, "wati-business-plus", name="Another")).account_id
    theirs = await make_key(desk.state.sessions, account_id=other, role="owner")
    assert (await desk.bring("open", "d", headers=theirs)).status_code == 201


async def test_visitors_bring_new_tags_up_to_half_of_the_quota(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.state.settings, "max_tags", 6)
    keys = [{"kid": "k1", "alg": "HS256", "key": SECRET}]
    fields: dict[str, Any] = {"allowed_origins": [ORIGIN], "jwt_keys": keys}
    widget = await make_key(desk.state.sessions, "widget", account_id=desk.account_id, **fields)
    visitor = widget | {"Origin": ORIGIN, "Heliodesk-Identity": token(claims(wall_now()))}
    assert (await desk.bring("open", "c", headers=visitor)).status_code == 201
    assert reached(await desk.bring("open", "d", headers=visitor)) == ("tags", 3, 3)
    assert (await desk.bring("open", "a", headers=visitor)).status_code == 201
    assert (await desk.bring("open", "d")).status_code == 201


async def test_the_tags_of_many_tickets_are_looked_at_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_BATCH", 1)
    await desk.bring("open", "c")
    await desk.age()
    assert await desk.used() == (3, 3)


async def test_tags_are_given_back_when_nothing_has_used_them_for_a_day(desk: Desk) -> None:
    for tags in (["a", "b", "c"], ["a"]):
        await desk.bring("update", *tags)
    await count_tags(desk.state.sessions)
    assert await desk.used() == (3, 3)
    await desk.age()
    assert await desk.used() == (3, 2)  # the ticket's, and the hook's
    done = {"status": "resolved", "message": "Done"}
    agent = await make_key(desk.state.sessions, "admin")
    answer = await desk.client.post(f"/v1/tickets/{desk.ids['ticket']}/status", json=done, headers=agent)
    assert answer.status_code == 200, answer.text
    await desk.age()
    assert await fetch(desk.state.sessions, "SELECT tag FROM account_tags") == [{"tag": "b"}]
    await desk.client.post(f"/v1/tickets/{desk.ids['ticket']}/reopen", json={}, headers=desk.owner)
    assert await desk.used() == (3, 2)
    await desk.age()
    assert await desk.used() == (3, 2)


async def test_a_reopening_that_waits_for_its_tags_keeps_no_reader_of_events_waiting(desk: Desk) -> None:
    agent = await make_key(desk.state.sessions, "admin")
    path, done = f"/v1/tickets/{desk.ids['ticket']}", {"status": "resolved", "message": "Done"}
    assert (await desk.client.post(f"{path}/status", json=done, headers=agent)).status_code == 200
    async with transaction(desk.state.sessions) as session:
        await (await driver(session)).execute("SELECT FROM account_tags FOR UPDATE")
        reopening = asyncio.create_task(desk.client.post(f"{path}/reopen", json={}, headers=desk.owner))
        others: list[Any] = []

        async def waits() -> bool:
            others[:] = await fetch(desk.state.sessions, _WAITING)
            return bool(others)

        await until(waits)
    assert (await reopening).status_code == 200
    assert [other["writes_events"] for other in others] == [False]


async def test_what_a_ticket_and_a_hook_have_they_keep_though_it_was_given_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.bring("update", "a", "c")
    await desk.bring("change the hook", "a", "c")
    await fetch(desk.state.sessions, "DELETE FROM account_tags WHERE tag <> 'b'")
    monkeypatch.setattr(desk.state.settings, "max_tags", 1)
    for way in ("update", "change the hook"):
        assert (await desk.bring(way, "a")).status_code == 200
        assert reached(await desk.bring(way, "a", "c")) == ("tags", 1, 1)
