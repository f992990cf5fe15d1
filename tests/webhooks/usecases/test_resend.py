"""What became of a delivery, and sending again: its attempts, one delivery, a period."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web
from orjson import loads

from app.accounts.models import AccountRow
from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.state import State
from app.webhooks.background.deliver import Sender
from app.webhooks.outbox import attempts
from app.webhooks.outbox.attempts import DeliveryOutcome
from app.webhooks.outbox.claims import claim
from app.webhooks.outbox.outcomes import ATTEMPTS_KEPT, record_outcomes
from app.webhooks.rules.sharing import Share
from app.webhooks.usecases import resend
from tests.support.actors import Headers, make_account, make_key, make_plan
from tests.support.desk import fetch
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, delivery, event_row
from tests.webhooks.receiver import Receiver, status

LEASE = timedelta(seconds=30)
LONG_AGO = "1971-01-01T00:00:00Z"
_RECORD = "UPDATE events SET recorded_at = $2 WHERE id = $1"


@pytest.fixture
async def account(sessions: Sessions) -> AccountRow:
    return await make_account(sessions, await make_plan(sessions, "gold"))


@pytest.fixture
async def editor(sessions: Sessions, account: AccountRow) -> Headers:
    return await make_key(sessions, account_id=account.account_id, role="editor")


@pytest.fixture
async def sender(state: State) -> AsyncIterator[Sender]:
    sender = Sender(state)
    yield sender
    await sender.stop()


async def send_all(sender: Sender, now: datetime | None = None) -> None:
    while await sender.run_pass(now):
        await sender.drain()


async def replayed(client: httpx.AsyncClient, headers: Headers, endpoint_id: str, **period: Any) -> httpx.Response:
    body = {"since": (wall_now() - timedelta(days=1)).isoformat()} | period
    return await client.post(f"/v1/webhooks/{endpoint_id}/replay", json=body, headers=headers)


def of_ticket(account_id: str, *sequences: int, ticket: str = "tkt_1") -> list[Row]:
    return [{**event_row(account_id=account_id), "ticket_id": ticket, "sequence": number} for number in sequences]


async def test_every_attempt_can_be_read_also_those_before_a_redelivery(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, sender: Sender, tell: Tell, sessions: Sessions
) -> None:
    made = (await client.post("/v1/webhooks", json={"url": receiver.url}, headers=admin)).json()

    async def answer(_: web.Request) -> web.Response:
        headers = {"Content-Type": "text/x-oops", "Retry-After": "7", "X-More": "1", "Server": "x" * 500}
        return web.Response(status=503, body=b"busy \x00\xff", headers=headers)

    receiver.answer = answer
    (event,) = await tell()
    await send_all(sender)
    failed = await delivery(sessions)
    receiver.answer = status(204)
    await send_all(sender, failed.next_attempt_at)
    await client.post(f"/v1/deliveries/{failed.id}/redeliver", headers=admin)
    await send_all(sender)
    shown = (await client.get(f"/v1/deliveries/{failed.id}", headers=admin)).json()
    assert (shown["event_id"], shown["state"], shown["attempt_count"]) == (event["id"], "delivered", 1)
    first, second, third = shown["attempts"]
    assert shown["last_attempt"] == third
    assert (first["status"], first["error"], first["answer"]) == (503, None, "busy \ufffd\ufffd")
    assert first["answer_headers"] == {"content-type": "text/x-oops", "retry-after": "7", "server": "x" * 256}
    assert datetime.fromisoformat(first["next_attempt_at"]) == failed.next_attempt_at
    assert [(one["status"], one["next_attempt_at"]) for one in (second, third)] == [(204, None)] * 2
    for attempt, message in zip(shown["attempts"], receiver.messages, strict=True):
        assert attempt["request_headers"] == message.headers
        assert message.verified(made["secret"])
        assert attempt["duration_ms"] > 0
    assert made["secret"] not in str(shown)


def test_a_header_that_is_not_text_is_kept_storable() -> None:
    assert attempts._header("a\udcffb") == "a\ufffdb"


async def test_an_attempt_without_an_answer_is_kept_with_what_was_to_be_sent(
    client: httpx.AsyncClient, admin: Headers, make_endpoint: MakeEndpoint, sender: Sender, tell: Tell
) -> None:
    await make_endpoint("http://10.0.0.1/")
    (event,) = await tell()
    await send_all(sender)
    (item,) = (await client.get(f"/v1/webhooks/{(await listed(client, admin))}/deliveries", headers=admin)).json()[
        "items"
    ]
    (attempt,) = (await client.get(f"/v1/deliveries/{item['id']}", headers=admin)).json()["attempts"]
    assert attempt["request_headers"]["webhook-id"] == event["id"]
    assert "connections are not allowed" in attempt["error"]
    assert (attempt["status"], attempt["answer"], attempt["answer_headers"]) == (None, None, {})


async def listed(client: httpx.AsyncClient, headers: Headers) -> str:
    (endpoint,) = (await client.get("/v1/webhooks", headers=headers)).json()["items"]
    return str(endpoint["id"])


async def test_the_newest_attempts_are_kept(sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell) -> None:
    await make_endpoint("https://example.com")
    await tell()
    now = wall_now() + timedelta(seconds=1)
    for number in range(ATTEMPTS_KEPT + 5):
        async with transaction(sessions) as session:
            (held,) = await claim(session, Share(1, 1), lease=LEASE, now=now)
            await record_outcomes(
                session, [DeliveryOutcome(held, "pending", 1, {"number": number}, next_attempt_at=now)]
            )
    (row,) = await fetch(sessions, "SELECT earlier_attempts || last_attempt AS kept FROM deliveries")
    assert [one["number"] for one in row["kept"]] == list(range(5, ATTEMPTS_KEPT + 5))


async def test_a_period_is_sent_again_in_order_with_the_same_ids(
    client: httpx.AsyncClient, editor: Headers, account: AccountRow, receiver: Receiver, sender: Sender, tell: Tell
) -> None:
    """What was delivered, what failed, and what it never got because it was disabled or not there yet."""
    mine = account.account_id
    before = await tell(*of_ticket(mine, 1, 2))
    made = await client.post("/v1/webhooks", json={"url": receiver.url, "events": ["ticket.*"]}, headers=editor)
    endpoint_id = made.json()["id"]
    delivered = await tell(*of_ticket(mine, 3), event_row("call.ready", mine), event_row(account_id="acc_2"))
    await tell(event_row(account_id=mine, audience="internal"))
    await send_all(sender)
    receiver.answer = status(410)
    failed = await tell(*of_ticket(mine, 4))
    await send_all(sender)
    missed = await tell(*of_ticket(mine, 5, 6))
    assert (await replayed(client, editor, endpoint_id)).status_code == 409, "disabled"
    await client.post(f"/v1/webhooks/{endpoint_id}/enable", headers=editor)
    receiver.answer = status(204)
    receiver.messages.clear()
    answer = await replayed(client, editor, endpoint_id)
    assert (answer.status_code, answer.json()["events"]) == (202, 6)
    await send_all(sender)
    assert receiver.ids == [event["id"] for event in [*before, delivered[0], *failed, *missed]]
    assert [loads(message.body)["sequence"] for message in receiver.messages] == [1, 2, 3, 4, 5, 6]


async def test_an_operators_endpoint_gets_every_accounts_events_again_and_no_test_of_another(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, sender: Sender, tell: Tell
) -> None:
    mine, other = [(await client.post("/v1/webhooks", json={"url": receiver.url}, headers=admin)).json() for _ in "ab"]
    tests = [await client.post(f"/v1/webhooks/{one['id']}/test", headers=admin) for one in (mine, other)]
    told = await tell(event_row(account_id="acc_2"), event_row(audience="internal"))
    await client.delete(f"/v1/webhooks/{other['id']}", headers=admin)
    await send_all(sender)
    receiver.messages.clear()
    assert (await replayed(client, admin, mine["id"])).json()["events"] == 3
    await send_all(sender)
    assert set(receiver.ids) == {tests[0].json()["event_id"], *(event["id"] for event in told)}


async def test_a_replay_leaves_alone_what_is_on_its_way_and_takes_what_waits_for_a_retry(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, sender: Sender, tell: Tell, sessions: Sessions
) -> None:
    endpoint_id = (await client.post("/v1/webhooks", json={"url": receiver.url}, headers=admin)).json()["id"]
    receiver.answer = status(500)
    (waiting,) = await tell()
    await send_all(sender)
    (under_way,) = await tell()
    async with transaction(sessions) as session:
        (held,) = await claim(session, Share(1, 1), lease=LEASE)
    assert (await replayed(client, admin, endpoint_id)).json()["events"] == 2
    receiver.answer = status(204)
    await send_all(sender)
    assert receiver.ids == [waiting["id"]] * 2
    async with transaction(sessions) as session:
        await record_outcomes(session, [DeliveryOutcome(held, "delivered", 1, {})])
    assert {(one.event_id, one.state) for one in await deliveries(sessions)} == {
        (waiting["id"], "delivered"),
        (under_way["id"], "delivered"),
    }


async def test_a_replay_waits_for_nobody_who_records(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, tell: Tell, sessions: Sessions, sender: Sender
) -> None:
    endpoint_id = (await client.post("/v1/webhooks", json={"url": receiver.url}, headers=admin)).json()["id"]
    await tell(event_row(), event_row())
    await send_all(sender)
    (one, _) = await deliveries(sessions)
    async with transaction(sessions) as session:
        await (await driver(session)).execute("SELECT FROM deliveries WHERE id = $1 FOR UPDATE", one.id)
        assert (await replayed(client, admin, endpoint_id)).json()["events"] == 2
    assert sorted(each.state for each in await deliveries(sessions)) == ["delivered", "pending"]


async def test_only_the_period_is_sent_again(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, tell: Tell, sessions: Sessions
) -> None:
    events = await tell(*(event_row() for _ in range(4)))
    endpoint_id = (await client.post("/v1/webhooks", json={"url": receiver.url}, headers=admin)).json()["id"]
    start = wall_now() - timedelta(hours=3)
    async with transaction(sessions) as session:
        for number, event in enumerate(events):
            await (await driver(session)).execute(_RECORD, event["id"], start + timedelta(hours=number))
    period = {"since": (start + timedelta(hours=1)).isoformat(), "until": (start + timedelta(hours=3)).isoformat()}
    assert (await replayed(client, admin, endpoint_id, **period)).json()["events"] == 2
    assert {one.event_id for one in await deliveries(sessions)} == {event["id"] for event in events[1:3]}


async def test_what_is_looked_at_for_a_period_is_bounded(
    client: httpx.AsyncClient, account: AccountRow, editor: Headers, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"url": "https://example.com", "events": ["ticket.withdrawn"]}
    endpoint_id = (await client.post("/v1/webhooks", json=made, headers=editor)).json()["id"]
    monkeypatch.setattr(resend, "MAX_LOOKED_AT", 2)
    await tell(*(event_row() for _ in range(5)), *(event_row(account_id=account.account_id) for _ in range(2)))
    assert (await replayed(client, editor, endpoint_id)).json()["events"] == 0
    await tell(event_row(account_id=account.account_id))
    refused = await replayed(client, editor, endpoint_id)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/since")
    period = {"since": "2020-01-01T00:00:00Z", "until": "2020-01-31T00:00:00Z"}
    assert (await replayed(client, editor, endpoint_id, **period)).json()["events"] == 0, "others are not looked at"


@pytest.mark.parametrize("gap", [1, 1000])
async def test_the_events_of_a_period_are_found_by_their_places(sessions: Sessions, tell: Tell, gap: int) -> None:
    start = wall_now() - timedelta(days=40)
    for number in range(20):
        (event,) = await tell(event_row())
        await fetch(sessions, "SELECT setval('events_position_seq', (SELECT max(position) FROM events) + $1)", gap)
        await fetch(sessions, _RECORD, event["id"], start + timedelta(days=number))
    for days in range(-2, 22):
        async with transaction(sessions) as session:
            connection = await driver(session)
            place = await connection.fetchval(resend._PLACE, start + timedelta(days=days), timedelta(hours=-1))
            before = await connection.fetchval("SELECT count(*) FROM events WHERE position < $1", place)
        assert before == min(max(days, 0), 20)


async def test_a_repeated_replay_is_answered_and_not_made(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, tell: Tell, sender: Sender
) -> None:
    await tell()
    endpoint_id = (await client.post("/v1/webhooks", json={"url": receiver.url}, headers=admin)).json()["id"]
    once = admin | {"Idempotency-Key": "again"}
    period = {"since": (wall_now() - timedelta(days=1)).isoformat()}
    answers = []
    for _ in range(2):
        answers.append(await replayed(client, once, endpoint_id, **period))
        await send_all(sender)
    assert answers[0].json() == answers[1].json()
    assert len(receiver.messages) == 1


@pytest.mark.parametrize(
    "period",
    [
        {"since": LONG_AGO},
        {"since": "2026-11-20T10:00:00Z", "until": "2026-11-20T10:00:00Z"},
        {"since": "2026-11-20T10:00:00Z", "until": "2026-12-21T10:00:01Z"},
        {"since": "yesterday"},
        {"since": None},
    ],
)
async def test_a_faulty_period_is_refused(client: httpx.AsyncClient, admin: Headers, period: dict[str, Any]) -> None:
    endpoint_id = (await client.post("/v1/webhooks", json={"url": "https://example.com"}, headers=admin)).json()["id"]
    answer = await replayed(client, admin, endpoint_id, **period)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/since")


async def test_too_many_events_are_refused_with_their_number(
    client: httpx.AsyncClient, admin: Headers, tell: Tell, monkeypatch: pytest.MonkeyPatch, sessions: Sessions
) -> None:
    endpoint_id = (await client.post("/v1/webhooks", json={"url": "https://example.com"}, headers=admin)).json()["id"]
    await tell(*(event_row() for _ in range(3)))
    monkeypatch.setattr(resend, "MAX_EVENTS", 2)
    answer = await replayed(client, admin, endpoint_id)
    assert answer.status_code == 422
    assert "3 events" in answer.json()["errors"][0]["detail"]
    assert {one.attempts for one in await deliveries(sessions)} == {0}
