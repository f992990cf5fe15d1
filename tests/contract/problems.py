"""Operations that write, and the problems that they answer."""

from typing import Final

import httpx

from tests.contract.document import OPERATIONS, Operation, faults

WRITING: Final = [each for each in OPERATIONS.values() if each.request_media() and not each.is_ingest]


def problem(operation: Operation, answer: httpx.Response) -> int:
    """The status of the answer, which is a problem that the operation declares."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    declared = operation.responses[answer.status_code]["content"]["application/problem+json"]
    assert faults(answer.json(), declared["schema"]) == []
    return answer.status_code
