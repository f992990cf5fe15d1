"""What the document shows is what the service takes and answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import httpx
import pytest
import yaml
from orjson import loads

from app.core.limits.callers import CallerLimits
from app.core.limits.rates import Rates
from app.core.state import State
from app.core.web.replies import dump
from app.events.envelope import envelope
from tests.contract.document import DOCUMENT, OPERATIONS, Json, Operation, examples_of, faults
from tests.contract.world import World
from tests.support.desk import fetch
from tests.support.refusals import reached

EVERY_OPERATION: Final = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
READS_FIRST: Final = sorted(OPERATIONS.values(), key=lambda operation: operation.method != "GET")
BEFORE: Final = {"request_call": "end_call", "reopen_ticket": "set_ticket_status"}
"""What has to be done first, by its own example."""
HEADERS: Final = frozenset(DOCUMENT["components"]["headers"])
ALWAYS: Final = {"X-Request-Id", "ETag", "Location", "WWW-Authenticate"}
"""Headers that come with every answer for which they are declared."""
BY_ENGINEER: Final = {"set_ticket_status", "assign_ticket", "create_message", "acknowledge_coaching_note"}


def _bodies(operation: Operation) -> dict[str, Json]:
    """The bodies that the document declares, by what they are."""
    requests = {f"request {kind}": media for kind, media in operation.request_media().items()}
    answers = {
        f"{status} {kind}": media
        for status, answer in operation.responses.items()
        for kind, media in answer.get("content", {}).items()
    }
    return requests | answers


@EVERY_OPERATION
def test_every_body_has_examples_that_its_schema_takes(operation: Operation) -> None:
    for name, media in _bodies(operation).items():
        examples = examples_of(media)
        assert examples, name
        assert [fault for example in examples for fault in faults(example, media["schema"])] == [], name


def unlike_declared(operation: Operation, answer: httpx.Response) -> list[str]:
    """What is wrong with an answer by the document: its status, its media type, its body, its headers."""
    declared = operation.responses.get(answer.status_code)
    if declared is None:
        return [f"status {answer.status_code} is not declared: {answer.text}"]
    came, named = ({name for name in HEADERS if name in part} for part in (answer.headers, declared["headers"]))
    wrong = [f"header {name} is not declared" for name in came - named]
    wrong += [f"header {name} is missing" for name in (named & ALWAYS) - came]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not kind:
        return [*wrong, "no body"] if declared.get("content") else wrong
    return wrong + (faults(answer.json(), declared["content"][kind]["schema"]) if "json" in kind else [])


@pytest.mark.parametrize("operation", READS_FIRST, ids=lambda operation: operation.name)
async def test_the_example_works_and_its_answer_is_as_declared(world: World, operation: Operation) -> None:
    await world.freshen()
    if operation.name in BEFORE:
        await world.call(OPERATIONS[BEFORE[operation.name]], world.keys["engineer"])
    if operation.name == "advance_sandbox":
        await world.into_sandbox()
    if operation.name == "create_region":  # another test may have sent the example already
        await fetch(world.sessions, "DELETE FROM regions WHERE key = 'apac' RETURNING 1")
    answer = await world.call(operation, world.keys["engineer" if operation.name in BY_ENGINEER else "admin"])
    assert answer.status_code in {200, 201, 202, 204}, answer.text
    assert unlike_declared(operation, answer) == []


@contextmanager
def limited(world: World) -> Iterator[CallerLimits]:
    """Limits under which a key has one request a minute, and one in progress."""
    state: State = world.app.state.heliodesk
    few = state.settings.model_copy(
        update={"rate_per_support_key": 1, "rate_per_address": 1, "in_flight_per_account": 1, "in_flight_waiting": 0}
    )
    limits = CallerLimits(few, Rates(state.engine))
    world.app.state.heliodesk = replace(state, limits=limits)
    yield limits
    limits.rates.stop()
    world.app.state.heliodesk = state


@EVERY_OPERATION
async def test_a_limit_that_is_reached_is_told_as_declared(world: World, operation: Operation) -> None:
    if operation.is_ingest:
        await world.renew()
    headers = world.keys["admin"] if operation.spec.get("security") else {}
    with limited(world) as limits:
        sender = limits.sender(world.ids["account_id"], "its hook")
        place = limits.in_flight.enter(sender.lane, sender.size)
        _, answer = [await world.call(operation, headers) for _ in range(2)]
        place.leave()
    if operation.path in ("/healthz", "/readyz", "/metrics"):
        assert answer.status_code == 200
        return
    is_503 = operation.is_ingest and "enqueue" not in operation.path
    assert answer.status_code == (503 if is_503 else 429)
    assert unlike_declared(operation, answer) == []
    wanted = {"Retry-After"} | (set() if operation.is_ingest else {"RateLimit", "RateLimit-Policy"})
    assert wanted <= {name for name in HEADERS if name in answer.headers}
    _, value, used = reached(answer)
    assert value == used == 1


async def test_a_plan_is_taken_as_yaml_too(world: World) -> None:
    operation = OPERATIONS["create_plan"]
    (plan,) = examples_of(operation.request_media()["application/json"])
    kind = {"Content-Type": "application/yaml"}
    answer = await world.call(operation, world.keys["admin"] | kind, content=yaml.safe_dump(plan))
    assert (answer.status_code, unlike_declared(operation, answer)) == (201, [])


async def test_every_recorded_event_is_as_its_webhook_says(world: World) -> None:
    """All that was made to happen here so far, and at least what a new ticket and the sweep make happen."""
    await world.renew()
    rows = await fetch(world.sessions, "TABLE events UNION ALL TABLE past_events")
    events = [loads(dump(envelope(row, internal=True))) for row in rows]
    assert {"ticket.opened", "call.ready", "deadline.missed", "webhook.test"} < {event["type"] for event in events}
    for event in events:
        media = DOCUMENT["webhooks"][event["type"]]["post"]["requestBody"]["content"]["application/json"]
        assert faults(event, media["schema"]) == [], event["type"]
