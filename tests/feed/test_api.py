"""``GET /v1/events``, ``/stream`` and stream tokens: who sees what, from where, and for how long."""

import asyncio
from typing import Any, Final

import pytest

from app.core.auth import Principal
from app.core.db.engine import Sessions
from app.core.settings import Settings
from app.core.state import State
from app.feed.cursors import cursor_of
from tests.feed.conftest import INTERNAL, Tell, row
from tests.support.actors import make_account, make_engineer, make_key
from tests.support.desk import fetch
from tests.support.stories import Begin, Caller, Story
from tests.support.waiting import PATIENCE

PATH: Final = "/v1/events"
STREAM: Final = "/v1/events/stream"
TOKEN: Final = "/v1/events/stream-token"


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("wati-business-plus")


async def _types(caller: Caller, **params: Any) -> list[str]:
    return [event["type"] for event in (await caller.get(PATH, 200, limit=200, **params))["items"]]


async def test_the_feed_tells_what_the_timeline_tells(story: Story, start: int) -> None:
    ticket = await story.open()
    path = f"/v1/tickets/{ticket['id']}"
    await story.engineer.post(f"{path}/messages", 201, body="We look into it.")
    await story.engineer.post(f"{path}/messages", 201, body="A note.", visibility="internal")
    for caller in (story.customer, story.engineer):
        page = await caller.get(PATH, 200, after=cursor_of(start))
        told = [{name: value for name, value in event.items() if name != "cursor"} for event in page["items"]]
        assert told == await story.events(path, who=caller)
        assert page["next_cursor"] == page["items"][-1]["cursor"] or caller is story.customer
        assert page["has_more"] is False
    again = await story.customer.get(PATH, 200, after=page["next_cursor"])
    assert (again["items"], again["next_cursor"]) == ([], page["next_cursor"])


