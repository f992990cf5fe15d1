"""The ``webhooks`` section of the OpenAPI document: each event that an endpoint may get, and how it comes."""

from collections.abc import Iterator
from typing import Any, Final, Literal

from pydantic import BaseModel, create_model
from pydantic.json_schema import models_json_schema

from app.core.outgoing.via import HEADER
from app.events.examples import event_example
from app.events.schemas import Event
from app.events.types import EVENTS, EventData

_REF: Final = "#/components/schemas/{model}"
_HEADERS: Final = {
    "webhook-id": "The event's id, the same on every attempt: drop one that you have seen before",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970 (UTC)",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` with the endpoint's secret; "
    "while an old secret goes on after a rotation, one signature for each, with a space between",
    HEADER: "The installations of Heliodesk through which the cause of the event has come, the sender's own last, with "
    "commas between. Pass it on with whatever you send to an inbound hook, so that loops end",
}
_EXAMPLES: Final = {
    "webhook-id": event_example("ticket.opened")["id"],
    "webhook-timestamp": 1795208400,
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    HEADER: "inst_01k9z3v5q8e9rbn3wz4m6t7y2a",
}
_RESPONSES: Final = {
    "2XX": {
        "description": "Accepted. The body is ignored, except that its first 1024 bytes are kept in the delivery's log"
    },
    "410": {"description": "The endpoint is disabled and gets no more events until it is enabled again"},
    "429": {"description": "Retried later; `Retry-After` is honoured, up to twice the usual wait (502 to 504 too)"},
    "default": {"description": "Retried, up to ten attempts in about three days. Redirects are not followed"},
}


def envelope_model(event: type[EventData]) -> type[BaseModel]:
    """The envelope of events of this type: its ``type`` is fixed, its ``data`` has a shape."""
    return create_model(
        f"{event.__name__}Event",
        __base__=Event,
        __doc__=event.__doc__,
        type=(Literal[event.type], ...),  # type: ignore[arg-type]  # each type is a constant of its class
        data=(event, ...),
    )


def schemas() -> dict[str, Any]:
    """The JSON schemas of all envelopes, and of what they hold, by name."""
    models = [(envelope_model(event), "serialization") for event in EVENTS]
    _, definitions = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]  # its mode is a Literal
    found: dict[str, Any] = definitions["$defs"]
    return found


def parameters() -> dict[str, Any]:
    """The headers of Standard Webhooks 1.0.0, and that of the way, as components."""
    return {
        name: {
            "name": name,
            "in": "header",
            "required": True,
            "description": description,
            "schema": {"type": "integer" if name == "webhook-timestamp" else "string"},
            "example": _EXAMPLES[name],
        }
        for name, description in _HEADERS.items()
    }


def webhooks() -> dict[str, Any]:
    """A path item for every event, by its type."""
    return {event.type: {"post": dict(_operation(event))} for event in EVENTS}


def _operation(event: type[EventData]) -> Iterator[tuple[str, Any]]:
    summary, _, more = (event.__doc__ or "").strip().partition("\n")
    yield "operationId", f"on_{event.type.replace('.', '_')}"
    yield "tags", ["Webhooks"]
    yield "summary", summary.split(". ")[0].removesuffix(".")
    yield "description", " ".join([summary, *more.split()])
    yield "security", []
    yield "parameters", [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS]
    media = {
        "schema": {"$ref": _REF.format(model=f"{event.__name__}Event")},
        "example": event_example(event.type),
    }
    yield "requestBody", {"required": True, "content": {"application/json": media}}
    yield "responses", _RESPONSES
