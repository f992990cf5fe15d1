"""From a payload as it came to its signals, by the format of its sender. Pure."""

from collections.abc import Mapping
from typing import Any

from app.inbound.formats import alertmanager, cloudevents, generic, grafana, pagerduty
from app.inbound.formats.generic import Interpretation
from app.inbound.formats.parsing import parse
from app.inbound.formats.signal import Batch, digest_of


def read(
    name: str,
    body: bytes,
    headers: Mapping[str, str],
    receipt_id: str,
    interpretation: Interpretation,
    *,
    steps: int = generic.STEPS,
) -> Batch:
    """The signals of a payload in the format of this name; its hook's expressions take so many ``steps``.

    Raises ``Unreadable``, and ``TooManySteps``, which is one.
    """
    reader = generic.Reader(interpretation, steps)
    if name == "cloudevents":
        events = cloudevents.events_of(body, headers)
        return cloudevents.read(events.value, reader).without(events.omissions)
    parsed = parse(body, headers.get("content-type", ""))
    return _read(name, parsed.value, body, receipt_id, reader).without(parsed.omissions)


def _read(name: str, payload: Any, body: bytes, receipt_id: str, reader: generic.Reader) -> Batch:
    match name:
        case "alertmanager":
            return alertmanager.parse(payload)
        case "grafana":
            return grafana.parse(payload)
        case "pagerduty":
            return pagerduty.parse(payload, receipt_id)
        case _:
            return generic.parse(payload, reader, digest_of(body))
