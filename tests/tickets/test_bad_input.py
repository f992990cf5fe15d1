"""Input that nothing behind the API can hold is refused with a clear 4xx, never a 500."""

from base64 import urlsafe_b64encode
from typing import Any

import orjson
import pytest

from app.tickets.read.ways import MAX_NAMED
from tests.support.stories import TICKET, Begin, Caller, Story, path_of, pointers


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("zmanda-standard")


async def raw(caller: Caller, body: bytes, path: str = "/v1/tickets") -> tuple[int, str]:
    headers = caller.key | {"content-type": "application/json"}
    answer = await caller.client.post(path, content=body, headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"title": "a\0b"}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 301}, "/title"),
        ({"title": 7}, "/title"),
        ({"description": "x" * 50_001}, "/description"),
        ({"requester": {"name": "Ana"}}, "/requester/email"),
        ({"requester": {"name": "Ana", "email": "ana"}}, "/requester/email"),
        ({"requester": {"name": "Ana\0", "email": "ana@example.com"}}, "/requester/name"),
        ({"tags": ["a\0"]}, "/tags/0"),
        ({"tags": ["x"] * 51}, "/tags"),
        ({"tags": "backup"}, "/tags"),
        ({"custom": {"n": 2**63}}, "/custom"),
        ({"custom": {"n": -(2**63)}}, "/custom"),
        ({"custom": {str(n): n for n in range(51)}}, "/custom"),
        ({"custom": {"a\0": 1}}, "/custom"),
        ({"custom": {"a": ["list"]}}, "/custom/a"),
        ({"custom": {"a": "x" * 2001}}, "/custom/a"),
        ({"custom": {"x" * 41: 1}}, "/custom"),
        ({"channel": "fax"}, "/channel"),
        ({"impact": "huge"}, "/impact"),
        ({"environment": "staging"}, "/environment"),
        ({"priority": "P9"}, "/priority"),
        ({"priority": "\n"}, "/priority"),
        ({"call_link": "javascript:alert(1)"}, "/call_link"),
        ({"call_link": "https://me:secret@example.com"}, "/call_link"),
        ({"external_ref": "x" * 101}, "/external_ref"),
        ({"follow_up_of": "tkt_"}, "/follow_up_of"),
        ({"account_id": "acc_"}, "/account_id"),
        ({"status": "open"}, "/status"),
        ({"id": "tkt_1"}, "/id"),
    ],
    ids=str,
)
async def test_each_place_is_named(story: Story, change: dict[str, Any], place: str) -> None:
    problem = await story.customer.post("/v1/tickets", 422, **TICKET | change)
    assert problem["type"] == "/problems/invalid-input"
    assert pointers(problem)
    assert all(found.startswith(place) for found in pointers(problem))


async def test_lone_surrogates_and_broken_json(story: Story) -> None:
    whole = orjson.dumps(TICKET)
    assert await raw(story.customer, whole.replace(b"Backups", b"\\ud800")) == (400, "bad-request")
    assert await raw(story.customer, whole.replace(b"Backups", b"\xed\xa0\x80")) == (400, "bad-request")
    assert await raw(story.customer, whole[:-1]) == (400, "bad-request")
    assert await raw(story.customer, whole.replace(b'"Backups fail"', b"NaN")) == (400, "bad-request")
    assert await raw(story.customer, b"[" * 500 + b"]" * 500) == (422, "invalid-input")
    assert await raw(story.customer, b"null") == (422, "invalid-input")
    assert await raw(story.customer, b"") == (422, "invalid-input")


async def test_a_million_tags(story: Story) -> None:
    assert await raw(story.customer, orjson.dumps(TICKET | {"tags": ["x"] * 10**6})) == (413, "payload-too-large")
    assert await raw(story.customer, orjson.dumps(TICKET | {"tags": [""] * 300_000})) == (422, "invalid-input")
    assert await raw(story.customer, orjson.dumps(TICKET | {"tags": [[]] * 300_000})) == (422, "invalid-input")


async def test_numbers_beyond_64_bits(story: Story) -> None:
    body = orjson.dumps(TICKET | {"custom": {"n": 12345}})
    for digits in (b"1" * 20, b"1" * 5000, b"1e400", b"-1e400"):
        status, _ = await raw(story.customer, body.replace(b"12345", digits))
        assert status in (201, 400, 422), digits


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"due_before": "10000-01-01T00:00:00Z"}, "#/query/due_before"),
        ({"due_before": "0001-01-01T00:00:00Z"}, "#/query/due_before"),
        ({"due_before": "9999-12-31T23:59:59-23:59"}, "#/query/due_before"),
        ({"due_before": "2026-11-21"}, "#/query/due_before"),
        ({"updated_since": "2026-11-21T10:00:00"}, "#/query/updated_since"),
        ({"updated_since": "infinity"}, "#/query/updated_since"),
        ({"status": "lost"}, "#/query/status/0"),
        ({"priority": "P 1"}, "#/query/priority/0"),
        ({"q": "a\0b"}, "#/query"),
        ({"external_ref": "\0"}, "#/query"),
        ({"tier": 10**30}, "#/query/tier"),
        ({"limit": 201}, "#/query/limit"),
        ({"limit": 0}, "#/query/limit"),
        ({"sort": "title"}, "#/query/sort"),
        ({"assignee_id": "noor"}, "#/query/assignee_id"),
        ({"account_id": "'; DROP TABLE tickets"}, "#/query/account_id"),
    ],
    ids=str,
)
async def test_bad_filters(story: Story, params: dict[str, Any], place: str) -> None:
    assert pointers(await story.engineer.get("/v1/tickets", 422, **params)) == [place]


