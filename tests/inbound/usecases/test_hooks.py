"""Hooks as they are managed, and tried."""

from typing import Any, Final, get_args

import pytest

from app.core.db.session import driver, transaction
from app.inbound import payloads
from app.inbound.background import upkeep
from app.inbound.payloads import Room
from app.inbound.schemas import MAX_MAPPED, Format
from app.inbound.usecases.hooks import ingest_url
from tests.contract.document import DOCUMENT
from tests.inbound.conftest import MAPPING, Desk, MakeDesk, payload
from tests.support.actors import make_key
from tests.support.desk import fetch

ROOM: Final = Room(10**9, 10**9)


@pytest.mark.parametrize("name", [*get_args(Format), "a new one"])
def test_each_format_is_posted_to_an_address_that_is_there(name: Format) -> None:
    assert "post" in DOCUMENT["paths"][ingest_url("{hook_id}", name)]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"priority": "Sev1"}, "/priority"),
        ({"mapping": [MAPPING[0], {"match": {"a": "b"}, "priority": "Sev1"}]}, "/mapping/1/priority"),
        ({"mapping": [{"match": {}, "priority": "P1"}]}, "/mapping/0/match"),
        ({"mapping": [{"match": {"a": "b"}, "impact": "large"}]}, "/mapping/0"),
        ({"priority": "P1", "impact": "large", "urgency": "high"}, ""),
        ({"expressions": {"key": "a["}}, "/expressions/key"),
        ({"grouping_window": "P1D"}, "/grouping_window"),
        ({"signature": {"scheme": "hmac"}}, "/signature"),
        ({"signature": {"scheme": "key", "secret": "x" * 20}}, "/signature"),
        ({"signature": {"scheme": "standard_webhooks", "secret": "x" * 20}}, "/signature"),
        ({"signature": {"scheme": "standard_webhooks", "secret": "whsec_no-base64-at-all!"}}, "/signature"),
        ({"requester": {"name": "Ops", "email": "nobody"}}, "/requester/email"),
        ({"on_resolve": "shout"}, "/on_resolve"),
        ({"mapping": [{"match": {"a": ["b"] * MAX_MAPPED}, "priority": "P1"}]}, "/mapping"),
    ],
    ids=lambda value: str(value)[:80],
)
async def test_what_a_hook_cannot_be(desk: Desk, fields: dict[str, Any], pointer: str) -> None:
    answer = await desk.client.post("/v1/hooks", json={"name": "CI"} | fields, headers=desk.owner)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    if pointer:
        assert (await desk.change(422, **fields))["errors"][0]["pointer"] == pointer


async def test_a_plan_without_a_matrix_takes_priorities_only(make_desk: MakeDesk) -> None:
    desk = await make_desk("wati-business-plus")
    answer = await desk.client.post("/v1/hooks", json={"name": "CI", "mapping": MAPPING}, headers=desk.owner)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/mapping/0/impact")
    await desk.make(mapping=[{"match": {"severity": "critical"}, "priority": "P1"}])


async def test_a_change_is_a_merge_patch_on_a_version(desk: Desk) -> None:
    changed = await desk.change(name="Prometheus", requester={"name": "Ops", "email": "ops@example.com"}, tags=["auto"])
    assert (changed["version"], changed["mapping"], "secret" in changed) == (2, desk.hook["mapping"], False)
    path, stale = f"/v1/hooks/{desk.hook['id']}", desk.owner | {"If-Match": '"1"'}
    assert (await desk.client.patch(path, json={"name": "B"}, headers=stale)).status_code == 412
    await desk.post({"key": "a", "title": "A"})
    (ticket,) = await desk.tickets()
    assert (ticket["requester"]["email"], ticket["tags"]) == ("ops@example.com", ["auto"])


