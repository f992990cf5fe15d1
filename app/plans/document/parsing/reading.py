"""Plan text to plain data: YAML of the kind that JSON could say too, and bounds that hold before costly checks."""

import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import yaml

from app.core.problems import Fault, Invalid
from app.core.schemas.shared import pointer
from app.core.text.messages import _

Step: TypeAlias = str | int

MAX_CHARACTERS: Final = 512 * 1024
MAX_VALUES: Final = 20_000
MAX_DEPTH: Final = 20

_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]{0,18}\.[0-9]{1,18}")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def refuse(*faults: Fault) -> Invalid:
    """The problem that tells all these faults of a plan document."""
    return Invalid(_("The plan document is not valid."), errors=faults)


def read_yaml(text: str, lines: dict[str, int] | None = None) -> Any:
    """Plain data from YAML text; ``lines`` is given the line of each pointer, as far as the text was read.

    Raises ``Invalid`` for what is not YAML, and for what only YAML has: anchors and aliases (a few lines of them make
    billions of values), tags, twin keys, several documents. Dates, ``18:00`` and ``yes`` stay text, as in JSON.
    """
    if len(text) > MAX_CHARACTERS:
        raise refuse(
            Fault(
                pointer="",
                detail=_("A plan document has at most {most} characters.", most=MAX_CHARACTERS),
            )
        )
    try:
        return _Builder(yaml.parse(text, Loader=yaml.CSafeLoader), lines).document()
    except (yaml.YAMLError, UnicodeError) as error:
        raise refuse(
            Fault(pointer="", detail=_("This is not YAML: {reason}.", reason=" ".join(str(error).split())))
        ) from error


class _Builder:
    """Builds one value out of a stream of YAML events."""

    def __init__(self, events: Iterator[Any], lines: dict[str, int] | None) -> None:
        self._events, self._lines = events, lines
        self._left = 3 * MAX_VALUES

    def document(self) -> Any:
        """The value of the only document in the stream; None for an empty one."""
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        value = self._value(self._next(), ())
        self._next()
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise refuse(Fault(pointer="", detail=_("The text holds more than one YAML document.")))
        return value

    def _next(self) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _too_many()
        return next(self._events)

    def _note(self, event: Any, path: tuple[Step, ...]) -> None:
        if self._lines is not None:
            self._lines.setdefault(pointer(path), event.start_mark.line + 1)

    def _value(self, event: Any, path: tuple[Step, ...]) -> Any:
        self._note(event, path)
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise refuse(
                Fault(pointer=pointer(path), detail=_("Anchors and aliases are not supported: write the values out."))
            )
        if event.tag:
            raise refuse(Fault(pointer=pointer(path), detail=_("YAML tags are not supported.")))
        if isinstance(event, yaml.ScalarEvent):
            return _plain(event.value) if event.implicit[0] else event.value
        if len(path) >= MAX_DEPTH:
            raise _too_deep(path)
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _sequence(self, path: tuple[Step, ...]) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: tuple[Step, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise refuse(Fault(pointer=pointer(path), detail=_("A key has to be text.")))
            if event.value in values:
                raise refuse(Fault(pointer=pointer((*path, event.value)), detail=_("This key appears here twice.")))
            self._note(event, (*path, event.value))
            values[event.value] = self._value(self._next(), (*path, event.value))
        return values


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def check_bounds(data: Any) -> None:
    """Raise ``Invalid`` when plain data is too large, too deep, or has text that the database cannot store."""
    todo: list[tuple[Any, tuple[Step, ...]]] = [(data, ())]
    seen = 0
    while todo:
        value, path = todo.pop()
        if len(path) > MAX_DEPTH:
            raise _too_deep(path)
        if isinstance(value, str) and _UNSTORABLE.search(value):
            raise refuse(
                Fault(pointer=pointer(path), detail=_("Text cannot contain NUL characters or lone surrogates."))
            )
        inner = list(_inner(value))
        seen += len(inner)
        if seen > MAX_VALUES:
            raise _too_many()
        todo += [(part, (*path, step)) for step, part in inner]


def _inner(value: Any) -> Iterator[tuple[Step, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _too_many() -> Invalid:
    return refuse(Fault(pointer="", detail=_("A plan document has at most {most} values.", most=MAX_VALUES)))


def _too_deep(path: tuple[Step, ...]) -> Invalid:
    return refuse(
        Fault(
            pointer=pointer(path[:MAX_DEPTH]),
            detail=_("Values are nested at most {most} levels deep.", most=MAX_DEPTH),
        )
    )
