"""What every answer has beside its body, whoever asks and whatever it says."""

import base64
import hashlib
import re
from dataclasses import replace
from typing import Final

import httpx
import pytest

from tests.contract.document import DOCUMENT, OPERATIONS, Operation
from tests.contract.world import World

ALL: Final = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
GETS: Final = [each for each in OPERATIONS.values() if each.method == "GET"]
EVERY_GET: Final = pytest.mark.parametrize("operation", GETS, ids=lambda operation: operation.name)
PAGES: Final = ["/docs", "/redoc"]
PUBLIC: Final = {"/openapi.json", *PAGES, "/problems/not-found", "/programmes/itil-native"}
KEPT: Final = ("get_problem_type", "get_programme")
"""What everybody may read."""
OWN_POLICY: Final = {"get_engineer_shifts": "private, no-cache", "get_region_shifts": "private, no-cache"}
MOVING: Final = {"x-request-id", "ratelimit", "ratelimit-policy", "content-length"}


def assert_guarded(answer: httpx.Response, caching: str = "no-store") -> None:
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert answer.headers.get_list("cache-control") == [caching]
    assert answer.headers["x-request-id"]


@ALL
async def test_every_answer_is_guarded(operation: Operation, world: World) -> None:
    answer = await world.call(operation, world.keys["admin"])
    own = OWN_POLICY.get(operation.name, "no-store") if answer.is_success else "no-store"
    assert_guarded(answer, "public, no-cache" if operation.name in KEPT else own)


@ALL
async def test_every_answer_to_nobody_is_guarded(operation: Operation, world: World) -> None:
    answer = await world.client.request(operation.method, operation.path.format_map(world.ids))
    assert_guarded(answer, "public, no-cache" if operation.name in KEPT else "no-store")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("HEAD", "/nothing", 404),
        ("PUT", "/v1/tickets", 405),
        ("GET", "/v1/tickets?limit=%00", 422),
        ("POST", "/v1/tickets", 413),
        ("POST", "/v1/tickets", 415),
    ],
    ids=["404", "404 head", "405", "422", "413", "415"],
)
async def test_an_answer_to_what_is_wrong_is_guarded(world: World, method: str, path: str, status: int) -> None:
    headers = world.keys["admin"] | {"Content-Type": "text/plain"}
    body = b"x" * (2**21 if status == 413 else 1)
    answer = await world.client.request(method, path, headers=headers, content=body)
    assert answer.status_code == status
    assert_guarded(answer)


async def test_what_went_wrong_inside_is_guarded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.process.exposition._OFFERED", {})
    answer = await world.client.get("/metrics")
    assert answer.status_code == 500
    assert_guarded(answer)


@EVERY_GET
async def test_head_is_answered_as_get_is_without_a_body(operation: Operation, world: World) -> None:
    got = await world.call(operation, world.keys["admin"])
    head = await world.call(replace(operation, method="HEAD"), world.keys["admin"])
    assert head.status_code == got.status_code
    assert head.content == b""
    assert _fields(head) == _fields(got)
    assert ("content-length" in head.headers) == ("content-length" in got.headers)


def _fields(answer: httpx.Response) -> list[tuple[str, str]]:
    return sorted(field for field in answer.headers.multi_items() if field[0] not in MOVING)


@EVERY_GET
async def test_head_without_a_key_is_refused_as_get_is(operation: Operation, world: World) -> None:
    path = operation.path.format_map(world.ids)
    got, head = [await world.client.request(method, path) for method in ("GET", "HEAD")]
    assert (head.status_code, head.content) == (got.status_code, b"")


async def test_head_of_a_stream_ends_at_once(world: World) -> None:
    answer = await world.client.head("/v1/events/stream", headers=world.keys["admin"], timeout=10)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_a_path_without_get_takes_no_head_and_one_with_it_names_it(world: World) -> None:
    refused = await world.client.head("/v1/sla/preview", headers=world.keys["admin"])
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    refused = await world.client.put("/v1/tickets", headers=world.keys["admin"])
    assert refused.headers["allow"] == "GET, HEAD, POST"


def test_head_is_no_operation_of_its_own() -> None:
    assert not any("head" in item for item in DOCUMENT["paths"].values())


@pytest.mark.parametrize("path", sorted(PUBLIC))
async def test_what_is_public_may_be_kept(world: World, path: str) -> None:
    answer = await world.client.get(path)
    assert answer.status_code == 200
    assert_guarded(answer, "public, no-cache")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_its_own_scripts_and_those_of_one_place(world: World, path: str) -> None:
    answer = await world.client.get(path)
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for inline in re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy["script-src"]
    assert "unsafe" not in policy["script-src"]
    for source in re.findall(r'src="(https:[^"]+)"', answer.text):
        assert any(source.startswith(allowed) for allowed in policy["script-src"].split() if "://" in allowed)
