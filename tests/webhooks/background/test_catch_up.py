"""Endpoints that pause, over the quota of pending deliveries, and those beyond the quota of endpoints."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic, wall_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.statements.bulk import Write, write
from app.core.db.tables import Row
from app.core.state import State
from app.events.envelope import NO_ACCOUNT
from app.events.event import Event
from app.events.log import record_last, recorded_in
from app.events.types import WebhookDisabled
from app.webhooks.background import catch_up as catch_ups
from app.webhooks.background.catch_up import CatchingUp, catch_up, leave_behind, pause_over_quota
from app.webhooks.background.deliver import Sender
from app.webhooks.models import WebhookEndpointRow
from app.webhooks.outbox import telling
from app.webhooks.outbox.fanout import fanned_out
from app.webhooks.rules.pausing import BUSY_DIRECT, DIRECT, Loads, Waiting, direct_of, quota_of, to_pause
from tests.support.actors import Headers
from tests.support.desk import fetch, now_of
from tests.support.refusals import reached
from tests.support.waiting import until
from tests.webhooks.conftest import MakeEndpoint, Tell, deliveries, event_row
from tests.webhooks.receiver import Receiver

ACCOUNT = "acc_1"
URL = "https://example.com/hook"


def of_ticket(*sequences: int) -> list[Row]:
    return [{**event_row(), "ticket_id": "tkt_1", "sequence": number} for number in sequences]


async def heard(sessions: Sessions, endpoint: WebhookEndpointRow) -> set[str]:
    return {one.event_id for one in await deliveries(sessions) if one.endpoint_id == endpoint.id}


async def facts(sessions: Sessions, endpoint: WebhookEndpointRow) -> Row:
    (row,) = await fetch(sessions, "SELECT * FROM webhook_endpoints WHERE id = $1", endpoint.id)
    return row


async def caught_up(state: State) -> None:
    for _ in range(20):
        if not await catch_up(state):
            return
    raise AssertionError("it never ends")


async def sent(sessions: Sessions, sender: Sender) -> None:
    """Send until nothing waits for its first attempt."""
    for _ in range(100):
        if all(one.attempts for one in await deliveries(sessions)):
            return
        await sender.run_pass()
        await sender.drain()
    raise AssertionError("it never ends")


async def all_delivered(sessions: Sessions) -> int:
    """Let everything that is pending have been delivered; how many deliveries there are."""
    done = "UPDATE deliveries SET state = 'delivered', next_attempt_at = NULL, queued = false RETURNING id"
    return len(await fetch(sessions, done))


@pytest.fixture
def small(state: State, monkeypatch: pytest.MonkeyPatch) -> State:
    """A service in which an account may have ten deliveries pending."""
    monkeypatch.setattr(state.settings, "max_pending_deliveries", 10)
    return state


async def test_what_a_removed_endpoint_leaves_pauses_no_other(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell, client: httpx.AsyncClient, admin: Headers
) -> None:
    removed, left = [await make_endpoint(URL, ACCOUNT, ["ticket.opened"]) for _ in "ab"]
    await tell(*(event_row() for _ in range(5)))
    await fetch(sessions, "DELETE FROM webhook_endpoints WHERE id = $1", removed.id)
    await tell(*(event_row() for _ in range(2)))
    assert await pause_over_quota(small) == 0
    path, since = f"/v1/webhooks/{left.id}/replay", (await now_of(sessions) - timedelta(hours=1)).isoformat()
    await fetch(sessions, "UPDATE deliveries SET state = 'delivered', queued = false WHERE endpoint_id = $1", left.id)
    assert (await client.post(path, json={"since": since}, headers=admin)).status_code == 202


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
    assert (bool(shown["paused_at"]), shown["paused_reason"]) == (True, "pending_deliveries")
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
    assert (await facts(sessions, endpoint))["paused_at"], "it has enough to do"
    sender = Sender(small)
    await sent(sessions, sender)
    await caught_up(small)
    await sent(sessions, sender)
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
    await sent(sessions, sender)
    await sender.stop()
    assert receiver.ids == [event["id"] for event in [*before, *missed, later]]


async def test_what_a_transaction_recorded_that_had_not_seen_the_resumption_is_made_good(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    await tell(*(event_row() for _ in range(11)))
    await pause_over_quota(small)
    await all_delivered(sessions)
    await caught_up(small)
    assert (await facts(sessions, endpoint))["direct"]
    for number in (1, 3):  # with the next pass, before others of its ticket have gone far
        (unseen, _) = await tell(*of_ticket(number, number + 1))
        await fetch(sessions, "DELETE FROM deliveries WHERE event_id = $1", unseen["id"])
        await caught_up(small)
        assert unseen["id"] in await heard(sessions, endpoint)
        assert (await facts(sessions, endpoint))["behind_from"] is not None, "who has not seen it may still be at work"
        await fetch(sessions, "DELETE FROM deliveries")
    await fetch(sessions, "UPDATE webhook_endpoints SET resumed_at = resumed_at - interval '61 seconds'")
    await caught_up(small)
    assert (await facts(sessions, endpoint))["behind_from"] is None


async def test_what_a_long_transaction_records_that_had_not_seen_the_resumption_is_made_good(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it goes on after it has looked for endpoints, and however late it is recorded."""
    monkeypatch.setattr(catch_ups, "_GRACE", timedelta(0))
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    await tell(event_row("call.ready"))
    await fetch(sessions, "UPDATE webhook_endpoints SET direct = false, behind_from = 0")
    event = event_row()
    async with transaction(sessions) as session:
        record_last(session)
        await write(session, recorded_in(session, [event]), fanned_out([event]))
        await (await driver(session)).execute("SELECT pg_current_xact_id()")  # as with the ticket that it writes
        await caught_up(state)
        assert (await facts(sessions, endpoint))["direct"]
        await caught_up(state)
        assert (await facts(sessions, endpoint))["behind_from"] is not None
    assert await heard(sessions, endpoint) == set()
    await caught_up(state)
    assert await heard(sessions, endpoint) == {event["id"]}
    assert (await facts(sessions, endpoint))["behind_from"] is None


