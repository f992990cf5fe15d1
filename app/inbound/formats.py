"""From a payload as it came to its signals, by the format of its sender. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.inbound import alertmanager, cloudevents, generic, grafana, pagerduty
from app.inbound.signal import Batch, Unreadable, digest_of

MAX_BRACKETS: Final = 90_000
"""Arrays and objects in one payload, told from its opening brackets: in the largest, one for each 11 bytes."""


def payload_of(body: bytes) -> Any:
    """The JSON value of a body. Raises ``Unreadable``; whatever is in it, its parser looks at no more than it takes."""
    if body.count(b"[") + body.count(b"{") > MAX_BRACKETS:
        raise Unreadable(f"The body holds more than {MAX_BRACKETS:,} arrays and objects")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"The body is not valid JSON: {error}") from error


def read(
    name: str,
    body: bytes,
    headers: Mapping[str, str],
    receipt_id: str,
    expressions: Mapping[str, str],
    *,
    steps: int = generic.STEPS,
) -> Batch:
    """The signals of a payload in the format of this name; ``expressions``: the hook's, within so many ``steps``.

    Raises ``Unreadable``, and ``TooManySteps``, which is one.
    """
    payload = payload_of(body)
    match name:
        case "alertmanager":
            return alertmanager.parse(payload)
        case "grafana":
            return grafana.parse(payload)
        case "pagerduty":
            return pagerduty.parse(payload, receipt_id)
        case "cloudevents":
            return cloudevents.parse(payload, headers, generic.Reader(expressions, steps))
        case _:
            return generic.parse(payload, generic.Reader(expressions, steps), digest_of(body))
