"""Any JSON: read by the members that most senders use. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from app.inbound.signal import (
    MAX_TEXT,
    MAX_TITLE,
    Batch,
    Signal,
    Status,
    batch_of,
    bounded,
    cleaned,
    key_of,
    labels_of,
    links_of,
)

MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "key": ("key", "dedup_key", "fingerprint", "id"),
    "status": ("status", "state"),
    "title": ("title", "summary", "name"),
    "text": ("description", "text", "message", "body"),
    "labels": ("labels", "tags"),
    "group": ("group",),
    "starts_at": ("starts_at", "startsAt"),
    "link": ("link", "url"),
}
"""Where each part of a signal is looked for in an object."""
_RESOLVED: Final = frozenset(
    [
        "resolved",
        "resolve",
        "ok",
        "closed",
        "close",
        "recovered",
        "recovery",
        "inactive",
        "success",
        "up",
        "normal",
        "green",
        "false",
        "cleared",
    ]
)
_ACKNOWLEDGED: Final = frozenset({"acknowledged", "acknowledge", "ack"})
_MAX_INSTANT: Final = 64


def parse(payload: Any, digest: str) -> Batch:
    """A signal for each object of a list, or the one of an object.

    ``digest`` names a payload that has no key of its own: the same bytes again are the same alert.
    """
    items, left_out = bounded(payload if isinstance(payload, list) else [payload])
    names = [digest] if len(items) == 1 else [f"{digest}-{index}" for index in range(len(items))]
    return batch_of((signal_of(item, key=key) for item, key in zip(items, names, strict=True)), left_out)


def signal_of(item: Any, *, key: str, starts_at: str | None = None) -> Signal:
    """The signal that one JSON value tells; ``key`` and ``starts_at`` are for one that has none of its own."""
    parts = {part: _found(item, names) for part, names in MEMBERS.items()}
    labels = labels_of(item) | labels_of(parts["labels"])
    given, group = cleaned(parts["key"], MAX_TEXT), cleaned(parts["group"], MAX_TEXT)
    return Signal(
        key=key_of(given) if given else key,
        status=_status(parts["status"]),
        title=cleaned(parts["title"], MAX_TITLE) or cleaned(parts["text"], MAX_TITLE) or "Alert",
        text=cleaned(parts["text"], MAX_TEXT),
        labels=labels,
        links=links_of(parts, {"link": "Source"}),
        group=key_of(group) if group else None,
        starts_at=cleaned(parts["starts_at"], _MAX_INSTANT) or starts_at,
    )


def _found(item: Any, names: tuple[str, ...]) -> Any:
    """The first of these members that the object has."""
    return next((item[name] for name in names if name in item), None) if isinstance(item, dict) else None


def _status(value: Any) -> Status:
    word = cleaned(value, 40).lower()
    if word in _ACKNOWLEDGED:
        return "acknowledged"
    return "resolved" if word in _RESOLVED else "firing"
