"""Any JSON: read by the members that most senders use, or by the hook's own JMESPath expressions. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.projection import Projection, ProjectionFailed, TooCostly, compile_projection
from app.inbound.signal import (
    MAX_SIGNALS,
    MAX_TEXT,
    MAX_TITLE,
    Batch,
    Signal,
    Status,
    TooManySteps,
    Unreadable,
    batch_from,
    cleaned,
    instant_in,
    key_of,
    labels_of,
    links_of,
    object_at,
)

MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "key": ("key", "dedup_key", "fingerprint", "id"),
    "status": ("status", "state"),
    "title": ("title", "summary", "name"),
    "text": ("description", "text", "message", "body"),
    "labels": ("labels", "tags"),
    "group": ("group",),
    "starts_at": ("starts_at", "startsAt"),
    "ends_at": ("ends_at", "endsAt"),
    "link": ("link", "url"),
}
"""Where each part of a signal is looked for in an object, unless an expression finds it."""
_USED: Final = frozenset(name for names in MEMBERS.values() for name in names)
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


STEPS: Final = 100_000
"""Nodes that the expressions of a hook visit in one payload, all together; about a fifth of a second at worst."""
_SHARE: Final = 1_000
"""Each application has a share of the steps that is as large as this at the least."""


class Reader:
    """What reads one value after the other: the hook's expressions within their budget, and the usual members."""

    def __init__(self, expressions: Mapping[str, str], steps: int = STEPS) -> None:
        """``expressions``: JMESPath by the name of the part; all of them have been checked."""
        self._expressions = {part: compile_projection(text) for part, text in expressions.items()}
        self._all_steps = self._steps = steps

    @property
    def has_expressions(self) -> bool:
        """Whether the hook says where the parts of an alert are, so that it need not be an object."""
        return any(part != "each" for part in self._expressions)

    def items_of(self, payload: Any) -> list[Any]:
        """What is an alert each: what the expression ``each`` finds, else the payload, or its items. ``Unreadable``."""
        each = self._expressions.get("each")
        found = self._apply("each", each, payload) if each else payload
        return found if isinstance(found, list) else [found]

    def expect(self, items: int) -> None:
        """So many items come: they share the budget."""
        applications = max(1, items * len(self._expressions))
        self._steps = max(self._all_steps // _SHARE, self._all_steps // applications)

    def parts_of(self, item: Any, usual: Any) -> dict[str, Any]:
        """The parts of one alert; those without an expression from the members of ``usual``. Raises ``Unreadable``."""
        own = {part: self._apply(part, each, item) for part, each in self._expressions.items() if part != "each"}
        return {part: _found(usual, names) for part, names in MEMBERS.items()} | own

    def _apply(self, part: str, expression: Projection, value: Any) -> Any:
        try:
            return expression.apply(value, steps=self._steps)
        except ProjectionFailed as error:
            kind = TooManySteps if isinstance(error, TooCostly) else Unreadable
            raise kind(f"The hook's expression for '{part}' cannot be applied: {error}") from error


def parse(payload: Any, reader: Reader, digest: str) -> Batch:
    """A signal for each object of a list, or the one of an object.

    ``digest`` names a payload that has no key of its own: the same bytes again are the same alert.
    """
    items = reader.items_of(payload)
    reader.expect(min(len(items), MAX_SIGNALS))

    def read(index: int, item: Any) -> Signal:
        found = item if reader.has_expressions else object_at(item, f"item {index}")
        key = digest if len(items) == 1 else f"{digest}-{index}"
        return signal_of(found, reader.parts_of(found, found), key=key)

    return batch_from(items, read)


def signal_of(
    item: Any, parts: Mapping[str, Any], *, key: str, starts_at: str | None = None, ends_at: str | None = None
) -> Signal:
    """The signal that one JSON value tells; ``key`` and the instants are for one that has none of its own."""
    others = {name: value for name, value in item.items() if name not in _USED} if isinstance(item, dict) else {}
    labels = labels_of(others) | labels_of(parts["labels"])
    given, group = cleaned(parts["key"], MAX_TEXT), cleaned(parts["group"], MAX_TEXT)
    return Signal(
        key=key_of(given) if given else key,
        status=_status(parts["status"]),
        title=cleaned(parts["title"], MAX_TITLE) or cleaned(parts["text"], MAX_TITLE) or "Alert",
        text=cleaned(parts["text"], MAX_TEXT),
        labels=labels,
        links=links_of(parts, {"link": "Source"}),
        group=key_of(group) if group else None,
        starts_at=instant_in(parts["starts_at"]) or starts_at,
        ends_at=instant_in(parts["ends_at"]) or ends_at,
    )


def _found(item: Any, names: tuple[str, ...]) -> Any:
    """The first of these members that the object has."""
    return next((item[name] for name in names if name in item), None) if isinstance(item, dict) else None


def _status(value: Any) -> Status:
    word = cleaned(value, 40).lower()
    if word in _ACKNOWLEDGED:
        return "acknowledged"
    return "resolved" if word in _RESOLVED else "firing"
