"""What an account's hooks may open and keep; what exceeds it waits, or is refused so that it is sent again."""

from typing import Final

import httpx
import orjson
import pytest

from app.core.limits import callers, rates
from app.core.settings import Settings
from app.inbound import payloads
from app.inbound.background.upkeep import forget_receipts, make_room
from app.inbound.examples import GENERIC, PAGERDUTY
from app.inbound.payloads import Room
from tests.inbound.conftest import Desk, MakeDesk
from tests.support.actors import make_key
from tests.support.clocks import HandClock
from tests.support.desk import fetch
from tests.support.refusals import reached
from tests.support.tickets import TICKET

HALF: Final = orjson.dumps(GENERIC | {"text": "x" * 530_000})
"""More than half of the room of the hooks that take whatever comes."""
ANYBODY: Final = {"signature": {"scheme": "none"}}


@pytest.fixture
def settings(database: str) -> Settings:
    return Settings(
        database_url=database,
        background=False,
        tickets_per_minute=2,
        hook_backlog=3,
        hook_bytes=2**21,
        unchecked_hook_bytes=2**20,
    )


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """Lets seconds go by for the rates."""
    return HandClock(monkeypatch, callers, rates)


async def alert(desk: Desk, name: str) -> httpx.Response:
    return await desk.send({"key": name, "status": "firing", "title": name})


async def states(desk: Desk) -> dict[str, int]:
    rows = await fetch(
        desk.sessions, "SELECT state, count(*) FROM receipts WHERE hook_id = $1 GROUP BY 1", desk.hook["id"]
    )
    return {row["state"]: row["count"] for row in rows}


async def test_alerts_beyond_an_accounts_tickets_a_minute_wait_and_are_opened_later_in_order(
    make_desk: MakeDesk, later: HandClock
) -> None:
    busy, other = await make_desk(), await make_desk()
    await busy.make()
    await other.make()
    for name in ("a", "b", "c"):
        assert (await alert(busy, name)).status_code == 202
    await busy.process()
    assert [ticket["title"] for ticket in await busy.tickets()] == ["a", "b"]
    assert await states(busy) == {"processed": 2, "pending": 1}
    assert await busy.processor.next_instant() is None
    other.processor = busy.processor
    await alert(other, "d")
    await other.process()
    assert [ticket["title"] for ticket in await other.tickets()] == ["d"]
    later(29)
    await busy.process()
    assert await states(busy) == {"processed": 2, "pending": 1}
    later(2)
    await busy.process()
    assert [ticket["title"] for ticket in await busy.tickets()] == ["a", "b", "c"]
    assert await states(busy) == {"processed": 3}


async def test_one_payload_of_many_alerts_is_opened_and_waited_for(make_desk: MakeDesk, later: HandClock) -> None:
    desk = await make_desk()
    await desk.make(format="cloudevents")
    batch = [
        {"specversion": "1.0", "id": str(number), "source": "/s", "type": "disk.full", "data": {}}
        for number in range(5)
    ]
    await desk.send(batch, "/cloudevents", desk.key | {"Content-Type": "application/cloudevents-batch+json"})
    await desk.process()
    assert len(await desk.tickets()) == 5
    await desk.make()
    await alert(desk, "a")
    later(100)
    await desk.process()
    assert len(await desk.tickets()) == 5
    later(25)
    await desk.process()
    assert len(await desk.tickets()) == 6


async def test_tickets_over_http_beyond_the_same_number_are_refused(desk: Desk, later: HandClock) -> None:
    await alert(desk, "a")
    await desk.process()

    async def post(**headers: str) -> httpx.Response:
        return await desk.client.post("/v1/tickets", json=TICKET, headers=desk.owner | headers)

    first = {"Idempotency-Key": "first"}
    assert (await desk.client.post("/v1/tickets", json={"title": 1}, headers=desk.owner)).status_code == 422
    assert (await post(**first)).status_code == 201
    refused = await post()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert reached(refused) == ("tickets_per_minute", 2, 2)
    assert refused.headers["ratelimit"] == '"tickets_per_minute";r=0;t=60'
    assert (await post(**first)).headers["idempotency-replayed"] == "true"
    admin = await make_key(desk.sessions, "admin")
    body = TICKET | {"account_id": desk.account_id}
    assert (await desk.client.post("/v1/tickets", json=body, headers=admin)).status_code == 201
    later(30)
    assert (await post()).status_code == 201


