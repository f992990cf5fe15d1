"""What pydantic found wrong with a plan document, as places and plain sentences."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.core.problems import Fault
from app.plans.reading import Step, pointer


def shape_faults(error: ValidationError, data: Any) -> Iterator[Fault]:
    """A fault for each place of ``data`` that has not the shape of a plan document."""
    for found in error.errors(include_url=False):
        path = _existing(found["loc"], data)
        yield Fault(pointer=pointer(*path), detail=_sentence(found, path))


def without_unknown_keys(error: ValidationError, data: Any) -> Any:
    """``data`` less its unknown keys, so that what remains can be checked all the same."""
    unknown = [found["loc"] for found in error.errors(include_url=False) if found["type"] == "extra_forbidden"]
    return _pruned(data, (), set(unknown))


def _pruned(data: Any, path: tuple[Step, ...], unknown: set[tuple[Step, ...]]) -> Any:
    if isinstance(data, dict):
        kept = {key: value for key, value in data.items() if (*path, key) not in unknown}
        return {key: _pruned(value, (*path, key), unknown) for key, value in kept.items()}
    if isinstance(data, list):
        return [_pruned(value, (*path, index), unknown) for index, value in enumerate(data)]
    return data


def _existing(path: tuple[Step, ...], data: Any) -> tuple[Step, ...]:
    """The part of pydantic's path that is a place of the document (its marks of keys and inner fields are none)."""
    for depth, step in enumerate(path):
        if not isinstance(data, dict | list) or step == "[key]":
            return path[:depth]
        try:
            data = data[step]  # type: ignore[index]  # a wrong kind of index is the case that is caught
        except (KeyError, IndexError, TypeError):
            return path[: depth + 1]
    return path


def _sentence(found: ErrorDetails, path: tuple[Step, ...]) -> str:
    key, context = path[-1] if path else "", found.get("ctx", {})
    match found["type"]:
        case "extra_forbidden":
            return f"The key `{key}` is unknown here."
        case "missing":
            return f"The key `{key}` is needed."
        case "literal_error":
            return f"`{found['input']}` is unknown here: it is one of {context['expected'].replace(' or ', ', ')}."
        case "value_error":
            return str(context["error"])
        case _:
            return f"{found['msg']}."
