"""CloudEvents 1.0 over HTTP: binary, structured and batched. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from app.inbound import generic
from app.inbound.signal import MAX_SIGNALS, Batch, Signal, Unreadable, batch_from, instant_in, key_of, object_at

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_REQUIRED: Final = ("id", "source", "specversion", "type")
_NOT_SHOWN: Final = frozenset({"id", "time", "specversion", "data", "data_base64", "datacontenttype", "dataschema"})
_IDENTIFYING: Final = frozenset(name for part in ("key", "starts_at", "ends_at") for name in generic.MEMBERS[part])


def events_of(payload: Any, headers: Mapping[str, str]) -> list[Any]:
    """The events of a request in the structured form, whatever mode they came in.

    ``headers`` have lower-case names; of a binary event they hold the attributes, and the payload is its data.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == BATCH:
        return payload if isinstance(payload, list) else [payload]
    if kind == STRUCTURED:
        return [payload]
    attributes = {name.removeprefix("ce-"): value for name, value in headers.items() if name.startswith("ce-")}
    return [{**attributes, "data": payload}]


def identity(event: Any) -> str | None:
    """What is the same of a duplicate: source and id (CloudEvents 1.0, ``id``). None for what is no event."""
    if not isinstance(event, dict):
        return None
    source, name = event.get("source"), event.get("id")
    return key_of(source, name) if isinstance(source, str) and isinstance(name, str) and source and name else None


def parse(payload: Any, headers: Mapping[str, str], reader: generic.Reader) -> Batch:
    """One signal for each event: an alert of its own, whose data is read as a generic payload is.

    The hook's expressions are over the event in the structured form.
    """
    events = events_of(payload, headers)
    reader.expect(min(len(events), MAX_SIGNALS))
    return batch_from(events, lambda index, event: _signal(event, f"event {index}", reader))


def _signal(found: Any, place: str, reader: generic.Reader) -> Signal:
    event = object_at(found, place)
    missing = [name for name in _REQUIRED if not isinstance(event.get(name), str) or not event[name]]
    if missing:
        raise Unreadable(f"{place} lacks {', '.join(missing)}")
    if not event["specversion"].startswith("1."):
        raise Unreadable(f"{place} is not of CloudEvents 1.0")
    name = key_of(event["source"], event["id"])
    shown = _readable(event)
    time = instant_in(event.get("time"))
    return generic.signal_of(shown, reader.parts_of(event, shown), key=name, starts_at=time or name, ends_at=time)


def _readable(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as a generic payload: what its data says of itself, over its attributes; never what identifies it."""
    data = event.get("data")
    own = data if isinstance(data, dict) else {}
    attributes = {name: value for name, value in event.items() if name not in _NOT_SHOWN}
    said = {name: value for name, value in own.items() if name not in _IDENTIFYING}
    return {**attributes, "name": event.get("subject") or event["type"], **said}