BROKEN = [
    b"",
    b"nonsense",
    b"[]",
    b"{}",
    b'["a"]',
    b"[null, null]",
    b'["2026-11-21T10:00:00", "x"]',
    b'["0001-01-01T00:00:00", "x"]',
    b'["0001-01-01T00:00:00+14:00", "x"]',
    b'["9999-12-31T23:59:59-14:00", "x"]',
    b'[1e30, "x"]',
    b'["2026-11-21T10:00:00Z", "\\u0000"]',
    b"[1e30]",
    b"[99999999999]",
    b"[12345678901234567890123]",
    b"[-1]",
]


@pytest.mark.parametrize("content", BROKEN, ids=str)
async def test_broken_cursors(story: Story, content: bytes) -> None:
    """Whatever a cursor holds, it is either a place or refused."""
    path = path_of(await story.open())
    cursor = urlsafe_b64encode(content).decode()
    lists = [f"/v1/tickets?sort={sort}&" for sort in ("created", "updated", "due")]
    for where in (*lists, f"{path}/messages?", f"{path}/timeline?", f"{path}/deadlines?"):
        answer = await story.engineer.send("GET", f"{where}cursor={cursor}")
        assert answer.status_code in (200, 422), (where, content, answer.text)
        if answer.status_code == 422:
            assert pointers(answer.json()) == ["#/query/cursor"]


@pytest.mark.parametrize("cursor", ["é", "====", "a", "x" * 1001, "%F0%9F%98%80"])
async def test_cursors_that_are_none(story: Story, cursor: str) -> None:
    answer = await story.engineer.send("GET", f"/v1/tickets?cursor={cursor}")
    assert (answer.status_code, pointers(answer.json())) == (422, ["#/query/cursor"])


@pytest.mark.parametrize("ticket_id", ["x", "tkt_", "tkt_%00", "acc_01k9z3v5q8e9rbn3wz4m6t7y2a", "%ED%A0%80"])
async def test_ids_that_are_none(story: Story, ticket_id: str) -> None:
    for path in ("", "/timeline", "/messages", "/call"):
        answer = await story.engineer.send("GET", f"/v1/tickets/{ticket_id}{path}")
        assert answer.status_code in (404, 422)
    answer = await story.engineer.send("POST", f"/v1/tickets/{ticket_id}/messages", {"body": "Hello"})
    assert answer.status_code in (404, 422)
    answer = await story.engineer.send("POST", f"/v1/escalations/{ticket_id}/acknowledge", {})
    assert answer.status_code in (404, 422)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("messages", {"body": ""}),
        ("messages", {"body": "x" * 50_001}),
        ("messages", {"body": "a\0"}),
        ("messages", {"body": "a", "author": {"kind": "service"}}),
        ("messages", {"body": "a", "visibility": "secret"}),
        ("status", {"status": "lost"}),
        ("status", {"status": "open", "message": " "}),
        ("priority", {"priority": "P1", "reason": ""}),
        ("priority", {"priority": "P1", "reason": "x" * 5001}),
        ("assign", {"tier": 0}),
        ("assign", {"tier": 2**70}),
        ("call/join", {"participant": "nobody"}),
        ("call/decline", {}),
        ("call", {"provider": "meet"}),
    ],
    ids=str,
)
async def test_bad_actions(story: Story, action: str, body: dict[str, Any]) -> None:
    path = path_of(await story.open())
    assert (await story.engineer.post(f"{path}/{action}", 422, **body))["type"] == "/problems/invalid-input"
    assert (await story.engineer.get(path))["version"] == 1


@pytest.mark.parametrize("name", ["status", "priority"])
async def test_a_list_is_asked_for_a_bounded_number_of_values(story: Story, name: str) -> None:
    value = {"status": "open", "priority": "P1"}[name]
    refused = await story.customer.get("/v1/tickets", 422, **{name: [value] * (MAX_NAMED + 1)})
    assert pointers(refused) == [f"#/query/{name}"]
    assert (await story.customer.get("/v1/tickets", **{name: [value] * MAX_NAMED}))["items"] == []


async def test_all_that_is_wrong_with_a_query_is_told_at_once(story: Story) -> None:
    asked: dict[str, Any] = {"limit": 0, "tier": 0, "status": "lost"}
    answer = await story.customer.client.get("/v1/tickets", params=asked, headers=story.customer.key)
    assert answer.status_code == 422
    assert sorted(pointers(answer.json())) == ["#/query/limit", "#/query/status/0", "#/query/tier"]


async def test_who_shows_no_key_is_told_that_before_what_is_wrong(story: Story) -> None:
    answer = await story.customer.client.get("/v1/tickets", params={"limit": 0})
    assert answer.status_code == 401