REOPENED: Final = [
    ("reopen", {}),
    ("status", {"status": "open"}),
    ("messages", {"body": "It is back."}),
]


@pytest.mark.parametrize(("action", "body"), REOPENED, ids=[action for action, _ in REOPENED])
async def test_a_ticket_that_is_opened_again_counts_as_one_that_is_opened(
    desk: Desk, later: HandClock, action: str, body: dict[str, str]
) -> None:
    opened = await desk.client.post("/v1/tickets", json=TICKET, headers=desk.owner)
    path = f"/v1/tickets/{opened.json()['id']}"

    async def again(key: dict[str, str]) -> httpx.Response:
        resolved = await desk.client.post(f"{path}/status", json={"status": "resolved"}, headers=desk.owner)
        assert resolved.status_code == 200
        return await desk.client.post(f"{path}/{action}", json=body, headers=key)

    assert (await again(desk.owner)).is_success
    refused = await again(desk.owner)
    assert reached(refused) == ("tickets_per_minute", 2, 2)
    assert (await desk.client.get(path, headers=desk.owner)).json()["status"] == "resolved"
    if action != "messages":  # support's messages reopen nothing
        assert (await again(await make_key(desk.sessions, "agent"))).is_success
    later(30)
    assert (await again(desk.owner)).is_success


async def test_an_alert_that_opens_its_ticket_again_counts_as_one_that_opens_one(desk: Desk, later: HandClock) -> None:
    await alert(desk, "a")
    for status in ("resolved", "firing"):
        await desk.send({"key": "a", "status": status, "title": "a"})
    await desk.process()
    await alert(desk, "b")
    await desk.process()
    assert await states(desk) == {"processed": 3, "pending": 1}
    later(31)
    await desk.process()
    assert await states(desk) == {"processed": 4}


async def kept(desk: Desk) -> tuple[int, int]:
    """What is kept by the hook's own count, and by its receipts."""
    query = "SELECT sum(size + octet_length(headers::text) + 1000) AS bytes FROM receipts WHERE hook_id = $1"
    [row] = await fetch(desk.sessions, query, desk.hook["id"])
    return (await desk.get(f"/v1/hooks/{desk.hook['id']}"))["kept_bytes"], int(row["bytes"] or 0)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("", HALF, 503), ("/v2/enqueue", orjson.dumps(PAGERDUTY | {"client": "x" * 600_000}), 429)],
)
async def test_a_hook_that_takes_whatever_comes_keeps_a_part_of_the_room_and_says_that_it_is_full(
    make_desk: MakeDesk, path: str, body: bytes, status: int
) -> None:
    desk = await make_desk()
    await desk.make(**ANYBODY)
    assert (await desk.send(HALF, headers={})).status_code == 202
    assert (await desk.get(f"/v1/hooks/{desk.hook['id']}"))["refused_at"] is None
    refused = await desk.send(body, path, {})
    assert (refused.status_code, refused.headers["retry-after"]) == (status, "60")
    used, summed = await kept(desk)
    assert used == summed > 530_000
    assert reached(refused) == ("unchecked_hook_bytes", 2**20, used)
    [shown] = (await desk.get("/v1/hooks"))["items"]
    assert shown["refused_at"]
    assert shown == await desk.get(f"/v1/hooks/{desk.hook['id']}")
    assert (await desk.send(GENERIC, headers={})).status_code == 202


