"""Documents that any version of the service has stored, as this one reads them. Pure.

What a version stores it has checked. Another one knows other keys and other words: old keys are read by their names of
today, and what is still unknown is passed over, so that no ticket stands still because of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from app.core.schemas.shared import pointer
from app.core.schemas.validation import place_of
from app.plans.document.model import PlanDocument
from app.plans.document.parsing.checks import dangling
from app.plans.document.parsing.reading import Step

RENAMED: Final[Mapping[str, str]] = {"call.join_from": "remind"}
"""Where a document has a key that has another name today, and that name: ``"call.from": "since"``.

A ``*`` stands for any key of an object, and for each item of a list: ``"priorities.*.name": "label"``.
"""


def read_stored(data: Any) -> tuple[PlanDocument, list[str]]:
    """A document as it was stored, by this or by another version, and pointers to what it says that is unknown here.

    That is left out: an unknown key with its value, an unknown word with the item or the member that it is, and what
    cannot be without these. Checks that came later than the document are not made. Raises ``ValidationError`` for what
    is no plan at all.
    """
    known, passed_over = translated(data, RENAMED), list[str]()
    while True:
        try:
            document = PlanDocument.model_validate(known)
            unknown = dangling(document) if passed_over else set()
        except ValidationError as error:
            unknown = _unknown(error, known)
            if () in unknown:
                raise
        if not unknown:
            return document, passed_over
        known, passed_over = _without(known, unknown), [*passed_over, *map(pointer, sorted(unknown, key=str))]


def translated(data: Any, renamed: Mapping[str, str]) -> Any:
    """The document with today's names of its keys; a key that is there by both names is told by today's."""
    for place, name in renamed.items():
        *path, old = place.split(".")
        data = _renamed(data, path, old, name)
    return data


def first_named(document: Any) -> Any:
    """The document with each key by the first name that it had: what its hash is made of, whatever a key is called."""
    for place, name in reversed(list(RENAMED.items())):
        *path, old = place.split(".")
        document = _renamed(document, path, name, old)
    return document


def _renamed(data: Any, path: list[str], old: str, new: str) -> Any:
    if not path:
        if not isinstance(data, dict) or old not in data:
            return data
        return {new if key == old else key: value for key, value in data.items() if key != old or new not in data}
    step, *rest = path
    if isinstance(data, list):
        return [_renamed(each, rest, old, new) for each in data] if step == "*" else data
    if not isinstance(data, dict):
        return data
    return {key: _renamed(value, rest, old, new) if step in (key, "*") else value for key, value in data.items()}


def _unknown(error: ValidationError, data: Any) -> set[tuple[Step, ...]]:
    """The places that hold what is unknown; of a key that is missed, the object that cannot be without it."""
    places = ((found["type"] == "missing", place_of(found, data)) for found in error.errors(include_url=False))
    found = {place[:-1] if missed else place for missed, place in places}
    return {place for place in found if not any(place[:depth] in found for depth in range(len(place)))}


def _without(data: Any, places: Iterable[tuple[Step, ...]]) -> Any:
    inner: dict[Step, list[tuple[Step, ...]]] = {}
    for first, *rest in places:
        inner.setdefault(first, []).append(tuple(rest))
    kept = ((step, value) for step, value in _members(data) if () not in inner.get(step, ()))
    left = {step: _without(value, inner[step]) if step in inner else value for step, value in kept}
    return left if isinstance(data, dict) else [*left.values()]


def _members(data: Any) -> Iterator[tuple[Step, Any]]:
    yield from data.items() if isinstance(data, dict) else enumerate(data)