async def test_a_hook_that_is_removed_takes_nothing_and_leaves_its_tickets(desk: Desk) -> None:
    await desk.post({"key": "a", "title": "A"})
    await desk.send({"key": "b", "title": "B"})
    path = f"/v1/hooks/{desk.hook['id']}"
    assert (await desk.client.delete(path, headers=desk.owner)).status_code == 204
    assert (await desk.send({"key": "c"})).status_code == 401
    assert (await desk.client.get(path, headers=desk.owner)).status_code == 404
    await desk.process()
    assert len(await desk.tickets()) == 1


async def test_what_came_in_while_its_hook_was_removed_keeps_nobody_busy(desk: Desk) -> None:
    await desk.send({"key": "a"})
    await fetch(desk.sessions, "DELETE FROM hooks")
    assert await desk.processor.next_instant() is None
    await upkeep.make_room(desk.sessions, ROOM)
    assert await fetch(desk.sessions, "SELECT 1 FROM receipts") == []


async def test_a_hook_with_very_many_receipts_is_removed_at_once_and_most_of_them_later(desk: Desk) -> None:
    await desk.send({"key": "a"})
    await fetch(
        desk.sessions,
        "INSERT INTO receipts SELECT copy.* FROM receipts AS r, generate_series(1, 600) AS n,"
        " jsonb_populate_record(r, jsonb_build_object('id', 'rcp_' || n, 'event_key', n::text)) AS copy",
    )
    assert (await desk.client.delete(f"/v1/hooks/{desk.hook['id']}", headers=desk.owner)).status_code == 204
    assert 0 < len(await fetch(desk.sessions, "SELECT 1 FROM receipts")) < 600
    await upkeep.make_room(desk.sessions, ROOM)
    assert await fetch(desk.sessions, "SELECT 1 FROM receipts") == []


async def test_what_a_pass_leaves_of_removed_hooks_is_dropped_by_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "_BATCH", 2)
    monkeypatch.setattr(upkeep, "_LONG", 0.0)
    for _ in "ab":
        await desk.make()
        for key in "123":
            await desk.send({"key": key})
    await fetch(desk.sessions, "DELETE FROM hooks")
    left = []
    for _ in range(4):
        await upkeep.make_room(desk.sessions, ROOM)
        left.append(len(await fetch(desk.sessions, "SELECT 1 FROM receipts")))
    assert left == [4, 3, 1, 0]


async def test_a_removed_hook_whose_count_was_held_takes_no_room(desk: Desk) -> None:
    await desk.send({"key": "a"})
    async with transaction(desk.sessions) as session:
        await (await driver(session)).execute("SELECT FROM hook_payloads FOR UPDATE")
        assert (await desk.client.delete(f"/v1/hooks/{desk.hook['id']}", headers=desk.owner)).status_code == 204
    assert len(await fetch(desk.sessions, "SELECT 1 FROM hook_payloads")) == 1
    await upkeep.make_room(desk.sessions, ROOM)
    assert await fetch(desk.sessions, "SELECT 1 FROM hook_payloads") == []


async def test_a_title_of_labels_and_an_environment_by_label(desk: Desk) -> None:
    await desk.change(title="{title}: {host}/{nothing}{env}")
    await desk.post({"key": "a", "title": "Disk", "labels": {"host": "h1", "env": "staging"}, "severity": "warning"})
    (ticket,) = await desk.tickets()
    assert (ticket["title"], ticket["environment"], ticket["priority"]) == ("Disk: h1/staging", "non_production", "P3")


async def test_a_senders_own_shape_by_expressions(desk: Desk) -> None:
    await desk.change(
        expressions={
            "key": "alert.id",
            "status": "alert.transition",
            "title": "alert.title",
            "text": "body",
            "labels": "{severity: alert.priority, env: tags.env}",
        }
    )
    sent = {"alert": {"id": 7, "transition": "Triggered", "title": "Checkout is slow", "priority": "critical"}}
    await desk.post(sent | {"body": "p99 is 9 s", "tags": {"env": "test"}})
    (ticket,) = await desk.tickets()
    assert (ticket["title"], ticket["priority"], ticket["environment"]) == ("Checkout is slow", "P2", "non_production")
    assert "p99 is 9 s" in ticket["description"]
    await desk.post({"alert": {"id": 7, "transition": "Recovered", "title": "Checkout is slow"}})
    assert [one["status"] for one in await desk.tickets()] == ["resolved"]
    receipt = await desk.post({"alert": [1]} | {"body": 1})
    assert receipt["state"] == "processed"
    await desk.change(expressions={"key": "join('/', alert)"})
    receipt = await desk.post({"alert": 1})
    assert (receipt["state"], "'key' cannot be applied" in receipt["error"]) == ("failed", True)


