"""Query parameters that an operation does not have are refused, on every operation that takes an API key."""

from typing import Final

import pytest

from app.core.web.query_names import unknown_names
from tests.contract.document import OPERATIONS, Operation
from tests.contract.problems import problem
from tests.contract.world import World

KEYED: Final = [each for each in OPERATIONS.values() if "x-required-scope" in each.spec]
STRICT: Final = "get_programme"
"""What takes no key, or one, and refuses unknown names all the same: a mistyped language would go unnoticed."""
KEYLESS: Final = [each for each in OPERATIONS.values() if "x-required-scope" not in each.spec and each.name != STRICT]


@pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.name)
async def test_a_name_that_is_not_known_is_refused_with_the_nearest_one(world: World, operation: Operation) -> None:
    names = [parameter["name"] for parameter in operation.queries]
    for name in names or [""]:
        answer = await world.call(operation, world.keys["admin"], params={f"{name}xx": "open"})
        assert problem(operation, answer) == 422
        [fault] = answer.json()["errors"]
        hint = f"Did you mean {name}?" if name else "It takes no query parameters"
        assert (fault["pointer"], fault["hint"]) == (f"#/query/{name}xx", hint)


@pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.name)
async def test_who_has_no_key_is_told_so_first(world: World, operation: Operation) -> None:
    assert (await world.call(operation, {}, params={"stauts": "open"})).status_code == 401


@pytest.mark.parametrize("operation", KEYLESS, ids=lambda operation: operation.name)
async def test_what_takes_no_key_ignores_what_senders_add(world: World, operation: Operation) -> None:
    plain = await world.call(operation, {})
    assert (await world.call(operation, {}, params={"utm_source": "mail"})).status_code == plain.status_code


@pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.name)
async def test_a_parameter_that_takes_one_value_is_given_once(world: World, operation: Operation) -> None:
    single = [each["name"] for each in operation.queries if each["name"] not in operation.lists]
    if not single:
        return
    params = {name: ["1", "1"] for name in single}
    answer = await world.call(operation, world.keys["admin"], params=params)
    assert problem(operation, answer) == 422
    told = {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}
    assert told == {f"#/query/{name}": "This parameter takes one value" for name in single}


async def test_a_list_may_be_given_in_several_parameters(world: World) -> None:
    query = "/v1/tickets?status=open&status=closed"
    assert (await world.client.get(query, headers=world.keys["admin"])).status_code == 200


async def test_a_mistyped_filter_does_not_answer_with_everything(world: World) -> None:
    answer = await world.client.get("/v1/tickets?stauts=open&Limit=1", headers=world.keys["admin"])
    assert [(fault["pointer"], fault["hint"]) for fault in answer.json()["errors"]] == [
        ("#/query/stauts", "Did you mean status?"),
        ("#/query/Limit", "Did you mean limit?"),
    ]


async def test_a_token_in_the_place_of_a_key_is_not_used_up_by_a_mistake(world: World) -> None:
    made = await world.client.post("/v1/events/stream-token", headers=world.keys["owner"])
    stream, params = "/v1/events/stream", {"token": made.json()["token"], "seconds": "0"}
    assert (await world.client.get(stream, params=params | {"type": "ticket.opened"})).status_code == 422
    assert (await world.client.get(stream, params=params)).status_code == 200


def test_many_names_cost_little_and_are_told_once_each() -> None:
    faults = unknown_names(["a~/b"] * 3 + [f"name{number}" * 1000 for number in range(1000)], {"status", "limit"})
    assert faults[0]["pointer"] == "#/query/a~0~1b"
    assert (len(faults), sum("hint" in fault for fault in faults)) == (50, 3)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sinc", "Did you mean updated_since?"),
        ("ASSIGNEE", "Did you mean assignee_id?"),
        ("stauts", "Did you mean status?"),
        ("query", "Did you mean q?"),
        ("offset", "It takes assignee_id, q, status, and updated_since"),
        ("", "It takes assignee_id, q, status, and updated_since"),
    ],
)
def test_the_nearest_name_is_one_that_was_meant_or_all_are_told(name: str, hint: str) -> None:
    [fault] = unknown_names([name], {"updated_since", "assignee_id", "status", "q"})
    assert fault["hint"] == hint