async def test_a_stranger_who_fills_an_open_hook_takes_no_room_from_the_others(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    await desk.make(**ANYBODY)
    answers = [await desk.send(HALF, headers={}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 503, 503, 503]
    await desk.make()
    assert [(await desk.send(HALF)).status_code for _ in range(3)] == [202, 202, 503]
    assert (await desk.get(f"/v1/hooks/{desk.hook['id']}"))["refused_at"]


async def test_room_is_made_by_dropping_what_was_processed_longest_ago(make_desk: MakeDesk, settings: Settings) -> None:
    desk = await make_desk()
    await desk.make(**ANYBODY)
    first = (await desk.send(GENERIC, headers={})).json()["receipt_id"]
    full = (await desk.send(orjson.dumps(GENERIC | {"text": "x" * 900_000}), headers={})).json()["receipt_id"]
    assert (await desk.send(HALF, headers={})).status_code == 503
    room = Room(settings.hook_bytes, settings.unchecked_hook_bytes)
    await make_room(desk.sessions, room)
    assert {receipt["id"] for receipt in await desk.receipts()} == {first, full}  # what waits is never dropped
    await desk.process()
    newest = (await desk.send(GENERIC, headers={})).json()["receipt_id"]
    await desk.process()
    await make_room(desk.sessions, room)
    assert {receipt["id"] for receipt in await desk.receipts()} == {newest}
    used, summed = await kept(desk)
    assert used == summed
    assert (await desk.send(HALF, headers={})).status_code == 202


async def test_no_more_is_dropped_than_leaves_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "_BATCH", 2)
    sent = [(await desk.post(GENERIC))["id"] for _ in range(9)]
    used, _ = await kept(desk)
    await make_room(desk.sessions, Room(int(used * 5.5 / 9 / payloads._SCARCE), 10**9))
    assert {receipt["id"] for receipt in await desk.receipts()} == set(sent[-5:])


async def test_what_is_kept_is_counted_down_with_what_is_dropped(desk: Desk) -> None:
    await desk.post(GENERIC)
    await desk.post(GENERIC)
    used, summed = await kept(desk)
    assert used == summed > 2_000
    await fetch(desk.sessions, "UPDATE receipts SET received_at = now() - interval '31 days'")
    await desk.send(GENERIC)
    await forget_receipts(desk.sessions)
    used, summed = await kept(desk)
    assert used == summed
    assert len(await desk.receipts()) == 1
    await desk.client.delete(f"/v1/hooks/{desk.hook['id']}", headers=desk.owner)
    assert await fetch(desk.sessions, "SELECT * FROM hook_payloads") == []


async def test_what_waits_is_counted_by_hook_and_by_account_and_never_over_others(make_desk: MakeDesk) -> None:
    busy, other = await make_desk(), await make_desk()
    await other.make()
    for hook in range(3):
        await busy.make()
        for number in range(3):
            if hook < 2:
                assert (await alert(busy, str(number))).status_code == 202
    await fetch(busy.sessions, "UPDATE receipts SET received_at = now() - interval '2 seconds'")
    refused = await alert(busy, "one more")
    assert refused.status_code == 503
    assert reached(refused) == ("hook_backlog", 6, 6)
    assert (await alert(other, "somebody else's")).status_code == 202


async def test_what_hooks_keep_and_what_waits_is_shown_as_used(desk: Desk) -> None:
    await desk.make(**ANYBODY)
    await desk.send(GENERIC, "", {})
    path = f"/v1/accounts/{desk.account_id}/usage"
    quotas = (await desk.client.get(path, headers=desk.owner)).json()["quotas"]
    used = {one["quota"]: (one["value"], one["used"]) for one in quotas}
    hook = (await desk.client.get(f"/v1/hooks/{desk.hook['id']}", headers=desk.owner)).json()
    assert used["hook_bytes"] == (2**21, hook["kept_bytes"])
    assert used["unchecked_hook_bytes"] == (2**20, hook["kept_bytes"])
    assert used["hook_backlog"] == (6, 1)
    assert used["hooks"] == (100, 2)
