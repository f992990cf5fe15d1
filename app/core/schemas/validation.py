"""What pydantic finds wrong with an input, as messages that can be translated. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias

from app.core.problems import message_of
from app.core.text.messages import Message, _, ngettext, verbatim

MESSAGES: Final[Mapping[str, Message]] = {
    "missing": _("This is required"),
    "union_tag_not_found": _("This is required"),
    "extra_forbidden": _("This is not known here"),
    "bool_type": _("This has to be true or false"),
    "bool_parsing": _("This has to be true or false"),
    "int_type": _("This has to be a whole number"),
    "int_parsing": _("This has to be a whole number"),
    "int_from_float": _("This has to be a whole number"),
    "int_parsing_size": _("This number is too large"),
    "float_type": _("This has to be a number"),
    "float_parsing": _("This has to be a number"),
    "finite_number": _("This has to be a finite number"),
    "string_type": _("This has to be text"),
    "string_unicode": _("This is not valid Unicode text"),
    "string_pattern_mismatch": _("This does not match the pattern {pattern}"),
    "list_type": _("This has to be a list"),
    "tuple_type": _("This has to be a list"),
    "dict_type": _("This has to be an object"),
    "model_type": _("This has to be an object"),
    "model_attributes_type": _("This has to be an object"),
    "literal_error": _("This has to be one of: {expected}"),
    "enum": _("This has to be one of: {expected}"),
    "greater_than": _("This has to be greater than {gt}"),
    "greater_than_equal": _("This has to be at least {ge}"),
    "less_than": _("This has to be less than {lt}"),
    "less_than_equal": _("This has to be at most {le}"),
    "multiple_of": _("This has to be a multiple of {multiple_of}"),
    "none_required": _("This has to be null"),
    "date_type": _("This has to be a date like 2026-11-21"),
    "date_parsing": _("This has to be a date like 2026-11-21"),
    "date_from_datetime_parsing": _("This has to be a date like 2026-11-21"),
    "datetime_type": _("This has to be an instant like 2026-11-21T15:30:00Z"),
    "datetime_parsing": _("This has to be an instant like 2026-11-21T15:30:00Z"),
    "datetime_from_date_parsing": _("This has to be an instant like 2026-11-21T15:30:00Z"),
    "datetime_object_invalid": _("This has to be an instant like 2026-11-21T15:30:00Z"),
    "timezone_aware": _("This instant needs a zone, such as Z or +01:00"),
    "url_type": _("This has to be a URL"),
    "url_parsing": _("This is not a URL"),
    "url_syntax_violation": _("This is not a URL"),
    "url_scheme": _("A URL has to begin with {expected_schemes}"),
    "json_invalid": _("This is not valid JSON"),
}
"""By pydantic's type of the error; the placeholders are those of pydantic's own message."""


_BY_TAG: Final = frozenset({"union_tag_invalid", "union_tag_not_found"})
"""Errors of the member that says which one of several things an object is."""

Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes that lead into a JSON document."""


def place_of(error: Mapping[str, Any], document: Any) -> Place:
    """Where in the document one of pydantic's errors is.

    That is its ``loc`` without the steps that are no places: the member of a union, a validator, the mark of a key. The
    key of a member that is missing, or that says which one of several things an object is, is a place.
    """
    return _places(error, document)[0]


def faults_in(errors: Iterable[Mapping[str, Any]], document: Any) -> Iterator[tuple[Place, Message, Message | None]]:
    """What is wrong at which places of the document, each with a hint where there is one.

    A value that can be one of several things is judged as the one whose members it has; where it is none of them, all
    that it could be is said at once.
    """
    placed = [(*_places(error, document), error) for error in errors]
    inside = {union for place, union, _error in placed if place != union}
    told = [each for each in placed if each[0] != each[1] or each[1] not in inside]
    for (place, union), group in groupby(told, key=lambda each: each[:2]):
        found = [error for _place, _union, error in group]
        if place == union:
            yield place, _one_of([said_of(error) for error in found]), _hint_of(found[0])
        else:
            yield from ((place, said_of(error), _hint_of(error)) for error in found)


def _hint_of(error: Mapping[str, Any]) -> Message | None:
    hint: Message | None = error.get("ctx", {}).get("hint")
    return hint


def _places(error: Mapping[str, Any], document: Any) -> tuple[Place, Place | None]:
    """The error's place, and that of the outermost union that it is in."""
    steps, place, value = error["loc"], list[str | int](), document
    union: Place | None = None
    for depth, step in enumerate(steps):
        if _is_in(value, step):
            place.append(step)
            value = value[step]
        elif error["type"] == "missing" and depth == len(steps) - 1:
            place.append(step)
        elif union is None:
            union = tuple(place)
    if error["type"] in _BY_TAG:
        place.append(error["ctx"]["discriminator"].strip("'"))
    return tuple(place), union


def _is_in(value: Any, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _one_of(said: Sequence[Message]) -> Message:
    first, *others = dict.fromkeys(said)
    for other in others:
        first = _("{first}. Or: {second}", first=first, second=other)
    return first


def said_of(error: Mapping[str, Any]) -> Message:
    """What one of pydantic's errors says: by its type, by whoever raised it, else in pydantic's English."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if isinstance(said := context.get("message"), Message):
        return said
    if isinstance(raised := context.get("error"), Exception):
        return message_of(raised)
    if kind == "union_tag_invalid":
        return MESSAGES["enum"].given(expected=context["expected_tags"])
    if kind in MESSAGES:
        return MESSAGES[kind].given(**{name: _shown(value) for name, value in context.items()})
    # Pydantic counts the items of whatever a second constraint is put on, also of text.
    of_text = f"string_{kind}" if isinstance(error.get("input"), str) else kind
    return _counted(of_text, context) or _counted(kind, context) or verbatim(str(error["msg"]))


def _counted(kind: str, context: Mapping[str, Any]) -> Message | None:
    """The messages that count characters or items."""
    least, most = int(context.get("min_length") or 0), int(context.get("max_length") or 0)
    match kind:
        case "string_too_short":
            return ngettext("This needs at least {n} character", "This needs at least {n} characters", least)
        case "string_too_long":
            return ngettext("This has at most {n} character", "This has at most {n} characters", most)
        case "too_short":
            return ngettext("This needs at least {n} item", "This needs at least {n} items", least)
        case "too_long":
            return ngettext("This has at most {n} item", "This has at most {n} items", most)
    return None


def _shown(value: Any) -> Any:
    """Pydantic joins the values of a closed vocabulary with an English word."""
    return value.replace(" or ", ", ") if isinstance(value, str) else value
