"""What pydantic found wrong with a plan document, as places and plain sentences."""

import json
import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.core.problems import Fault
from app.core.schemas.shared import pointer
from app.core.schemas.validation import place_of, said_of
from app.core.text.messages import Message, _
from app.plans.document.parsing.reading import Step
from app.plans.document.parsing.stored import RENAMED
from app.plans.document.words import NAME_PATTERN

_EXAMPLE: Final = ["P1", "P2"]
_SHOWN: Final = 5


def shape_faults(error: ValidationError, data: Any) -> Iterator[Fault]:
    """A fault for each place of ``data`` that has not the shape of a plan document."""
    for found in error.errors(include_url=False):
        path = place_of(found, data)
        yield Fault(pointer=pointer(path), detail=_sentence(found, path))


def without_faulty_entries(error: ValidationError, data: Any) -> Any:
    """``data`` less the entries that have faults of shape, so that the rest can be checked all the same.

    An entry is the innermost key that is not inside a list: the indexes of lists, which pointers name, stay right.
    """
    faulty = {_entry(place_of(found, data)) for found in error.errors(include_url=False)}
    return _pruned(data, (), faulty)


def _entry(path: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(takewhile(lambda step: isinstance(step, str), path))


def _pruned(data: Any, path: tuple[Step, ...], faulty: set[tuple[Step, ...]]) -> Any:
    if not isinstance(data, dict):
        return data
    kept = {key: value for key, value in data.items() if (*path, key) not in faulty}
    return {key: _pruned(value, (*path, key), faulty) for key, value in kept.items()}


def _sentence(found: ErrorDetails, path: tuple[Step, ...]) -> Message:
    key, context = path[-1] if path else "", found.get("ctx", {})
    match found["type"]:
        case "extra_forbidden" if name := _successor(path):
            return _("The key `{key}` is called `{name}`.", key=str(key), name=name)
        case "extra_forbidden":
            return _("The key `{key}` is not known here.", key=str(key))
        case "missing":
            return _("The key `{key}` is required.", key=str(key))
        case "literal_error":
            known = context["expected"].replace(" or ", ", ")
            return _("`{value}` is not known here: use one of {known}.", value=_plain(found["input"]), known=known)
        case "list_type":
            return _("This has to be a list, such as [{example}].", example=_as_list(found["input"]))
        case _other:
            said = said_of(found)
            return said if said.endswith(".") else _("{sentence}.", sentence=said)


def _successor(path: tuple[Step, ...]) -> str | None:
    """What a key in this place is called today, if it had another name once."""
    steps = [str(step) for step in path]
    for place, name in RENAMED.items():
        pattern = place.split(".")
        if len(pattern) == len(steps) and all(part in ("*", step) for part, step in zip(pattern, steps, strict=True)):
            return name
    return None


def _plain(value: Any) -> str:
    """A value as JSON writes it, integers of any size included; text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _as_list(value: Any) -> str:
    """What is written in the place of a list of keys, as a list; else an example."""
    written = value if isinstance(value, dict) else [value]
    known = [
        str(key) for key in written if key is not None and key is not True and re.fullmatch(NAME_PATTERN, str(key))
    ]
    return ", ".join(known[:_SHOWN] or _EXAMPLE)
