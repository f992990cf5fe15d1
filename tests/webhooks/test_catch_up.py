"""Endpoints that pause, over the quota of pending deliveries, and those beyond the quota of endpoints."""

import httpx
import pytest

from app.core.db import Row, Sessions, transaction
from app.core.state import State
from app.webhooks.catch_up import catch_up, leave_behind, pause_over_quota
from app.webhooks.deliver import Sender
from app.webhooks.models import WebhookEndpoint
from app.webhooks.pausing import Waiting, quota_of, to_pause
from tests.support.actors import Headers
from tests.support.desk import fetch
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, event_row
from tests.webhooks.receiver import Receiver

ACCOUNT = "acc_1"
URL = "https://example.com/hook"


def of_ticket(*sequences: int) -> list[Row]:
    return [{**event_row(), "ticket_id": "tkt_1", "sequence": number} for number in sequences]


async def heard(sessions: Sessions, endpoint: WebhookEndpoint) -> set[str]:
    return {one.event_id for one in await deliveries(sessions) if one.endpoint_id == endpoint.id}


async def facts(sessions: Sessions, endpoint: WebhookEndpoint) -> Row:
    (row,) = await fetch(sessions, "SELECT * FROM webhook_endpoints WHERE id = $1", endpoint.id)
    return row


async def caught_up(state: State) -> None:
    for _ in range(20):
        if not await catch_up(state):
            return
    raise AssertionError("it never ends")


@pytest.fixture
def small(state: State, monkeypatch: pytest.MonkeyPatch) -> State:
    """A service in which an account may have ten deliveries pending."""
    monkeypatch.setattr(state.settings, "max_pending_deliveries", 10)
    return state


async def test_over_the_quota_the_fullest_endpoint_pauses_and_says_so(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell, client: httpx.AsyncClient, admin: Headers
) -> None:
    full = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    other = await make_endpoint(URL, ACCOUNT, ["call.ready", "webhook.paused"])
    await tell(*(event_row() for _ in range(10)))
    assert await pause_over_quota(small) == 0, "as many as it may have"
    await tell(event_row(), event_row("call.ready"))
    assert await pause_over_quota(small) == 1
    assert await pause_over_quota(small) == 0, "once"
    shown = (await client.get(f"/v1/webhooks/{full.id}", headers=admin)).json()
    assert (shown["enabled"], shown["version"]) == (True, 1)
    assert shown["paused_at"]
    (told,) = await fetch(sessions, "SELECT id, data FROM events WHERE type = 'webhook.paused'")
    assert told["data"] == {
        "endpoint_id": full.id,
        "url": "https://example.com/",
        "pending": 11,
        "quota": 10,
    }
    assert told["id"] in await heard(sessions, other)
    (event,) = await tell(event_row())
    assert event["id"] not in await heard(sessions, full)
    assert (await facts(sessions, other))["paused_at"] is None


async def test_a_paused_endpoint_is_sent_all_it_missed_in_order_and_resumes(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver
) -> None:
    endpoint = await make_endpoint(receiver.url, ACCOUNT, ["ticket.opened"])
    before = await tell(*of_ticket(*range(1, 12)))
    await pause_over_quota(small)
    missed = await tell(*of_ticket(12, 13))
    await tell(event_row("call.ready"), event_row(audience="internal"), event_row(account_id="acc_2"))
    assert await heard(sessions, endpoint) == {event["id"] for event in before}
    await caught_up(small)
    resumed = await facts(sessions, endpoint)
    assert (resumed["direct"], resumed["paused_at"]) == (True, None)
    assert [
        row["type"]
        for row in await fetch(sessions, "SELECT type FROM events WHERE type LIKE 'webhook.%' ORDER BY position")
    ] == [
        "webhook.paused",
        "webhook.resumed",
    ]
    (later,) = await tell(*of_ticket(14))
    sender = Sender(small)
    while any(one.attempts == 0 for one in await deliveries(sessions)):
        await sender.run_pass()
        await sender.drain()
    await sender.stop()
    assert receiver.ids == [event["id"] for event in [*before, *missed, later]]


