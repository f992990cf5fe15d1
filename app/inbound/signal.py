"""What the payload of any sender comes down to. Pure.

Everything here is from outside, so every text is cleaned and cut to a limit before anything looks at it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from app.inbound.instants import is_never

Status: TypeAlias = Literal["firing", "acknowledged", "resolved"]

MAX_SIGNALS: Final = 1_000
"""Signals that are taken of one payload; what is beyond is counted."""
MAX_TITLE: Final = 300
MAX_TEXT: Final = 8_000
_MAX_KEY: Final = 200
_MAX_NAME: Final = 100
_MAX_VALUE: Final = 500
_MAX_LABELS: Final = 100
_MAX_LINK: Final = 2_000
_MAX_INSTANT: Final = 64


class Unreadable(ValueError):
    """A payload that is not what its format says; the text tells the sender's owner what is wrong."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where to read on, as the sender says."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One alert in one state. ``key`` is the sender's name of it: the same while it fires, and when it fires again."""

    key: str
    status: Status
    title: str
    text: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    group: str | None = None
    starts_at: str | None = None
    """which time it fires, in the sender's words: only ever compared (``instants``)"""
    ends_at: str | None = None
    """when it was over, in the sender's words"""
    at: str | None = None
    """when the sender told of it, where the format has no start: a later telling is no restart"""

    @property
    def digest(self) -> str:
        """What it says: another digest in the same state is a change to tell of."""
        parts = (self.title, self.text, *(f"{name}={value}" for name, value in sorted(self.labels.items())))
        return digest_of("\0".join(parts).encode())


@dataclass(frozen=True, slots=True)
class Batch:
    """The signals of one payload; ``left_out``: alerts that it has, or only counts, and that are not among them."""

    signals: tuple[Signal, ...]
    left_out: int = 0


def digest_of(content: bytes) -> str:
    """A short name of some bytes: 128 bits of their SHA-256."""
    return hashlib.sha256(content).hexdigest()[:32]


def cleaned(value: Any, limit: int) -> str:
    """A text or number as text, without what Postgres cannot hold, cut to the limit; empty for anything else."""
    if not isinstance(value, str | int | float):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)[: limit * 2].replace("\0", "\N{REPLACEMENT CHARACTER}").strip()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def instant_in(value: Any) -> str | None:
    """An instant in the sender's words; None for none, and for the year 0001."""
    text = cleaned(value, _MAX_INSTANT)
    return None if not text or is_never(text) else text


def key_of(*parts: str) -> str:
    """A sender's name of an alert, or of a group: as it is where it is short, else its digest."""
    key = "/".join(parts)
    return key if len(key) <= _MAX_KEY and "\0" not in key else digest_of(key.encode())


def labels_of(value: Any) -> dict[str, str]:
    """The members of an object that are texts, numbers or truth values, the first hundred."""
    if not isinstance(value, dict):
        return {}
    flat = ((cleaned(name, _MAX_NAME), cleaned(part, _MAX_VALUE)) for name, part in value.items())
    return dict(islice(((name, part) for name, part in flat if name and part), _MAX_LABELS))


def links_of(source: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Link, ...]:
    """The web addresses among these members; ``names`` says what each is called."""
    found = ((text, cleaned(source.get(name), _MAX_LINK)) for name, text in names.items())
    return tuple(Link(text, url) for text, url in found if url.startswith(("https://", "http://")))


def list_in(payload: Any, name: str) -> list[Any]:
    """The list that a payload has under this name. Raises ``Unreadable``."""
    items = payload.get(name) if isinstance(payload, dict) else None
    if not isinstance(items, list):
        raise Unreadable(f"The payload has no list '{name}'")
    return items


def object_at(item: Any, place: str) -> Mapping[str, Any]:
    """An object. Raises ``Unreadable`` with its place."""
    if not isinstance(item, dict):
        raise Unreadable(f"{place} is not an object")
    return item


def batch_of(signals: Iterable[Signal], left_out: int = 0) -> Batch:
    """The signals in an order in which no ticket ends before all is known that still fires.

    What fires comes first, unless the payload tells of one alert twice: then its order is what happened.
    """
    found = tuple(signals)
    if len({signal.key for signal in found}) == len(found):
        found = tuple(sorted(found, key=lambda signal: signal.status == "resolved"))
    return Batch(found, left_out)


def bounded(items: Sequence[Any]) -> tuple[Sequence[Any], int]:
    """As many items as are taken, and how many are left out; of objects with a status those that fire come first."""
    if len(items) <= MAX_SIGNALS:
        return items, 0
    firing_first = sorted(items, key=lambda item: isinstance(item, dict) and item.get("status") == "resolved")
    return firing_first[:MAX_SIGNALS], len(items) - MAX_SIGNALS
