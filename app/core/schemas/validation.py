"""What pydantic finds wrong with an input, as messages that can be translated. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.problems import message_of
from app.core.text.messages import Message, _, ngettext, verbatim

MESSAGES: Final[Mapping[str, Message]] = {
    "missing": _("This is needed"),
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
    "list_type": _("This has to be an array"),
    "tuple_type": _("This has to be an array"),
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


def said_of(error: Mapping[str, Any]) -> Message:
    """What one of pydantic's errors says: by its type, by whoever raised it, else in pydantic's English."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if isinstance(said := context.get("message"), Message):
        return said
    if isinstance(raised := context.get("error"), Exception):
        return message_of(raised)
    if kind in MESSAGES:
        return MESSAGES[kind].given(**{name: _shown(value) for name, value in context.items()})
    return _counted(kind, context) or verbatim(str(error["msg"]))


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