async def test_what_a_transaction_recorded_that_had_not_seen_the_resumption_is_made_good(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    await tell(*(event_row() for _ in range(11)))
    await pause_over_quota(small)
    await caught_up(small)
    (unseen,) = await tell()
    await fetch(sessions, "DELETE FROM deliveries WHERE event_id = $1", unseen["id"])
    assert await catch_up(small) == 0, "who has not seen it may still be at work"
    await fetch(sessions, "UPDATE webhook_endpoints SET resumed_at = resumed_at - interval '61 seconds'")
    await caught_up(small)
    assert unseen["id"] in await heard(sessions, endpoint)
    assert (await facts(sessions, endpoint))["behind_from"] is None


async def test_an_endpoint_that_fails_stays_paused_until_nothing_is_pending(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    await tell(*(event_row() for _ in range(11)))
    await pause_over_quota(small)
    await fetch(sessions, "UPDATE webhook_endpoints SET failing_since = now()")
    (missed,) = await tell()
    assert await catch_up(small) == 0
    await fetch(sessions, "UPDATE deliveries SET state = 'failed', next_attempt_at = NULL, queued = false")
    await caught_up(small)
    assert missed["id"] in await heard(sessions, endpoint), "it is tried again, or nobody would know"


async def test_enabling_a_disabled_endpoint_begins_now(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell, client: httpx.AsyncClient, admin: Headers
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    before = await tell(*(event_row() for _ in range(11)))
    await pause_over_quota(small)
    await tell()
    await fetch(sessions, "UPDATE webhook_endpoints SET enabled = false")
    enabled = await client.post(f"/v1/webhooks/{endpoint.id}/enable", headers=admin)
    assert enabled.json()["paused_at"] is None
    await caught_up(small)
    (later,) = await tell()
    assert await heard(sessions, endpoint) == {event["id"] for event in [*before, later]}


async def test_what_recording_costs_is_bounded_however_many_endpoints_there_are(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Endpoints beyond the quota, from before there was one, hear everything a moment later."""
    monkeypatch.setattr(state.settings, "max_endpoints", 2)
    endpoints = [await make_endpoint(URL, ACCOUNT) for _ in range(5)]
    others = await make_endpoint(URL, "acc_2")
    for _ in "ab":
        async with transaction(sessions) as session:
            await leave_behind(session, 2)
    (event, _) = await tell(event_row(), event_row(account_id="acc_2"))
    assert len(await deliveries(sessions)) == 3, "two of one account, one of the other"
    await catch_up(state)
    assert [await heard(sessions, one) for one in endpoints] == [{event["id"]}] * 5
    assert (await facts(sessions, others))["direct"]
    await fetch(sessions, "DELETE FROM webhook_endpoints WHERE id = $1", endpoints[0].id)
    await tell()
    await caught_up(state)
    rows = await fetch(
        sessions, "SELECT count(*) AS number FROM webhook_endpoints WHERE account_id = $1 AND direct", ACCOUNT
    )
    assert rows[0]["number"] == 2, "one takes the place that has become free"


@pytest.mark.parametrize(
    ("pending", "quota", "paused"),
    [
        ({"a": 60, "b": 40}, 100, []),
        ({"a": 61, "b": 40}, 100, ["a"]),
        ({"a": 500, "b": 400, "c": 10}, 100, ["a", "b"]),
        ({"a": 40, "b": 39, "c": 38}, 100, ["a"]),
    ],
)
def test_the_fullest_pause_until_the_others_are_within_the_quota(
    pending: dict[str, int], quota: int, paused: list[str]
) -> None:
    assert to_pause([Waiting(name, number) for name, number in pending.items()], quota) == paused


def test_a_backlog_that_is_paused_already_pauses_no_other() -> None:
    assert to_pause([Waiting("dead", 1000, direct=False), Waiting("well", 40)], 100) == []
    assert to_pause([Waiting("dead", 1000, direct=False), Waiting("next", 60)], 100) == ["next"]
    assert quota_of("-", 100) == 10 * quota_of("acc_1", 100)