async def test_trying_says_what_would_be_and_does_nothing(desk: Desk) -> None:
    path = f"/v1/hooks/{desk.hook['id']}/try"

    async def tried(body: Any, status: int = 200) -> Any:
        answer = await desk.client.post(path, json={"format": "alertmanager", "payload": body}, headers=desk.owner)
        assert answer.status_code == status, answer.text
        return answer.json()

    shown = await tried(payload("firing2"))
    assert [signal["outcome"] for signal in shown["signals"]] == ["started", "started"]
    assert [(ticket["action"], ticket["priority"], ticket["ticket_id"]) for ticket in shown["tickets"]] == [
        ("opened", "P2", None)
    ] * 2
    assert await desk.tickets() == []
    await desk.post(payload("firing3"), "/alertmanager")
    shown = await tried(payload("resolved"))
    assert [ticket["resolves"] for ticket in shown["tickets"]] == [True, True]
    assert {ticket["status"] for ticket in await desk.tickets()} == {"new"}
    assert (await tried([], 422))["errors"][0]["pointer"] == "/payload"


async def test_support_sees_all_hooks_and_an_account_its_own(make_desk: MakeDesk) -> None:
    desks = [await make_desk(), await make_desk()]
    for desk in desks:
        await desk.make()
    listed = await desks[0].get("/v1/hooks")
    assert [hook["id"] for hook in listed["items"]] == [desks[0].hook["id"]]
    agent = await make_key(desks[0].sessions, "agent")
    answer = await desks[0].client.get("/v1/hooks", headers=agent)
    assert [hook["id"] for hook in answer.json()["items"]] == [desk.hook["id"] for desk in desks]


async def test_receipts_are_listed_newest_first_and_by_state(desk: Desk) -> None:
    for body in ({"key": "a"}, b"{", {"key": "b"}):
        await desk.send(body)
    await desk.process()
    receipts = await desk.receipts()
    assert [receipt["state"] for receipt in receipts] == ["processed", "failed", "processed"]
    assert receipts == sorted(receipts, key=lambda receipt: receipt["received_at"], reverse=True)
    path = f"/v1/hooks/{desk.hook['id']}/receipts?state=failed"
    assert (await desk.get(path))["items"] == [receipts[1]]


async def test_old_receipts_and_silent_alerts_are_forgotten(desk: Desk) -> None:
    await desk.post({"key": "a"})
    await desk.send({"key": "b"})
    await upkeep.forget_receipts(desk.sessions)
    assert len(await desk.receipts()) == 2
    await fetch(desk.sessions, "UPDATE receipts SET received_at = received_at - interval '31 days'")
    await fetch(desk.sessions, "UPDATE incident_alerts SET heard_at = heard_at - interval '91 days'")
    await fetch(desk.sessions, "UPDATE incidents SET changed_at = changed_at - interval '91 days'")
    assert await upkeep.forget_receipts(desk.sessions, seconds=0)  # there was no time
    assert len(await desk.receipts()) == 2
    for table in ("incidents", "incident_alerts"):  # of each some goes, however long what comes before it lasts
        assert await fetch(desk.sessions, f"SELECT 1 FROM {table}") == []  # noqa: S608 - our own names
    assert not await upkeep.forget_receipts(desk.sessions)
    assert [receipt["state"] for receipt in await desk.receipts()] == ["pending"]