async def test_a_ticket_s_events_keep_their_order_where_one_was_recorded_beside_the_resumption(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell, receiver: Receiver
) -> None:
    """Also where so many are pending that an endpoint that is behind would get no more."""
    await make_endpoint(receiver.url, ACCOUNT, ["ticket.opened"])
    await fetch(sessions, "UPDATE webhook_endpoints SET behind_from = 0, resumed_at = now()")
    events = await tell(*of_ticket(*range(1, 10)))
    await tell(*({**event_row("call.ready"), "ticket_id": "tkt_1", "sequence": n} for n in (10, 11)))
    events += await tell(*of_ticket(12))
    await fetch(sessions, "DELETE FROM deliveries WHERE event_id = $1", events[1]["id"])
    await fetch(sessions, "UPDATE webhook_endpoints SET failing_since = now()")
    sender = Sender(small)
    for _ in "ab":
        await sender.run_pass()
        await sender.drain()
    assert receiver.ids == [events[0]["id"]], "the second has still to be made"
    await caught_up(small)
    await sent(sessions, sender)
    await sender.stop()
    assert receiver.ids == [event["id"] for event in events]


async def test_an_endpoint_that_is_disabled_meanwhile_waits_for_nothing_that_nobody_makes(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    (unmade, _) = await tell(*of_ticket(1, 2))
    await fetch(sessions, "DELETE FROM deliveries WHERE event_id = $1", unmade["id"])
    await fetch(sessions, "UPDATE deliveries SET queued = true, next_attempt_at = now()")
    await fetch(sessions, "UPDATE webhook_endpoints SET behind_from = 0, resumed_at = now(), enabled = false")
    sender = Sender(small)
    await sender.run_pass()
    await sender.stop()
    assert [one.state for one in await deliveries(sessions)] == ["failed"]


async def test_what_tells_of_an_endpoint_is_heard_by_one_that_is_left_behind_meanwhile(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await make_endpoint(URL, ACCOUNT)

    async def left_behind(session: AsyncSession, *writes: Write) -> int:
        written = await write(session, *writes)
        await fetch(
            sessions,
            "UPDATE webhook_endpoints SET direct = false, behind_from = pg_sequence_last_value('events_position_seq')",
        )
        return written

    monkeypatch.setattr(telling, "write", left_behind)
    event = Event(wall_now(), WebhookDisabled(endpoint_id="wh_1", url=URL, reason="It is gone"))
    async with transaction(sessions) as session:
        told = await telling.tell(session, ACCOUNT, event)
    await caught_up(state)
    assert await heard(sessions, other) == {told["id"]}


async def test_an_endpoint_that_a_request_holds_holds_up_nobody_else(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    held, *others = [await make_endpoint(URL, ACCOUNT) for _ in range(BUSY_DIRECT + 2)]
    await fetch(sessions, "UPDATE webhook_endpoints SET direct = false, behind_from = 0 WHERE id <> $1", others[0].id)
    (event,) = await tell()
    loads = Loads()
    loads.add(ACCOUNT, 10_000, monotonic())
    async with transaction(sessions) as session, catching_up(state, loads) as catching:
        await (await driver(session)).execute("SELECT FROM webhook_endpoints WHERE id = $1 FOR UPDATE", held.id)
        await catching.run_pass()
        assert [await heard(sessions, one) for one in (held, *others)] == [set(), *[{event["id"]}] * len(others)]
        assert await catch_up(state) == 0, "it does not try again and again"
    await caught_up(state)
    assert await heard(sessions, held) == {event["id"]}


async def test_a_slow_endpoint_gets_no_more_than_a_few_at_a_time(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    """Also where they wait for an earlier event of their ticket, and so for no slot."""
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    await tell(*of_ticket(*range(1, 12)))
    await pause_over_quota(small)
    await tell(*of_ticket(*range(12, 31)))
    await caught_up(small)
    assert len(await heard(sessions, endpoint)) == 11
    for _ in "ab":
        before = await all_delivered(sessions)
        await caught_up(small)
        waiting = len(await heard(sessions, endpoint)) - before
        assert 5 <= waiting < 10, "while fewer than five wait, at most five more"
        await fetch(sessions, "UPDATE deliveries SET queued = false, next_attempt_at = NULL")
        await caught_up(small)
        assert len(await heard(sessions, endpoint)) == before + waiting
        assert (await facts(sessions, endpoint))["paused_at"]
    await all_delivered(sessions)
    await caught_up(small)
    await all_delivered(sessions)
    await caught_up(small)
    assert len(await heard(sessions, endpoint)) == 30
    assert (await facts(sessions, endpoint))["paused_at"] is None


async def test_a_test_event_of_another_endpoint_is_not_caught_up_with(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell, client: httpx.AsyncClient, admin: Headers
) -> None:
    paused = await make_endpoint(URL, ACCOUNT)
    other = await make_endpoint(URL, ACCOUNT, ["call.ready"])
    await tell(*(event_row() for _ in range(11)))
    await pause_over_quota(small)
    await all_delivered(sessions)
    tested = await client.post(f"/v1/webhooks/{other.id}/test", headers=admin)
    own = await client.post(f"/v1/webhooks/{paused.id}/test", headers=admin)
    await caught_up(small)
    assert tested.json()["event_id"] in await heard(sessions, other)
    assert tested.json()["event_id"] not in await heard(sessions, paused)
    assert own.json()["event_id"] in await heard(sessions, paused)


async def test_a_replay_passes_nothing_by_that_will_be_caught_up_with(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell, client: httpx.AsyncClient, admin: Headers
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    (sent,) = await tell(*of_ticket(1))
    await fetch(
        sessions,
        "UPDATE webhook_endpoints SET direct = false, behind_from = pg_sequence_last_value('events_position_seq')",
    )
    later = await tell(*of_ticket(2, 3))
    since = (await now_of(sessions) - timedelta(hours=1)).isoformat()
    answer = await client.post(f"/v1/webhooks/{endpoint.id}/replay", json={"since": since}, headers=admin)
    assert (answer.status_code, answer.json()["events"]) == (202, 1)
    assert await heard(sessions, endpoint) == {sent["id"]}
    await caught_up(small)
    assert await heard(sessions, endpoint) == {event["id"] for event in (sent, *later)}


@pytest.mark.usefixtures("small")
async def test_a_replay_is_refused_where_it_would_exceed_the_quota(
    sessions: Sessions, make_endpoint: MakeEndpoint, tell: Tell, client: httpx.AsyncClient, admin: Headers
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    await tell(*(event_row() for _ in range(9)))
    path = f"/v1/webhooks/{endpoint.id}"
    assert (await client.post(f"{path}/test", headers=admin)).status_code == 201, (
        "so that somebody can see what is wrong"
    )
    since = {"since": (await now_of(sessions) - timedelta(hours=1)).isoformat()}
    assert reached(await client.post(f"{path}/replay", json=since, headers=admin)) == ("pending_deliveries", 10, 10)
    await fetch(sessions, "UPDATE deliveries SET state = 'failed' WHERE id = (SELECT max(id) FROM deliveries)")
    ended = next(one for one in await deliveries(sessions) if one.state == "failed")
    again = [await client.post(f"/v1/deliveries/{ended.id}/redeliver", headers=admin) for _ in "ab"]
    assert [answer.status_code for answer in again] == [200, 200], "one by one it is somebody's own choice"
    await fetch(sessions, "UPDATE deliveries SET state = 'delivered', next_attempt_at = NULL")
    assert (await client.post(f"{path}/replay", json=since, headers=admin)).status_code == 202


async def test_an_endpoint_that_fails_stays_paused_until_nothing_is_pending(
    sessions: Sessions, small: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT, ["ticket.opened"])
    await tell(*(event_row() for _ in range(11)))
    await pause_over_quota(small)
    await fetch(sessions, "UPDATE deliveries SET attempts = 1")
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
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    """Endpoints beyond the fiftieth of their owner hear everything a moment later."""
    endpoints = [await make_endpoint(URL, ACCOUNT) for _ in range(DIRECT + 3)]
    others = await make_endpoint(URL, "acc_2")
    (event, _) = await tell(event_row(), event_row(account_id="acc_2"))
    assert len(await deliveries(sessions)) == DIRECT + 1, "fifty of one account, one of the other"
    await catch_up(state)
    assert [await heard(sessions, one) for one in endpoints] == [{event["id"]}] * len(endpoints)
    assert (await facts(sessions, others))["direct"]
    await fetch(sessions, "DELETE FROM webhook_endpoints WHERE id = $1", endpoints[0].id)
    await tell()
    await caught_up(state)
    assert await _direct(sessions) == DIRECT, "one takes the place that has become free"


async def test_endpoints_that_an_earlier_version_sent_to_directly_are_left_behind(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoints = [await make_endpoint(URL, ACCOUNT) for _ in range(DIRECT + 3)]
    await fetch(sessions, "UPDATE webhook_endpoints SET direct = true, behind_from = NULL")
    for _ in "ab":
        async with transaction(sessions) as session:
            await leave_behind(session)
    assert await _direct(sessions) == DIRECT
    (event,) = await tell()
    await catch_up(state)
    assert [await heard(sessions, one) for one in endpoints] == [{event["id"]}] * len(endpoints)


async def test_an_endpoint_that_is_enabled_again_takes_no_place_that_another_has(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell, client: httpx.AsyncClient, admin: Headers
) -> None:
    first = await make_endpoint(URL, ACCOUNT)
    await fetch(sessions, "UPDATE webhook_endpoints SET enabled = false")
    for _ in range(DIRECT):
        await make_endpoint(URL, ACCOUNT)
    assert (await client.post(f"/v1/webhooks/{first.id}/enable", headers=admin)).status_code == 200
    assert await _direct(sessions) == DIRECT
    (event,) = await tell()
    await caught_up(state)
    assert await heard(sessions, first) == {event["id"]}


async def test_while_an_owner_is_busy_twenty_of_its_endpoints_are_sent_to_directly(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoints = [await make_endpoint(URL, ACCOUNT) for _ in range(BUSY_DIRECT + 3)]
    loads = Loads()
    assert await _directly_after_a_pass(sessions, state, loads) == len(endpoints)
    loads.add(ACCOUNT, 10_000, monotonic())
    assert await _directly_after_a_pass(sessions, state, loads) == BUSY_DIRECT
    (event,) = await tell()
    assert len(await deliveries(sessions)) == BUSY_DIRECT
    assert await _directly_after_a_pass(sessions, state, loads) == BUSY_DIRECT, "it is busy still"
    assert [await heard(sessions, one) for one in endpoints] == [{event["id"]}] * len(endpoints)
    await tell()
    assert await _directly_after_a_pass(sessions, state, Loads()) == len(endpoints)


async def test_a_busy_owner_rests_after_its_turn_and_holds_up_nobody_else(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoints = [await make_endpoint(URL, ACCOUNT) for _ in range(BUSY_DIRECT + 1)]
    other = await make_endpoint(URL, "acc_2")
    await fetch(sessions, "UPDATE webhook_endpoints SET direct = false, behind_from = 0 WHERE id = $1", other.id)
    loads = Loads()
    loads.add(ACCOUNT, 10_000, monotonic())
    async with catching_up(state, loads) as catching:
        for _ in "ab":
            await catching.run_pass()
        await tell(event_row(), event_row(account_id="acc_2"))
        await catching.run_pass()
    assert [bool(await heard(sessions, one)) for one in (endpoints[0], endpoints[-1], other)] == [True, False, True]


async def test_a_busy_owner_is_woken_when_its_rest_is_over(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoints = [await make_endpoint(URL, ACCOUNT) for _ in range(BUSY_DIRECT + 1)]
    loads = Loads()
    loads.add(ACCOUNT, 10_000, monotonic())
    before = state.wake_ups.behind.rings
    async with catching_up(state, loads, rest=0.1) as catching:
        await catching.run_pass()
        (event,) = await tell()
        await until(lambda: state.wake_ups.behind.rings > before)
        await catching.run_pass()
    assert await heard(sessions, endpoints[-1]) == {event["id"]}


async def test_of_the_operators_endpoints_more_are_sent_to_directly(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoints = [await make_endpoint(URL, None) for _ in range(direct_of(NO_ACCOUNT) + 1)]
    (event,) = await tell()
    assert [await heard(sessions, one) for one in (endpoints[0], endpoints[-2], endpoints[-1])] == [
        {event["id"]},
        {event["id"]},
        set(),
    ]
    await catch_up(state)
    assert await heard(sessions, endpoints[-1]) == {event["id"]}


async def test_events_wake_the_job_while_an_endpoint_is_behind(
    sessions: Sessions, state: State, make_endpoint: MakeEndpoint, tell: Tell
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT)
    await fetch(sessions, "UPDATE webhook_endpoints SET direct = false, behind_from = 0, paused_at = now()")
    async with catching_up(state, Loads()) as catching:
        while await catching.run_pass():
            pass
        before = state.wake_ups.behind.rings
        (event,) = await tell()
        state.wake_ups.events.ring()
        await until(lambda: state.wake_ups.behind.rings > before)
        await catching.run_pass()
    assert event["id"] in await heard(sessions, endpoint)


def test_an_owner_is_busy_until_what_its_events_made_could_have_been_made_calmly() -> None:
    loads = Loads()
    assert not loads.add(ACCOUNT, 399, now=0.0)
    assert loads.add(ACCOUNT, 401, now=0.0)
    assert not loads.add("acc_2", 100, now=0.0)
    assert not loads.add(ACCOUNT, 200, now=1.0), "it is no news"
    assert loads.busy(now=2.4) == {ACCOUNT}
    assert loads.busy(now=2.6) == set()
    assert loads.add(ACCOUNT, 400, now=6.0)
    assert not loads.add(NO_ACCOUNT, 10_000, now=6.0), "what the operators' endpoints cost, no customer decides"


@asynccontextmanager
async def catching_up(state: State, loads: Loads, rest: float = 1_000_000) -> AsyncIterator[CatchingUp]:
    catching = CatchingUp(state, loads, rest=rest)
    yield catching
    await catching.stop()


async def _directly_after_a_pass(sessions: Sessions, state: State, loads: Loads) -> int:
    async with catching_up(state, loads) as catching:
        await catching.run_pass()
    return await _direct(sessions)


async def _direct(sessions: Sessions) -> int:
    statement = "SELECT count(*) AS number FROM webhook_endpoints WHERE account_id = $1 AND direct"
    return int((await fetch(sessions, statement, ACCOUNT))[0]["number"])


async def test_an_endpoint_that_never_answers_gathers_no_more_than_a_hundred_tests(
    sessions: Sessions, make_endpoint: MakeEndpoint, client: httpx.AsyncClient, admin: Headers
) -> None:
    endpoint = await make_endpoint(URL, ACCOUNT)
    path = f"/v1/webhooks/{endpoint.id}/test"
    await client.post(path, headers=admin)
    await fetch(
        sessions,
        "INSERT INTO deliveries (account_id, id, endpoint_id, event_id, owner_id)"
        " SELECT account_id, 'dlv_' || n, endpoint_id, event_id, owner_id FROM deliveries, generate_series(1, 98) AS n",
    )
    answers = [await client.post(path, headers=admin) for _ in "ab"]
    assert [answer.status_code for answer in answers] == [201, 409]


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
