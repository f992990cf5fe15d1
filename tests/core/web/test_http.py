"""Problem documents, strict bodies, limits, ETags: on a small application of its own routes."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import Field

from app.core.problems import Forbidden
from app.core.schemas.shared import Email, HttpsUrl, Instant, Name, Strict, TimeZone, at_most
from app.core.state import State
from app.core.web.body import MAX_DEPTH
from app.core.web.edge.middleware import RequestLayer
from app.core.web.http import SCOPE, Router, check_if_match, install, responses
from app.core.web.kit import paging
from app.core.web.kit.deps import PrincipalDep
from app.core.web.kit.paging import PageDep, listing
from app.core.web.replies import etag, reply


class _Person(Strict):
    name: Name
    email: Email


class _Thing(Strict):
    requester: _Person
    at: Instant | None = None
    link: HttpsUrl | None = None
    zone: TimeZone | None = None
    tags: list[str] = Field(default_factory=list)
    custom: dict[str, Any] = Field(default_factory=dict)
    counts: Annotated[dict[str, int], at_most(2)] = Field(default_factory=dict)


_router = Router()


@_router.post("/things", scope=None, responses=responses(Forbidden))
async def _make(thing: _Thing) -> Response:
    return reply(thing.model_dump())


@_router.declare("PATCH", "/things/1", scope=None)
async def _change(request: Request) -> Response:
    check_if_match(request, 3)
    return reply({}, headers=etag(4))


@_router.get("/things", scope=None)
async def _list(request: Request, page: PageDep) -> Response:
    after = page.place(int) or (0,)
    rows = list(range(after[0] + 1, 8))[: page.limit + 1]
    return listing(request, page, rows, place=lambda row: (row,), document=lambda row: {"n": row})


@_router.get("/crash", scope=None)
async def _crash() -> Response:
    raise ZeroDivisionError("a secret detail")


@pytest.fixture
async def web(state: State) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.heliodesk = state
    install(app)
    app.add_middleware(RequestLayer, max_body_bytes=2000)
    app.router.routes.extend(_router.routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


_GOOD = {"requester": {"name": "Ana", "email": "Ana@Example.com"}}


async def _post(web: httpx.AsyncClient, body: bytes | str, content_type: str = "application/json") -> httpx.Response:
    return await web.post("/things", content=body, headers={"content-type": content_type})


def _check_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (document["type"], document["status"]) == (f"/problems/{slug}", status)
    return document


async def test_good_input_is_read(web: httpx.AsyncClient) -> None:
    answer = await web.post("/things", json=_GOOD | {"at": "2026-11-20T15:30:00-05:00", "zone": "Europe/Warsaw"})
    assert answer.status_code == 200
    assert answer.json()["requester"]["email"] == "ana@example.com"
    assert answer.json()["at"] == "2026-11-20T20:30:00Z"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"requester": {"name": "Ana", "email": "nobody"}}, "/requester/email"),
        ({"requester": {"name": " ", "email": "a@b.example"}}, "/requester/name"),
        ({"surprise": 1}, "/surprise"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"at": "2026-11-20T15:30:00"}, "/at"),
        ({"at": "2026-11-20"}, "/at"),
        ({"at": 1700000000}, "/at"),
        ({"at": "1700000000"}, "/at"),
        ({"at": "10000-01-01T00:00:00Z"}, "/at"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "/at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "/at"),
        ({"at": "2026-02-30T00:00:00Z"}, "/at"),
        ({"link": "http://example.com"}, "/link"),
        ({"link": "https://user:word@example.com"}, "/link"),
        ({"link": "https://"}, "/link"),
        ({"zone": "Europe/Atlantis"}, "/zone"),
        ({"zone": "../etc/passwd"}, "/zone"),
        ({"tags": ["fine", "not\0fine"]}, "/tags/1"),
        ({"custom": {"a": [{"b": "\0"}]}}, "/custom/a/0/b"),
        ({"custom": {"\0": 1}}, "/custom"),
        ({"tags": 10**40}, "/tags"),
    ],
)
async def test_wrong_input_names_its_place(web: httpx.AsyncClient, change: dict[str, Any], pointer: str) -> None:
    document = _check_problem(await web.post("/things", json=_GOOD | change), 422, "invalid-input")
    assert [error["pointer"] for error in document["errors"]] == [pointer]


async def test_unknown_members_are_told_one_by_one_unless_they_are_many(web: httpx.AsyncClient) -> None:
    known = len(_Thing.model_fields)
    few = {f"x{number}": 1 for number in range(known + 20 - len(_GOOD))}
    document = _check_problem(await web.post("/things", json=_GOOD | few), 422, "invalid-input")
    assert [error["pointer"] for error in document["errors"]] == [f"/{name}" for name in few]
    document = _check_problem(await web.post("/things", json=_GOOD | few | {"y": 1}), 422, "invalid-input")
    [error] = document["errors"]
    detail = f"An object has at most {known + 20} members here, and this one has {known + 21}"
    assert error == {"pointer": "", "detail": detail}


async def test_members_are_counted_before_any_is_looked_at(web: httpx.AsyncClient) -> None:
    answer = await web.post("/things", json=_GOOD | {"counts": {"a": 1, "b": 2}})
    assert answer.json()["counts"] == {"a": 1, "b": 2}
    counts = dict.fromkeys(("a", "b", "c"), "no number")
    document = _check_problem(await web.post("/things", json=_GOOD | {"counts": counts}), 422, "invalid-input")
    assert [error["pointer"] for error in document["errors"]] == ["/counts"]


async def test_a_backslash_before_u0000_is_only_text(web: httpx.AsyncClient) -> None:
    answer = await web.post("/things", json=_GOOD | {"tags": [r"\u0000"]})
    assert answer.json()["tags"] == [r"\u0000"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "nonsense",
        '{"custom": {"a": NaN}}',
        '{"custom": {"a": Infinity}}',
        '{"custom": 1e999}',
        b"\xff",
        r'"\ud800"',
        '{"custom":' * 190,
    ],
)
async def test_a_body_that_is_not_json_is_400(web: httpx.AsyncClient, body: bytes | str) -> None:
    _check_problem(await _post(web, body), 400, "bad-request")


async def test_deep_json_is_refused(web: httpx.AsyncClient) -> None:
    deep = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
    _check_problem(await _post(web, json.dumps(_GOOD)[:-1] + f', "custom": {deep}}}'), 422, "invalid-input")


async def test_no_body_is_422(web: httpx.AsyncClient) -> None:
    document = _check_problem(await web.post("/things"), 422, "invalid-input")
    assert document["errors"][0]["pointer"] == ""


async def test_a_large_body_is_413(web: httpx.AsyncClient) -> None:
    _check_problem(await _post(web, b"[" + b" " * 2000 + b"]"), 413, "payload-too-large")


async def test_a_large_body_in_chunks_is_413(web: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 100

    answer = await web.post("/things", content=chunks(), headers={"content-type": "application/json"})
    _check_problem(answer, 413, "payload-too-large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data", "", "json"])
async def test_another_media_type_is_415(web: httpx.AsyncClient, content_type: str) -> None:
    _check_problem(await _post(web, json.dumps(_GOOD), content_type), 415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "application/merge-patch+json"])
async def test_any_json_media_type_is_taken(web: httpx.AsyncClient, content_type: str) -> None:
    assert (await _post(web, json.dumps(_GOOD), content_type)).status_code == 200


async def test_a_path_with_nul_names_nothing(web: httpx.AsyncClient) -> None:
    _check_problem(await web.get("/things%00"), 404, "not-found")


async def test_unknown_path_and_method(web: httpx.AsyncClient) -> None:
    document = _check_problem(await web.get("/nowhere"), 404, "not-found")
    assert document["instance"] == "/nowhere"
    answer = await web.delete("/things")
    _check_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_a_problem_names_its_request(web: httpx.AsyncClient) -> None:
    for path in ("/nowhere", "/things%00", "/crash"):
        answer = await web.get(path, headers={"x-request-id": "req-18"})
        assert (answer.headers["x-request-id"], answer.json()["request_id"]) == ("req-18", "req-18")


async def test_a_crash_tells_nothing_but_its_request(web: httpx.AsyncClient) -> None:
    answer = await web.get("/crash", headers={"x-request-id": "req-17"})
    _check_problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == "req-17"


@pytest.mark.parametrize("path", ["/crash", "/nowhere", "/things?limit=none", "/a%00b"])
async def test_a_problem_names_the_request_as_its_header_does(web: httpx.AsyncClient, path: str) -> None:
    given = await web.get(path, headers={"x-request-id": "req-17"})
    made = await web.get(path)
    assert given.json()["request_id"] == given.headers["x-request-id"] == "req-17"
    assert made.json()["request_id"] == made.headers["x-request-id"] != "req-17"


async def test_a_bad_request_id_is_replaced(web: httpx.AsyncClient) -> None:
    answer = await web.get("/nowhere", headers={"x-request-id": "a b"})
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", "#/query/limit"),
        ("limit=201", "#/query/limit"),
        ("limit=x", "#/query/limit"),
        ("cursor=x", "#/query/cursor"),
        ("cursor=WyJhIl0=", "#/query/cursor"),
        ("cursor=WzEsMl0=", "#/query/cursor"),
        ("cursor=%C5%82", "#/query/cursor"),
        ("cursor=a%00", "#/query"),
    ],
)
async def test_wrong_parameters_name_their_place(web: httpx.AsyncClient, query: str, place: str) -> None:
    document = _check_problem(await web.get(f"/things?{query}"), 422, "invalid-input")
    assert [error["pointer"] for error in document["errors"]] == [place]


async def test_pages_follow_each_other(web: httpx.AsyncClient) -> None:
    url, seen = "/things?limit=3", []
    while url:
        answer = await web.get(url)
        seen += [item["n"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url", "")
        assert bool(url) == (answer.json()["next_cursor"] is not None)
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_a_page_of_long_items_ends_early_and_the_next_one_goes_on(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_BYTES", len('{"n":1}{"n":2}'))
    url, pages = "/things?limit=5", []
    while url:
        answer = await web.get(url)
        pages.append([item["n"] for item in answer.json()["items"]])
        url = answer.links.get("next", {}).get("url", "")
    assert pages == [[1, 2], [3, 4], [5, 6], [7]]


@pytest.mark.parametrize(("header", "status"), [(None, 200), ("*", 200), ('"3"', 200), ('"1", "3"', 200)])
async def test_if_match_of_this_version_passes(web: httpx.AsyncClient, header: str | None, status: int) -> None:
    answer = await web.patch("/things/1", headers={"if-match": header} if header else {})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"4"')


@pytest.mark.parametrize("header", ['"2"', "3", 'W/"3"', "nonsense", '"1", "2"'])
async def test_if_match_of_another_version_is_412(web: httpx.AsyncClient, header: str) -> None:
    answer = await web.patch("/things/1", headers={"if-match": header})
    _check_problem(answer, 412, "precondition-failed")
    assert answer.headers["etag"] == '"3"'


async def _taking_a_key(_principal: PrincipalDep) -> Response:
    return reply({})


async def _taking_none() -> Response:
    return reply({})


@pytest.mark.parametrize(
    ("endpoint", "extra", "told"),
    [
        (_taking_a_key, {}, "does not declare which scope"),
        (_taking_none, {}, "does not declare which scope"),
        (_taking_a_key, {SCOPE: None}, "exactly if it declares a scope"),
        (_taking_none, {SCOPE: "tickets:read"}, "exactly if it declares a scope"),
        (_taking_a_key, {SCOPE: "tickets:reed"}, "no scope tickets:reed"),
    ],
)
def test_a_route_is_not_made_unless_it_declares_its_scope(
    endpoint: Callable[..., Any], extra: dict[str, Any], told: str
) -> None:
    with pytest.raises(TypeError, match=told):
        Router().add_api_route("/things", endpoint, openapi_extra=extra)
