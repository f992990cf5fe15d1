"""What no well-meaning caller sends: a declared problem, never a 5xx."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import orjson
import pytest

from tests.contract.document import OPERATIONS, Json, Operation, examples_of
from tests.contract.problems import WRITING, problem
from tests.contract.world import World, in_world

EVERY_WRITE: Final = pytest.mark.parametrize("operation", WRITING, ids=lambda operation: operation.name)
NAMING: Final = [each for each in OPERATIONS.values() if "{" in each.path and not each.is_ingest]
PATHS: Final = sorted({operation.path for operation in OPERATIONS.values()})
TICKET: Final = OPERATIONS["create_ticket"]
MEBIBYTE: Final = 1024 * 1024


async def send(world: World, operation: Operation, content: bytes | AsyncIterator[bytes], kind: str = "") -> int:
    """The status of the problem that this body is answered with."""
    media = kind or next(iter(operation.request_media()))
    headers = world.keys["admin"] | {"Content-Type": media}
    return problem(operation, await world.call(operation, headers, content=content))


def example(world: World, operation: Operation) -> Json:
    media = next(iter(operation.request_media().values()))
    body: Json = in_world(examples_of(media)[0], world.ids)
    return body


def strings_of(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The places of all strings."""
    if isinstance(value, str):
        return [path]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, part in parts for place in strings_of(part, (*path, name))]


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """The value with something else at a place."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@EVERY_WRITE
async def test_no_text_takes_a_nul_byte(world: World, operation: Operation) -> None:
    body = example(world, operation)
    for place in strings_of(body):
        text = orjson.dumps(replaced(body, place, "a\0b"))
        assert await send(world, operation, text) == 422, place


NO_OBJECTS: Final = (
    (b'{"a": "\\ud800"}', 400),
    (b'{"a": "\xed\xa0\x80"}', 400),
    (b'{"a": "\xff"}', 400),
    (b'{"a": NaN}', 400),
    (b'{"a": Infinity}', 400),
    (b'{"a": 1e999}', 400),
    (b'{"a": 1', 400),
    (b"\xef\xbb\xbf{}", 400),
    (b"[" * 10_000, 400),
    (b"[" * 100_000, 422),
    (b"[" * 200 + b"]" * 200, 422),
    (b'{"a":' * 200 + b"1" + b"}" * 200, 422),
    (b"null", 422),
    (b"[]", 422),
    (b'"text"', 422),
    (b"12", 422),
)


@EVERY_WRITE
async def test_a_body_that_is_no_json_object(world: World, operation: Operation) -> None:
    for content, status in NO_OBJECTS:
        assert await send(world, operation, content) == status, content[:30]


@EVERY_WRITE
async def test_a_body_above_a_mebibyte(world: World, operation: Operation) -> None:
    assert await send(world, operation, b" " * (MEBIBYTE + 1)) == 413
    assert await send(world, operation, b" " * MEBIBYTE) in {400, 422}


@EVERY_WRITE
async def test_a_body_above_a_mebibyte_whose_length_is_not_told(world: World, operation: Operation) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (MEBIBYTE // 16)

    assert await send(world, operation, chunks()) == 413


KINDS: Final = (
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=a",
    "application/x-www-form-urlencoded",
    "a",
)


@EVERY_WRITE
async def test_a_body_of_another_media_type(world: World, operation: Operation) -> None:
    for kind in KINDS:
        assert await send(world, operation, orjson.dumps(example(world, operation)), kind) == 415, kind


async def test_a_compressed_body(world: World) -> None:
    headers = world.keys["admin"] | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await world.client.post("/v1/tickets", content=gzip.compress(b"{}"), headers=headers)
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert "Content-Encoding" in answer.json()["detail"]


@EVERY_WRITE
async def test_a_body_with_a_member_that_is_not_known(world: World, operation: Operation) -> None:
    assert await send(world, operation, orjson.dumps(example(world, operation) | {"colour": "red"})) == 422


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ["t"] * 100_000},
        {"custom": {f"k{number}": number for number in range(51)}},
        {"custom": {"k": 2**63}},
        {"custom": {"k": {"deep": 1}}},
        {"title": "t" * 301},
        {"description": "d" * 50_001},
        {"call_link": "javascript:alert(1)"},
        {"call_link": "https://user:secret@example.com"},
        {"channel": "pigeon"},
        {"priority": "P1'; DROP TABLE tickets"},
        {"follow_up_of": "tkt_1"},
        {"account_id": 12},
        {"requester": {"name": "A", "email": "a@b\0.example"}},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_ticket_of_nonsense(world: World, change: Json) -> None:
    assert await send(world, TICKET, orjson.dumps(example(world, TICKET) | change)) == 422


@pytest.mark.parametrize(
    "instant",
    [
        "10000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-20T20:30:00+99:00",
        "2026-11-20T20:30:00",
        "2026-11-20",
        "1795208400",
        "infinity",
        "now",
    ],
)
async def test_an_instant_that_is_none(world: World, instant: str) -> None:
    creation = OPERATIONS["create_account"]
    body = example(world, creation) | {"trial_ends_at": instant}
    assert await send(world, creation, orjson.dumps(body)) == 422
    listing = OPERATIONS["list_tickets"]
    answer = await world.call(listing, world.keys["admin"], params={"due_before": instant})
    assert problem(listing, answer) == 422


@pytest.mark.parametrize("number", [b"-1", b"0", b"1.5", b"true", b'"1"', b"null", b"9" * 20, b"1e99"])
async def test_a_whole_number_that_is_none(world: World, number: bytes) -> None:
    creation = OPERATIONS["create_engineer"]
    body = orjson.dumps(example(world, creation)).replace(b'"tier":2', b'"tier":' + number)
    assert await send(world, creation, body) == 422


NO_PAGES: Final = (
    ("limit", "0"),
    ("limit", "201"),
    ("limit", "9" * 400),
    ("limit", "ten"),
    ("cursor", "made-up"),
    ("cursor", "WzEsMiwzLDRd"),
    ("cursor", "W251bGwsIG51bGxd"),
    ("cursor", "ü"),
    ("cursor", "x" * 1001),
    ("cursor", "a\0b"),
)


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS.values() if any(query["name"] == "cursor" for query in each.queries)],
    ids=lambda operation: operation.name,
)
async def test_a_page_that_is_none(world: World, operation: Operation) -> None:
    for name, value in NO_PAGES:
        answer = await world.call(operation, world.keys["admin"], params={name: value})
        assert problem(operation, answer) == 422, value
        assert answer.json()["errors"][0]["pointer"] == ("#/query" if "\0" in value else f"#/query/{name}"), value


@pytest.mark.parametrize("operation", NAMING, ids=lambda operation: operation.name)
async def test_an_id_that_is_none(world: World, operation: Operation) -> None:
    for strange in ("%00", "a%00b", "..%2f..", "%F0%28%8C%28", "x" * 5_000, "'%20OR%201=1--", "%0a"):
        nowhere = replace(world, ids=dict.fromkeys(world.ids, strange))
        assert problem(operation, await nowhere.call(operation, world.keys["admin"])) in {404, 422}, strange


@pytest.mark.parametrize("path", [*PATHS, "/", "/v1", "/v1/nothing", "/v2/tickets", "//v1/tickets", "/v1/tickets/"])
async def test_a_method_that_is_not_known(world: World, path: str) -> None:
    known = {operation.method for operation in OPERATIONS.values() if operation.path == path}
    if path == "/":  # a page for people, which is no operation
        known = {"GET"}
    heads = {"HEAD"} if "GET" in known else set()
    for method in ("DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE", "BREW"):
        if method in known:
            continue
        answer = await world.client.request(method, path.format_map(world.ids), headers=world.keys["admin"])
        assert answer.status_code == (405 if known else 404), method
        assert answer.headers["content-type"] == "application/problem+json", method
        if known:
            assert answer.headers["allow"] == ", ".join(sorted(known | heads)), method


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer " + "x" * 10_000},
        {"Authorization": "Basic aGQ6aGQ="},
        {"Authorization": b"Bearer \xff\xfe"},
        {"Authorization": "Bearer hd_admin_'; --"},
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_key_that_is_none(world: World, header: dict[str, Any]) -> None:
    listing = OPERATIONS["list_tickets"]
    assert problem(listing, await world.call(listing, header)) == 401


async def test_a_hundred_bad_requests_at_once(world: World) -> None:
    tries = (send(world, TICKET, b"{") for _ in range(100))
    assert set(await asyncio.gather(*tries)) == {400}


ADDRESSES: Final = [
    pytest.param(operation, name, id=f"{operation.name}-{name}")
    for operation in WRITING
    for name in sorted(operation.members & {"url", "call_link"})
]


@pytest.mark.parametrize(
    "url",
    ["https://xn--/", "https://127.1/", "https://a.example:0/", "https://a.example:99999/", "https://a..example/"],
    ids=["idna", "short", "port 0", "port", "label"],
)
@pytest.mark.parametrize(("operation", "name"), ADDRESSES)
async def test_an_address_that_could_never_be_sent_to(world: World, operation: Operation, name: str, url: str) -> None:
    body = {name: url} if operation.method == "PATCH" else example(world, operation) | {name: url}
    answer = await world.call(operation, world.keys["admin"], content=orjson.dumps(body))
    assert problem(operation, answer) == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{name}"]


def test_the_addresses_of_endpoints_accounts_and_tickets_are_tried() -> None:
    assert {each.id for each in ADDRESSES} >= {
        "create_ticket-call_link",
        "update_account-call_link",
        "create_webhook-url",
    }
