"""What is asked for and answered about the feed."""

from typing import Any, Final

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from app.core.schemas.shared import Document, Instant
from app.events.examples import event_example
from app.events.schemas import Event
from app.feed.cursors import cursor_of

_PLACE: Final = 1843
_EVENT: Final[dict[str, Any]] = event_example("deadline.missed") | {"cursor": cursor_of(_PLACE)}
_TOKEN: Final[dict[str, Any]] = {
    "token": "hd_stream_7b0d5a0f2f9c4f6e9a1c3d5e7f9b1d3f5a7c9e1b3d5f7a9c",
    "expires_at": "2026-11-20T20:31:00Z",
}
STREAMED: Final = (
    f": cursor {cursor_of(_PLACE - 1)}\nid: {cursor_of(_PLACE - 1)}\nretry: 1000\n\n"
    f'event: deadline.missed\ndata: {{"id": "{_EVENT["id"]}", ...}}\nid: {cursor_of(_PLACE)}\n\n'
)
"""The beginning of a stream, cut short."""


class FeedEvent(Event):
    """An event, with its place in the feed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT]})

    cursor: str = Field(description="Opaque: as `after`, everything behind this event")


class FeedPage(Document):
    """The events behind a place in the feed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [_EVENT], "next_cursor": cursor_of(_PLACE + 4), "has_more": False}],
        }
    )

    items: list[FeedEvent] = Field(description="In the order of the feed: each ticket's by `sequence`")
    next_cursor: str = Field(
        description="Keep it and pass it as `after` for what comes next, at any later time, even if the page is empty"
    )
    has_more: bool = Field(description="Whether there is more to read at once, even if this page is empty")


class StreamToken(Document):
    """What opens one stream."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOKEN]})

    token: str | SkipJsonSchema[None] = Field(
        None, description="Shown this once; a replay of the request does not have it"
    )
    expires_at: Instant = Field(description="Until when a stream can be opened with it; the stream itself stays open")
