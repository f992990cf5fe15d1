"""A body in which every member is optional may be left out."""

from typing import Final

import pytest

from tests.contract.document import OPERATIONS, Operation, resolved
from tests.contract.problems import WRITING
from tests.contract.world import World

REFUSES_NOTHING: Final = {"advance_sandbox"}
"""Has no member that is always needed, but needs one of two."""

OF_AN_ACCOUNT: Final = {"assess_priority"}
"""What an account's key says by itself, and an admin's has to say."""

OF_A_VISITOR: Final = {"unwatch_ticket"}
"""What a visitor says by who they are, and anybody else has to say."""


def _all_optional(operation: Operation) -> bool:
    schema = operation.request_media()["application/json"]["schema"]
    return not any(resolved(option).get("required") for option in schema.get("anyOf", [schema]))


OPTIONAL: Final = [
    each for each in WRITING if each.method == "POST" and _all_optional(each) and each.name not in REFUSES_NOTHING
]


def test_actions_are_among_them() -> None:
    names = {operation.name for operation in OPTIONAL}
    assert names >= {
        "assign_ticket",
        "reopen_ticket",
        "withdraw_ticket",
        "request_call",
        "end_call",
        "send_webhook_test",
    }
    assert "advance_sandbox" in OPERATIONS


@pytest.mark.parametrize("operation", WRITING, ids=lambda operation: operation.name)
def test_the_document_says_which_bodies_are_needed(operation: Operation) -> None:
    assert operation.spec["requestBody"].get("required", False) == (operation not in OPTIONAL)


@pytest.mark.parametrize("operation", OPTIONAL, ids=lambda operation: operation.name)
async def test_no_body_is_an_empty_object(world: World, operation: Operation) -> None:
    statuses = []
    typed = {"Content-Type": "application/json"}
    for content, of_type in ((b"{}", typed), (b"", typed), (b"", {})):
        await world.freshen()
        path = operation.path.format_map(world.ids)
        headers = world.keys["owner" if operation.name in OF_AN_ACCOUNT else "admin"] | of_type
        answer = await world.client.request(operation.method, path, headers=headers, content=content)
        statuses.append(answer.status_code)
    assert len(set(statuses)) == 1, statuses
    assert statuses[0] not in {400, 415, 500}
    assert (statuses[0] == 422) == (operation.name in OF_A_VISITOR)
