"""Every operation of the document, tried by everybody who may not do it. An operation without a rule fails."""

import asyncio
from typing import Any, Final

import pytest

from app.core.auth import hash_key
from app.core.db.session import driver, transaction
from app.core.db.tables import Base
from app.core.keys.scopes import SCOPES
from tests.contract.callers import RULES, VISITORS
from tests.contract.document import OPERATIONS, Operation
from tests.contract.world import World


@pytest.fixture(scope="module", autouse=True)
async def renewed(world: World) -> None:
    """What other tests have ended is there again."""
    await world.renew()


OPEN: Final = {
    *("get_health", "get_readiness", "get_metrics", "get_problem_type", "get_programme"),
    *("list_public_articles", "search_public_articles", "get_public_article"),
}
"""What needs no key. The document itself needs none either."""


SUPPORT_ALONE: Final = ("list_engineers", "get_region_shifts")
"""Collections of which customers see nothing, not even their own."""
INGEST: Final = {operation.name for operation in OPERATIONS.values() if operation.is_ingest}
"""What takes the keys of hooks alone: ``tests/inbound/usecases/test_receive.py`` tries who may."""
GUARDED: Final = [operation for operation in OPERATIONS.values() if operation.name not in OPEN | INGEST]
EVERY_GUARDED: Final = pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.name)
EVERY_REFUSAL: Final = pytest.mark.parametrize(
    "operation",
    [operation for operation in GUARDED if RULES.get(operation.name)],
    ids=lambda operation: operation.name,
)
EVERY_COLLECTION: Final = pytest.mark.parametrize(
    "operation",
    [each for each in GUARDED if any(parameter["name"] == "account_id" for parameter in each.queries)],
    ids=lambda operation: operation.name,
)


def test_every_operation_has_a_rule() -> None:
    assert set(OPERATIONS) == set(RULES) | OPEN | INGEST


@pytest.mark.parametrize("name", sorted(OPEN))
async def test_what_is_open_needs_no_key(world: World, name: str) -> None:
    optional: list[object] = [{}, {"ApiKey": []}] if name == "get_programme" else []
    assert OPERATIONS[name].spec["security"] == optional
    answer = await world.call(OPERATIONS[name], {})
    assert answer.status_code in OPERATIONS[name].responses


@EVERY_GUARDED
async def test_without_a_key(world: World, operation: Operation) -> None:
    beside: list[Any] = [{"ApiKey": [], "VisitorIdentity": []}] if operation.name in VISITORS else []
    assert operation.spec["security"] == [{"ApiKey": []}, *beside]
    answer = await world.call(operation, {})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@EVERY_GUARDED
async def test_with_a_malformed_key(world: World, operation: Operation) -> None:
    key = world.keys["admin"]["Authorization"].removeprefix("Bearer ")
    for sent in ("Bearer", "Bearer hd_admin_x", "Basic aGQ6aGQ=", f"Bearer {key}x", key):
        assert (await world.call(operation, {"Authorization": sent})).status_code == 401, sent


@EVERY_GUARDED
async def test_with_a_key_that_is_over(world: World, operation: Operation) -> None:
    for who in ("revoked", "expired"):
        assert (await world.call(operation, world.keys[who])).status_code == 401, who


@EVERY_GUARDED
async def test_with_a_key_for_something_else(world: World, operation: Operation) -> None:
    assert (await world.call(operation, world.keys["hook"])).status_code == 403


KINDS_OF_VISITORS: Final = ("person", "link", "follower", "guest")


def test_visitors_call_what_customers_need_and_nothing_else() -> None:
    declared = {name: tuple(each.spec["x-visitors"]) for name, each in OPERATIONS.items() if "x-visitors" in each.spec}
    assert declared == VISITORS


@EVERY_GUARDED
async def test_with_a_widget(world: World, operation: Operation) -> None:
    admitted = VISITORS.get(operation.name, ())
    for kind in KINDS_OF_VISITORS:
        if kind not in admitted:
            answer = await world.call(operation, world.visitors[kind])
            # An escalation of another ticket does not exist for whoever has the key of one.
            refused = {403, 404} if "escalation_id" in operation.path and kind in ("link", "follower") else {403}
            assert answer.status_code in refused, (kind, answer.text)
        elif operation.method == "GET":
            answer = await world.call(operation, world.visitors[kind])
            assert answer.status_code == 200, (kind, answer.text)
            assert answer.headers["access-control-allow-origin"] == world.visitors[kind]["Origin"]
    of_one = "ticket_id" in operation.path or "escalation_id" in operation.path
    status = 404 if admitted and of_one else 403 if not admitted else None
    if status:
        assert (await world.call(operation, world.visitors["nobody"])).status_code == status
    if "viewer" in RULES[operation.name]:
        assert (await world.call(operation, world.visitors["viewer"])).status_code == 403


@EVERY_REFUSAL
async def test_who_is_refused(world: World, operation: Operation) -> None:
    for who, status in RULES[operation.name].items():
        answer = await world.call(operation, world.keys[who])
        assert answer.status_code == status, (who, answer.text)
        seen = answer.text.replace(str(answer.request.url.path), "")
        assert not [value for name, value in world.ids.items() if name.endswith("_id") and value in seen], who


