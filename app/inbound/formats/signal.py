"""What the payload of any sender comes down to. Pure.

Everything here is from outside, so every text is cleaned and cut to a limit before anything looks at it.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from app.core.text.messages import Message, _, joined, ngettext, pgettext, verbatim
from app.core.text.phrases import and_more
from app.inbound.formats.instants import is_never

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
MAX_COUNT: Final = 2**31 - 1
_MAX_DIGITS: Final = 12
_MAX_OMISSIONS: Final = 20
_MAX_OMISSION: Final = 200
NAMELESS: Final = pgettext("alert", "Alert")
"""The title of an alert that has none."""
SOURCE: Final = pgettext("link", "Source")
"""What a link to where the alert comes from is called."""
_KINDS: Final[Mapping[type, Message]] = {
    type(None): verbatim("null"),
    str: pgettext("JSON", "a text"),
    bool: pgettext("JSON", "true or false"),
    int: pgettext("JSON", "a number"),
    float: pgettext("JSON", "a number"),
    list: pgettext("JSON", "a list"),
}


class Unreadable(ValueError):
    """A payload, or a part of it, that is not what its format says; the message tells its owner what is wrong."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


class TooManySteps(Unreadable):
    """The hook's expressions take more steps over a payload than they may."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where to read on, as the sender says."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One alert in one state. ``key`` is the sender's name of it: the same while it fires, and when it fires again.

    Texts are the sender's words. What stands for those that it lacks is a message, to be read in any language.
    """

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
    named_by: str = ""
    """what its key was made of"""
    silent: frozenset[str] = frozenset()
    """labels that are for rules only: their changes are not told"""
    formerly: str | None = None
    """the key under which earlier versions knew it, where that is another one"""

    @property
    def digest(self) -> str:
        """What it says: another digest in the same state is a change to tell of."""
        told = sorted(each for each in self.labels.items() if each[0] not in self.silent)
        parts = (self.title, self.text, *(f"{name}={value}" for name, value in told))
        return digest_of("\0".join(parts).encode())


@dataclass(frozen=True, slots=True)
class Batch:
    """The signals of one payload; ``left_out``: alerts that it has, or only counts, and that are not among them.

    ``omissions``: what else is not among them, and why, for people to read.
    """

    signals: tuple[Signal, ...]
    left_out: int = 0
    omissions: tuple[Message, ...] = ()

    def without(self, omissions: Sequence[Message]) -> "Batch":
        """The same, which is without more."""
        return replace(self, omissions=bounded_texts([*omissions, *self.omissions])) if omissions else self


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
        raise Unreadable(_("The payload has no list '{name}'", name=name))
    return items


def object_at(item: Any, place: str) -> Mapping[str, Any]:
    """An object. Raises ``Unreadable`` with its place."""
    if not isinstance(item, dict):
        kind = _KINDS.get(type(item), verbatim(type(item).__name__))
        raise Unreadable(_("{place} is not an object, but {kind}", place=place, kind=kind))
    return item


def batch_of(signals: Iterable[Signal], left_out: int = 0) -> Batch:
    """The signals in an order in which no ticket ends before all is known that still fires.

    What fires comes first, unless the payload tells of one alert twice: then its order is what happened.
    """
    found = tuple(signals)
    if len({signal.key for signal in found}) == len(found):
        found = tuple(sorted(found, key=lambda signal: signal.status == "resolved"))
    return Batch(found, left_out)


def batch_from(items: Sequence[Any], read: Callable[[int, Any], Signal], uncounted: int = 0) -> Batch:
    """The signals that ``read`` makes of items by their index; those that are ``Unreadable`` are left out, and told of.

    ``uncounted``: alerts that the payload has beside these items. Raises ``Unreadable`` where no item can be read, and
    ``TooManySteps``.
    """
    taken, beyond = _bounded(items)
    signals, faults = [], []
    for index, item in taken:
        try:
            signals.append(read(index, item))
        except TooManySteps:
            raise
        except Unreadable as error:
            faults.append(error.reason)
    if faults and not signals:
        raise Unreadable(joined(bounded_texts(faults)))
    batch = batch_of(signals, min(beyond + len(faults) + uncounted, MAX_COUNT))
    return batch.without([*faults, *([_beyond(beyond)] if beyond else [])])


def _beyond(number: int) -> Message:
    return ngettext("{n} alert after the first {most}", "{n} alerts after the first {most}", number, most=MAX_SIGNALS)


def count_in(value: Any) -> int:
    """A number of things that a sender states, as large as a column holds; 0 for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return min(int(value[:_MAX_DIGITS]), MAX_COUNT)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(min(value, MAX_COUNT)) if is_number and value > 0 else 0


def bounded_texts(texts: Sequence[Message]) -> tuple[Message, ...]:
    """A few of these texts, each cut, and how many more there are."""
    more = len(texts) - _MAX_OMISSIONS
    shown = (bounded(text, _MAX_OMISSION) for text in texts[:_MAX_OMISSIONS])
    return (*shown, *([and_more(more)] if more > 0 else []))


def bounded(text: Message, limit: int) -> Message:
    """A message that can be stored; one that is too long is cut, and stays English."""
    kept = cleaned(text, limit)
    return text if kept == text else verbatim(kept)


def _bounded(items: Sequence[Any]) -> tuple[Sequence[tuple[int, Any]], int]:
    """As many items as are taken, and how many are not; of objects with a status those that fire come first."""
    numbered = list(enumerate(items))
    if len(items) <= MAX_SIGNALS:
        return numbered, 0
    firing_first = sorted(numbered, key=lambda each: isinstance(each[1], dict) and each[1].get("status") == "resolved")
    return firing_first[:MAX_SIGNALS], len(items) - MAX_SIGNALS
