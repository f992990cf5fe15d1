"""Reading JSON bodies: strictly, and refusing early what nothing behind it can hold."""

from email.message import Message
from itertools import islice
from typing import Any, Final

import orjson

from app.core.problems import BadRequest, Fault, Invalid, UnsupportedMediaType
from app.core.schemas.shared import inside, pointer
from app.core.text.messages import _

MAX_DEPTH: Final = 40
"""Arrays and objects inside each other; a plan document has 8."""
MAX_BRACKETS: Final = 22_000
"""Arrays and objects in one body, told from its opening brackets: as many as a preview has with the largest plan."""
MAX_VALUES: Final = 50_000
"""Values in one body, told from its commas and opening brackets. Those within texts count, and are far from so many."""
_CONTAINERS: Final = (dict, list)
_LOOKED_THROUGH: Final = 2_000
"""Values that are looked at for the place of U+0000: some milliseconds."""


def read_json(body: bytes) -> Any:
    """The JSON value of a request's body.

    400 when it is not JSON (NaN, Infinity and lone surrogates are not); 422 when it holds too many values, which is
    told before it is read, when it is nested too deeply, and when it holds U+0000, which Postgres cannot store.
    """
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MAX_BRACKETS or brackets + body.count(b",") > MAX_VALUES:
        raise Invalid(
            _(
                "The body holds more than {brackets} lists and objects, or {values} values",
                brackets=MAX_BRACKETS,
                values=MAX_VALUES,
            )
        )
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_("The body is not valid JSON: {error}", error=error)) from error
    if brackets > MAX_DEPTH:
        _refuse_depth(value)
    if _holds_nul(body):
        raise Invalid(
            errors=[Fault(pointer=_place_of_nul(value), detail=_("Text cannot contain the character U+0000"))]
        )
    return value


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _level in range(MAX_DEPTH):
        level = [child for parent in level for child in inside(parent) if type(child) in _CONTAINERS]
    if level:
        raise Invalid(_("The body is nested more than {most} levels deep", most=MAX_DEPTH))


def _holds_nul(body: bytes) -> bool:
    """Whether U+0000 is in it, which JSON has to escape: not behind a backslash that is escaped itself."""
    return b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b"")


def _place_of_nul(value: Any) -> str:
    """The pointer of the first text or name with U+0000; of the whole body where that is not among the first values."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    for _step in range(_LOOKED_THROUGH):
        if not waiting:
            break
        part, path = waiting.pop()
        if isinstance(part, str) and "\0" in part:
            return pointer(path)
        if isinstance(part, dict):
            if any("\0" in name for name in part):
                return pointer(path)
            waiting += [(child, (*path, name)) for name, child in islice(part.items(), _LOOKED_THROUGH)][::-1]
        elif isinstance(part, list):
            waiting += [(child, (*path, place)) for place, child in enumerate(part[:_LOOKED_THROUGH])][::-1]
    return ""


def is_json(content_type: str) -> bool:
    """Whether a media type is JSON: ``application/json`` or ``application/*+json``."""
    if content_type in ("application/json", "application/json; charset=utf-8"):
        return True
    message = Message()
    message["content-type"] = content_type
    kind, subtype = message.get_content_maintype(), message.get_content_subtype()
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def require_json(content_type: str | None) -> None:
    """415 unless the media type is JSON."""
    if content_type is None or not is_json(content_type):
        raise UnsupportedMediaType(_("Send the body as application/json"), headers={"Accept-Post": "application/json"})


def require_plain(encoding: str | None) -> None:
    """415 where the body is compressed."""
    if encoding and encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(
            _("Send the body without a Content-Encoding"), headers={"Accept-Encoding": "identity"}
        )