async def test_who_may_not_waits_for_nobodys_rows_and_so_locks_none(world: World) -> None:
    """Somebody holds all that is not the stranger's."""
    stranger = world.keys["stranger"]
    async with transaction(world.sessions) as session:
        connection = await driver(session)
        secret = hash_key(stranger["Authorization"].removeprefix("Bearer "))
        own = await connection.fetchval("SELECT account_id FROM api_keys WHERE secret_hash = $1", secret)
        for table in Base.metadata.tables.values():
            if "account_id" in table.columns:
                held = f"SELECT FROM {table.name} WHERE account_id IS DISTINCT FROM $1 FOR UPDATE"  # noqa: S608
                await connection.execute(held, own)
        for operation in GUARDED:
            if "stranger" in (refused := RULES[operation.name]):
                async with asyncio.timeout(20):
                    answer = await world.call(operation, stranger)
                assert answer.status_code == refused["stranger"], (operation.name, answer.text)


@EVERY_GUARDED
async def test_without_the_scope(world: World, operation: Operation) -> None:
    for who in ("admin", "agent", "owner"):
        key = await world.limited(who, [scope for scope in SCOPES if scope != operation.scope])
        answer = await world.call(operation, key)
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (403, "/problems/forbidden"), who
        assert (operation.scope in problem["detail"], problem["missing_scope"]) == (True, operation.scope), who
        assert f'scope="{operation.scope}"' in answer.headers["www-authenticate"], who


@EVERY_GUARDED
async def test_with_the_scope_alone(world: World, operation: Operation) -> None:
    """What is read is answered. Who writes is somebody who may not, so that nothing is changed here."""
    refused = RULES[operation.name]
    if operation.method == "GET":
        answer = await world.call(operation, await world.limited("admin", [operation.scope]))
        assert answer.status_code == 200
    elif "viewer" in refused:
        answer = await world.call(operation, await world.limited("viewer", [operation.scope]))
        assert (answer.status_code, "missing_scope" in answer.json()) == (refused["viewer"], False)
    else:
        assert (await world.call(operation, await world.limited("viewer", [operation.scope]))).is_success


PAIRS: Final = [("owner", "viewer"), ("owner", "editor"), ("editor", "viewer")]
EVERY_PAIR: Final = pytest.mark.parametrize(
    "operation", [each for each in GUARDED if each.takes_actor], ids=lambda operation: operation.name
)
"""A key of one role that names a person of another one: what acts is the lesser of both."""


def test_what_a_customer_may_and_a_viewer_may_not_is_done_for_a_person() -> None:
    for name, refused in RULES.items():
        assert OPERATIONS[name].takes_actor or "viewer" not in refused or "owner" in refused, name


@EVERY_PAIR
async def test_what_acts_is_the_lesser_of_key_and_person(world: World, operation: Operation) -> None:
    refused = RULES[operation.name]
    for more, less in PAIRS:
        if operation.method != "GET" and less not in refused:
            continue  # it would be done
        for key, person in ((more, less), (less, more)):
            naming = operation.naming(world.people[person], world.example(operation))
            answer = await world.call(operation, world.keys[key], **naming)
            assert answer.status_code == refused.get(less, 200), (key, person, answer.text)


REPEATABLE: Final = [
    operation
    for operation in GUARDED
    if "Idempotency-Key" in operation.headers
    if "viewer" in RULES[operation.name] and "owner" not in RULES[operation.name]
]
BEFORE: Final = {"request_call": "end_call", "reopen_ticket": "set_ticket_status"}
"""What has to be done first, by its own example."""


@pytest.mark.parametrize("operation", REPEATABLE, ids=lambda operation: operation.name)
async def test_a_stored_answer_is_for_those_who_may_do_it(world: World, operation: Operation) -> None:
    await world.freshen()
    if operation.name == "advance_sandbox":
        await world.into_sandbox()
    if before := BEFORE.get(operation.name):
        await world.call(OPERATIONS[before], world.keys["engineer"])
    if operation.name == "withdraw_escalation":  # only whoever asked for it does that
        asked = await world.call(OPERATIONS["create_escalation"], world.keys["owner"])
        world.ids["escalation_id"] = asked.json()["id"]
    once = {"Idempotency-Key": operation.name}
    first = await world.call(operation, world.keys["owner"] | once)
    again = await world.call(operation, world.keys["owner"] | once)
    assert first.is_success, first.text
    assert (again.status_code, again.headers["idempotency-replayed"]) == (first.status_code, "true")
    viewer = await world.call(operation, world.keys["viewer"] | once)
    naming = operation.naming(world.people["viewer"], world.example(operation))
    named = await world.call(operation, world.keys["owner"] | once, **naming)
    limited = await world.call(operation, await world.limited("owner", ["previews:read"]) | once)
    assert [answer.status_code for answer in (viewer, named, limited)] == [403, 403, 403]


@EVERY_GUARDED
async def test_who_may_read(world: World, operation: Operation) -> None:
    if operation.method == "GET":
        refused = RULES[operation.name]
        allowed = [who for who in ("admin", "agent", "owner", "editor", "viewer") if who not in refused]
        answers = [await world.call(operation, world.keys[who]) for who in allowed]
        assert {answer.status_code for answer in answers} == {200}


@EVERY_COLLECTION
async def test_nobody_asks_for_the_collection_of_another(world: World, operation: Operation) -> None:
    params = {"account_id": world.ids["account_id"]}
    answer = await world.call(operation, world.keys["stranger"], params=params)
    assert answer.status_code == (403 if operation.name in SUPPORT_ALONE else 404)
