"""Any JSON: read by the members that most senders use, or by the hook's own JMESPath expressions. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.jmespath.projection import Projection, ProjectionFailed, TooCostly, compile_projection
from app.core.text.messages import _
from app.inbound.formats.signal import (
    MAX_SIGNALS,
    MAX_TEXT,
    MAX_TITLE,
    NAMELESS,
    SOURCE,
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
from app.inbound.formats.statuses import status_of

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
SOURCES: Final = ("source", "host", "hostname", "instance", "node", "server", "service", "monitor", "check")
"""Where the source of an alert without a key is looked for, among its members and then its labels."""
_NEVER_LABELS: Final = frozenset(
    {"status", "link", *(name for part in MEMBERS if part not in ("title", "status", "link") for name in MEMBERS[part])}
)
_SILENT: Final = frozenset({*MEMBERS["title"], "state", "url"})
"""Labels for rules to match whose changes are not told: many senders' differ with each delivery."""

STEPS: Final = 100_000
"""Nodes that the expressions of a hook visit in one payload, all together; about a fifth of a second at worst."""
_SHARE: Final = 1_000
"""Each application has a share of the steps that is as large as this at the least."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How a hook has any JSON read."""

    expressions: Mapping[str, str] = field(default_factory=dict)
    """JMESPath by the name of the part; all of them have been checked"""
    words: Mapping[str, Status] = field(default_factory=dict)
    """its own words of a status"""


class Reader:
    """What reads one value after the other: the hook's expressions within their budget, and the usual members."""

    def __init__(self, interpretation: Interpretation, steps: int = STEPS) -> None:
        self.words = interpretation.words
        self._expressions = {part: compile_projection(text) for part, text in interpretation.expressions.items()}
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
        found = {part: _found(usual, part) for part in MEMBERS}
        name = _("the expression") if "key" in own else f"`{_name_of(usual, 'key')}`"
        return found | own | {"key_from": name}

    def _apply(self, part: str, expression: Projection, value: Any) -> Any:
        try:
            return expression.apply(value, steps=self._steps)
        except ProjectionFailed as error:
            kind = TooManySteps if isinstance(error, TooCostly) else Unreadable
            reason = _("The hook's expression for '{part}' cannot be applied: {error}", part=part, error=error.reason)
            raise kind(reason) from error


def parse(payload: Any, reader: Reader, digest: str) -> Batch:
    """A signal for each object of a list, or the one of an object.

    An alert without a key is known by its source and title, and one without a title by the ``digest`` of the payload.
    """
    items = reader.items_of(payload)
    reader.expect(min(len(items), MAX_SIGNALS))

    def read(index: int, item: Any) -> Signal:
        found = item if reader.has_expressions else object_at(item, _("item {index}", index=index))
        default = Default(digest=digest if len(items) == 1 else f"{digest}-{index}")
        return signal_of(found, reader.parts_of(found, found), reader.words, default=default)

    return batch_from(items, read)


def signal_of(
    item: Any,
    parts: Mapping[str, Any],
    words: Mapping[str, Status],
    *,
    default: "Default",
) -> Signal:
    """The signal that one JSON value tells; ``default`` is for what it does not say itself."""
    members = item if isinstance(item, dict) else {}
    title = cleaned(parts["title"], MAX_TITLE)
    shown = {name: value for name, value in members.items() if name not in _NEVER_LABELS}
    shown = {name: value for name, value in shown.items() if name not in MEMBERS["title"] or value != parts["title"]}
    labels = labels_of(shown) | labels_of(parts["labels"])
    given, group = cleaned(parts["key"], MAX_TEXT), cleaned(parts["group"], MAX_TEXT)
    name, named_by = (key_of(given), parts["key_from"]) if given else default.name_of(members, labels, title)
    return Signal(
        key=name,
        status=status_of(parts["status"], words),
        title=title or cleaned(parts["text"], MAX_TITLE) or NAMELESS,
        text=cleaned(parts["text"], MAX_TEXT),
        labels=labels,
        links=links_of(parts, {"link": SOURCE}),
        group=key_of(group) if group else None,
        starts_at=instant_in(parts["starts_at"]) or default.starts_at,
        ends_at=instant_in(parts["ends_at"]) or default.ends_at,
        named_by=named_by,
        silent=frozenset(name for name in _SILENT if name in shown),
        formerly=None if given or name == default.digest else default.digest,
    )


@dataclass(frozen=True, slots=True)
class Default:
    """What holds of a signal that does not say it itself."""

    key: str | None = None
    """its name, where the format has one"""
    digest: str | None = None
    """else its name where it has no title"""
    starts_at: str | None = None
    ends_at: str | None = None

    def name_of(self, members: Mapping[str, Any], labels: Mapping[str, str], title: str) -> tuple[str, str]:
        """A key, and what it is made of: the format's, else source and title, else the bytes."""
        if self.key is not None:
            return self.key, "event"
        if not title and self.digest:
            return self.digest, "content"
        found = ((name, cleaned(where.get(name), MAX_TEXT)) for where in (members, labels) for name in SOURCES)
        name, source = next(((name, source) for name, source in found if source), ("", ""))
        if not source:
            return key_of(title), _("the title")
        return key_of(source, title), _("{member} and the title", member=f"`{name}`")


def _name_of(item: Any, part: str) -> str:
    """The first member for this part that says anything, if the item has one."""
    members = item if isinstance(item, dict) else {}
    return next((name for name in MEMBERS[part] if _says(part, members.get(name))), "")


def _found(item: Any, part: str) -> Any:
    name = _name_of(item, part)
    return item[name] if name else None


def _says(part: str, value: Any) -> bool:
    return bool(labels_of(value)) if part == "labels" else bool(cleaned(value, 1))