async def test_an_account_sees_its_own_public_events_only(story: Story, tell: Tell, start: int) -> None:
    account = story.account.account_id
    other = await make_account(story.sessions, story.account.plan)
    await tell(row(account), row(account, data=INTERNAL), row(other.account_id), row("-"))
    after = cursor_of(start)
    assert await _types(story.customer, after=after) == ["webhook.test"]
    assert await _types(story.customer, after=after, account_id=account) == ["webhook.test"]
    everything = ["webhook.test", "expert.accepted", "webhook.test", "webhook.test"]
    assert await _types(story.engineer, after=after) == everything
    assert await _types(story.engineer, after=after, account_id=account) == everything[:2]
    assert await _types(story.engineer, after=after, types=["expert.*", "call.*"]) == ["expert.accepted"]
    answer = await story.customer.send("GET", f"{PATH}?account_id={other.account_id}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    streamed = await story.customer.send("GET", f"{STREAM}?seconds=0&after={after}")
    assert (streamed.text.count("\nevent: "), streamed.text.count("expert.accepted")) == (1, 0)


async def test_an_engineer_of_a_sandbox_sees_that_account_with_its_internal_events(
    story: Story, tell: Tell, start: int
) -> None:
    sandbox = await make_account(story.sessions, story.account.plan, sandbox=True)
    engineer = await make_engineer(story.sessions, account_id=sandbox.account_id)
    key = await make_key(story.sessions, "agent", engineer_id=engineer.id)
    await tell(row(sandbox.account_id, data=INTERNAL, sandbox=True), row(story.account.account_id))
    assert await _types(Caller(story.customer.client, key), after=cursor_of(start)) == ["expert.accepted"]


async def test_a_cursor_of_somebody_else_gives_nothing_of_theirs(story: Story, tell: Tell, start: int) -> None:
    await tell(row("acc_other"), row(story.account.account_id))
    support = await story.engineer.get(PATH, 200, after=cursor_of(start), limit=1)
    page = await story.customer.get(PATH, 200, after=support["next_cursor"])
    assert {event["account_id"] for event in page["items"]} == {story.account.account_id}


@pytest.mark.parametrize("after", ["nonsense", "at-", "WzFd", "at-1%27", "%F0%9F%92%A5", "at-99999999999999999999"])
async def test_a_cursor_that_is_not_of_the_feed_is_refused(story: Story, after: str) -> None:
    for path in (PATH, f"{STREAM}?seconds=0"):
        answer = await story.customer.send("GET", f"{path}{'&' if '?' in path else '?'}after={after}")
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == "#/query/after"
    if after.isascii() and "%" not in after:
        answer = await story.customer.send("GET", f"{STREAM}?seconds=0", last_event_id=after)
        assert answer.json()["errors"][0]["pointer"] == "#/header/last-event-id"


async def test_a_cursor_that_the_feed_does_not_have_is_gone(
    story: Story, sessions: Sessions, state: State, tell: Tell
) -> None:
    await tell()
    start = await state.feed.decided()
    await fetch(sessions, "INSERT INTO feed_marks VALUES (now() - interval '91 days', $1)", start)
    for place in (start - 1, start + 10**6):
        answer = await story.customer.send("GET", f"{PATH}?after={cursor_of(place)}")
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/cursor-gone")
    assert (await story.customer.get(PATH))["next_cursor"] == cursor_of(start)


@pytest.mark.parametrize(
    "wrong",
    ["types=%25", "types=A.b", "ticket_id=x", "sandbox=maybe", "account_id=x", "limit=0", "wait=61", "seconds=-1"],
)
async def test_what_cannot_be_asked_for_is_refused(story: Story, wrong: str) -> None:
    path = STREAM if wrong.startswith("seconds") else PATH
    answers = [await story.engineer.send("GET", f"{path}?{wrong}")]
    if not wrong.startswith(("limit", "wait", "seconds")):
        answers.append(await story.engineer.send("GET", f"{STREAM}?seconds=0&{wrong}"))
    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
        assert answer.json()["errors"][0]["pointer"].startswith(f"#/query/{wrong.partition('=')[0]}")


async def test_who_waits_is_answered_as_soon_as_there_is_something(story: Story) -> None:
    latest = (await story.customer.get(PATH, 200, after="latest"))["next_cursor"]
    waiting = asyncio.create_task(story.customer.get(PATH, 200, after=latest, wait=60))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    ticket = await story.open()
    page = await asyncio.wait_for(waiting, PATIENCE)
    assert {event["ticket_id"] for event in page["items"]} == {ticket["id"]}


async def test_who_asks_for_the_head_alone_does_not_wait(story: Story) -> None:
    latest = (await story.customer.get(PATH, 200, after="latest"))["next_cursor"]
    async with asyncio.timeout(20):
        answer = await story.customer.send("HEAD", f"{PATH}?after={latest}&wait=60")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_who_waits_for_nothing_goes_on_from_a_cursor_all_the_same(story: Story, tell: Tell) -> None:
    latest = (await story.customer.get(PATH, 200, after="latest"))["next_cursor"]
    waiting = asyncio.create_task(story.customer.get(PATH, 200, after=latest, wait=1))
    await asyncio.sleep(0.1)
    await tell(row("acc_other"))
    page = await waiting
    assert (page["items"], page["has_more"]) == ([], False)
    assert page["next_cursor"] != latest


async def test_a_stream_goes_on_behind_the_last_event_id(story: Story, tell: Tell, start: int) -> None:
    account = story.account.account_id
    first, second, third = await tell(row(account), row(account), row(account))
    streamed = await story.customer.send("GET", f"{STREAM}?seconds=0&after={cursor_of(start)}")
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert (streamed.headers["cache-control"], streamed.headers["x-accel-buffering"]) == ("no-store", "no")
    place = cursor_of(start)
    assert streamed.text.startswith(f": cursor {place}\nid: {place}\nretry: 1000\n\nevent: webhook.test\ndata: {{")
    assert [each in streamed.text for each in (first, second, third)] == [True] * 3
    rest = await story.customer.send(
        "GET", f"{STREAM}?seconds=0&after={cursor_of(start)}", last_event_id=cursor_of(start + 2)
    )
    assert [each in rest.text for each in (first, second, third)] == [False, False, True]


async def test_a_stream_that_begins_with_what_comes_says_where_that_is(story: Story, tell: Tell) -> None:
    await tell(row(story.account.account_id))
    newest = (await story.customer.get(PATH, after="latest"))["next_cursor"]
    streamed = await story.customer.send("GET", f"{STREAM}?seconds=0&after=latest")
    assert streamed.text.startswith(f": cursor {newest}\nid: {newest}\nretry: 1000\n\n")


async def test_a_token_opens_one_stream(story: Story, tell: Tell) -> None:
    other = await make_account(story.sessions, story.account.plan)
    mine, _ = await tell(row(story.account.account_id), row(other.account_id))
    made = await story.customer.post(TOKEN, 201)
    [kept] = await fetch(story.sessions, "SELECT * FROM stream_tokens")
    assert made["token"].encode() not in kept["token_hash"]
    client = story.customer.client
    answer = await client.get(f"{STREAM}?seconds=0&token={made['token']}")
    assert (answer.status_code, answer.text.count("\nevent: "), mine in answer.text) == (200, 1, True)
    for token in (
        made["token"],
        "hd_stream_" + "0" * 48,
        "",
        story.customer.key["Authorization"].removeprefix("Bearer "),
    ):
        assert (await client.get(f"{STREAM}?seconds=0&token={token}")).status_code == 401


async def test_a_token_opens_nothing_else_and_is_not_shown_again(story: Story) -> None:
    made, again = [await story.customer.send("POST", TOKEN, Idempotency_Key="once") for _ in "ab"]
    assert (again.status_code, again.headers["idempotency-replayed"], "token" in again.json()) == (201, "true", False)
    client, token = story.customer.client, made.json()["token"]
    assert (await client.get(f"{PATH}?token={token}")).status_code == 401
    assert (await client.get(PATH, headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_a_token_has_the_scopes_of_its_key(story: Story) -> None:
    client, account = story.customer.client, story.account.account_id
    without = Caller(client, await make_key(story.sessions, account_id=account, scopes=["tickets:read"]))
    assert (await without.post(TOKEN, 403))["missing_scope"] == "events:read"
    reader = Caller(client, await make_key(story.sessions, account_id=account, scopes=["events:read"]))
    token = (await reader.post(TOKEN, 201))["token"]
    assert (await client.get(f"{STREAM}?seconds=0&token={token}")).status_code == 200
    token = (await reader.post(TOKEN, 201))["token"]
    await fetch(story.sessions, """UPDATE api_keys SET scopes = '["of-an-earlier-version"]'""")
    assert (await client.get(f"{STREAM}?seconds=0&token={token}")).status_code == 403


async def test_a_token_is_over_after_a_minute_and_with_its_key(story: Story) -> None:
    for over in (
        "UPDATE stream_tokens SET expires_at = expires_at - interval '60 seconds'",
        "UPDATE api_keys SET revoked_at = now()",
    ):
        token = (await story.customer.post(TOKEN, 201))["token"]
        await fetch(story.sessions, over)
        answer = await story.customer.client.get(f"{STREAM}?seconds=0&token={token}")
        assert answer.status_code == 401
    [left] = await fetch(story.sessions, "SELECT count(*) AS tokens FROM stream_tokens")
    assert left["tokens"] == 1  # the one that had expired was dropped when the next one was made


async def test_a_key_opens_only_so_many(story: Story, state: State) -> None:
    key = Principal("account", await _key_id(story), story.account.account_id)
    open_streams = [state.streams.open(key) for _ in range(Settings().streams_per_key)]
    metrics = await story.customer.send("GET", "/metrics")
    assert f"heliodesk_streams {len(open_streams):.1f}" in metrics.text
    for path in (f"{STREAM}?seconds=0", f"{PATH}?wait=1&after=latest"):
        answer = await story.customer.send("GET", path)
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-requests")
        assert int(answer.headers["retry-after"]) > 0
    assert (await story.customer.send("GET", PATH)).status_code == 200
    for each in open_streams:
        state.streams.close(each)


async def _key_id(story: Story) -> str:
    [key] = await fetch(story.sessions, "SELECT id FROM api_keys WHERE account_id = $1", story.account.account_id)
    return str(key["id"])
