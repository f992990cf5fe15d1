"""CloudEvents 1.0 over HTTP: binary, structured and batched. Pure."""

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote

from app.core.text.messages import Message, _, joined, ngettext
from app.inbound.formats import generic
from app.inbound.formats.parsing import Parsed, parse
from app.inbound.formats.signal import (
    MAX_SIGNALS,
    Batch,
    Signal,
    Unreadable,
    batch_from,
    digest_of,
    instant_in,
    key_of,
    object_at,
)

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_REQUIRED: Final = ("id", "source", "specversion", "type")
_NOT_SHOWN: Final = frozenset({"id", "time", "specversion", "data", "data_base64", "datacontenttype", "dataschema"})
_IDENTIFYING: Final = frozenset(name for part in ("key", "starts_at", "ends_at") for name in generic.MEMBERS[part])
_PREFIX: Final = "ce-"
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


def events_of(body: bytes, headers: Mapping[str, str]) -> Parsed:
    """The list of a request's events in the structured form, whatever mode they came in. Raises ``Unreadable``.

    ``headers`` have lower-case names. A request without attributes in its headers is no binary event, whatever its
    content type says: its body is an event, or a batch.
    """
    content_type = headers.get("content-type", "")
    attributes = {name: attribute_of(value) for name, value in headers.items() if name.startswith(_PREFIX)}
    if _is_binary(headers):
        event = {name.removeprefix(_PREFIX): value for name, value in attributes.items()}
        data, omissions = _data_of(body, content_type)
        event |= {"datacontenttype": content_type} if content_type else {}
        return Parsed([event | data], omissions)
    parsed = parse(body, content_type)
    found = parsed.value if isinstance(parsed.value, list) else [parsed.value]
    events = [_opened(event, _place(index)) for index, event in enumerate(found)]
    omissions = tuple(omission for _, omission in events if omission)
    return Parsed([event for event, _ in events], (*parsed.omissions, *omissions))


def _place(index: int) -> Message:
    return _("event {index}", index=index)


def _is_binary(headers: Mapping[str, str]) -> bool:
    """Whether a request has an event's attributes in its headers, and the event's data alone in its body."""
    kind = _media(headers.get("content-type", ""))
    return kind not in (STRUCTURED, BATCH) and any(name.startswith(_PREFIX) for name in headers)


def attribute_of(value: str) -> str:
    """The attribute that a header's value stands for (HTTP binding, 3.1.3.2).

    One round of unquoting and one of percent-decoding. A sender that does neither sends its UTF-8 as it is, which the
    server hands on as ISO 8859-1.
    """
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _QUOTED_PAIR.sub(r"\1", value[1:-1])
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode()
    return unquote(value)


def _media(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(media: str) -> bool:
    return media in ("", "application/json", "text/json") or media.endswith("+json")


def _data_of(body: bytes, content_type: str) -> tuple[dict[str, Any], tuple[Message, ...]]:
    """The member ``data`` of an event with this content, and what was left out; an event needs none."""
    if not body.strip():
        return {}, ()
    media = _media(content_type)
    if media.startswith("text/") and not _is_json(media):
        return {"data": body.decode(errors="replace")}, ()
    try:
        parsed = parse(body, content_type)
    except Unreadable as error:
        return {}, (_("The event's data: {error}", error=error.reason),)
    return {"data": parsed.value}, parsed.omissions


def _opened(event: Any, place: Message) -> tuple[Any, Message | None]:
    """A structured event with its ``data_base64`` as ``data``, as far as it is JSON or text; and what is left out."""
    if not isinstance(event, dict) or "data" in event or not isinstance(event.get("data_base64"), str):
        return event, None
    media = event.get("datacontenttype")
    try:
        content = _unbase64(event["data_base64"])
    except ValueError:
        return event, _("{place}/data_base64 is not base64", place=place)
    data, omissions = _data_of(content, media if isinstance(media, str) else "")
    return event | data, joined((place, "/data_base64: ", omissions[0]), "") if omissions else None


def _unbase64(text: str) -> bytes:
    """The bytes of base64 in either alphabet, with line breaks and without padding too. Raises ``ValueError``."""
    plain = "".join(text.split()).rstrip("=")
    return base64.b64decode(
        plain + "=" * (-len(plain) % 4), altchars=b"-_" if {*"-_"} & {*plain} else None, validate=True
    )


def identity(event: Any) -> str | None:
    """What is the same of a duplicate: source and id (CloudEvents 1.0, ``id``). None for what is no event."""
    if not isinstance(event, dict):
        return None
    source, name = event.get("source"), event.get("id")
    return key_of(source, name) if isinstance(source, str) and isinstance(name, str) and source and name else None


def event_key(body: bytes, headers: Mapping[str, str], most: int) -> str | None:
    """What is the same when a request is sent again: the identity of its one event; None for a batch.

    A body of more than ``most`` bytes takes too long to be read while others wait. Of a binary event the headers
    suffice; anything else is the same when it has the same bytes, as what a sender repeats does. Raises ``Unreadable``.
    """
    is_long = len(body) > most
    if is_long and not _is_binary(headers):
        return digest_of(body)
    events = events_of(b"" if is_long else body, headers).value
    return identity(events[0]) if len(events) == 1 else None


def read(events: list[Any], reader: generic.Reader) -> Batch:
    """One signal for each event: an alert of its own, whose data is read as a generic payload is.

    The hook's expressions are over the event in the structured form.
    """
    reader.expect(min(len(events), MAX_SIGNALS))
    return batch_from(events, lambda index, event: _signal(event, _place(index), reader))


def _signal(found: Any, place: Message, reader: generic.Reader) -> Signal:
    event = object_at(found, place)
    missing = [name for name in _REQUIRED if not isinstance(event.get(name), str) or not event[name]]
    if missing:
        facts = {"place": place, "members": ", ".join(missing)}
        raise Unreadable(ngettext("{place} lacks {members}", "{place} lacks {members}", len(missing), **facts))
    if not event["specversion"].startswith("1."):
        raise Unreadable(_("{place} is not of CloudEvents 1.0", place=place))
    name = key_of(event["source"], event["id"])
    shown = _readable(event)
    time = instant_in(event.get("time"))
    default = generic.Default(name, starts_at=time or name, ends_at=time)
    return generic.signal_of(shown, reader.parts_of(event, shown), reader.words, default=default)


def _readable(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as a generic payload: what its data says of itself, over its attributes; never what identifies it."""
    data = event.get("data")
    own = data if isinstance(data, dict) else {"text": data} if isinstance(data, str) else {}
    attributes = {name: value for name, value in event.items() if name not in _NOT_SHOWN}
    said = {name: value for name, value in own.items() if name not in _IDENTIFYING}
    return {**attributes, "name": event.get("subject") or event["type"], **said}
