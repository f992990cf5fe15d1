"""From a payload as it came to its signals, by the format of its sender. Pure."""

from collections.abc import Mapping
from typing import Any

from app.inbound import alertmanager, cloudevents, generic, grafana, pagerduty
from app.inbound.parsing import parse
from app.inbound.signal import Batch, digest_of


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
    parsed = parse(body, headers.get("content-type", ""))
    batch = _read(name, parsed.value, body, headers, receipt_id, generic.Reader(expressions, steps))
    return batch.without(parsed.omissions)


def _read(
    name: str, payload: Any, body: bytes, headers: Mapping[str, str], receipt_id: str, reader: generic.Reader
) -> Batch:
    match name:
        case "alertmanager":
            return alertmanager.parse(payload)
        case "grafana":
            return grafana.parse(payload)
        case "pagerduty":
            return pagerduty.parse(payload, receipt_id)
        case "cloudevents":
            return cloudevents.parse(payload, headers, reader)
        case _:
            return generic.parse(payload, reader, digest_of(body))
