"""How two plan documents differ, for people who review a change. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import orjson

_LONG: Final = 60
"""The most characters of a value that are shown."""
_LEAD: Final = 15
"""Characters before the first difference of two long texts that are shown."""
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """A place (reference tokens joined by ``/``; entries of a list by their ``key``) and its value on either side."""

    place: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before, after = _text(self.before), _text(self.after)
        if max(len(before), len(after)) > _LONG:
            alike = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
            start = max(sum(1 for _ in alike) - _LEAD, 0)
            before, after = _cut(before, start), _cut(after, start)
        return f"{self.place}: {before} -> {after}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What differs between two documents in canonical JSON, in the order of the document."""
    return list(_walk((), dict(before), dict(after)))


def _walk(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    mine, theirs = _entries(before), _entries(after)
    if mine is None or theirs is None:
        if before != after:
            yield Difference("/".join(path), before, after)
        return
    if isinstance(before, list) and _common(mine, theirs) != _common(theirs, mine):
        yield Difference("/".join(path), list(mine), list(theirs))
    for name in {**mine, **theirs}:
        yield from _walk((*path, name), mine.get(name, _ABSENT), theirs.get(name, _ABSENT))


def _entries(value: Any) -> dict[str, Any] | None:
    """The parts of a mapping, or of a list whose entries have keys; None for what is compared as a whole."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(part, dict) and "key" in part for part in value):
        return {part["key"]: part for part in value}
    return None


def _common(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    return [name for name in mine if name in theirs]


def _text(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "nothing"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _cut(text: str, start: int) -> str:
    end = start + _LONG
    shown = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{shown}{'…' if len(text) > end else ''}"
