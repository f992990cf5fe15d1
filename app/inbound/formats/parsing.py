"""From bytes to JSON: what senders get wrong is mended, and what cannot be held is left out. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.core.text.messages import Message, _, ngettext
from app.inbound.formats.signal import Unreadable

MAX_BRACKETS: Final = 90_000
"""Arrays and objects in one payload, told from its opening brackets: in the largest, one for each 11 bytes."""
MAX_DEPTH: Final = 200
"""Arrays and objects inside each other. What is deeper is left out; orjson writes no more than 254."""
_LONG_NUMBER: Final = re.compile(rb"\d{19}")
"""May be an integer of more than 64 bits, which orjson rounds."""
_LONGEST: Final = 18
_TOKEN: Final = re.compile(rb'"(?>(?:[^"\\]++|\\.)*)(?:"|\Z)|[\[\]{}]', re.DOTALL)
_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_CHARSET: Final = re.compile(r"charset=\"?(iso-8859-(?:[1-9]|1[03456])|windows-125[0-8])\b")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value, and what of its text it is without."""

    value: Any
    omissions: tuple[Message, ...] = ()


def parse(body: bytes, content_type: str = "") -> Parsed:
    """The JSON value of a body. Raises ``Unreadable``; its work is bounded by the body's size.

    A byte order mark, another Unicode encoding, and control characters in texts are read past. A lone surrogate, and
    bytes that are no text, become U+FFFD. A number that is not finite, or has too many digits, becomes its text, since
    an identifier may not be rounded.
    """
    content = _utf8(body, content_type)
    brackets = content.count(b"[") + content.count(b"{")
    if brackets > MAX_BRACKETS:
        raise Unreadable(_("The body holds more than {most} lists and objects", most=MAX_BRACKETS))
    omissions: tuple[Message, ...] = ()
    if brackets > MAX_DEPTH:
        content, cut = _pruned(content)
        omissions = (_too_deep(cut),) if cut else ()
    if not _LONG_NUMBER.search(content):
        try:
            return Parsed(orjson.loads(content), omissions)
        except orjson.JSONDecodeError:
            pass
    return Parsed(_loaded(content), omissions)


def parse_strictly(body: bytes, content_type: str = "") -> Any:
    """The JSON value of a long body, in some milliseconds. Raises ``Unreadable`` for what ``parse`` would put right."""
    try:
        return orjson.loads(_utf8(body, content_type))
    except orjson.JSONDecodeError as error:
        raise _invalid(error) from error


def _too_deep(number: int) -> Message:
    return ngettext(
        "{n} value nested more than {most} levels deep",
        "{n} values nested more than {most} levels deep",
        number,
        most=MAX_DEPTH,
    )


def _invalid(error: object) -> Unreadable:
    reason = error if isinstance(error, Message) else str(error)
    return Unreadable(_("The body is not valid JSON: {error}", error=reason))


def _loaded(content: bytes) -> Any:
    """The value that Python's own parser finds, which is slower and bears more."""
    text = _ESCAPE.sub(_paired, content.decode(errors="replace"))
    try:
        return json.loads(text, strict=False, parse_int=_integer, parse_float=_float, parse_constant=str)
    except ValueError as error:
        raise _invalid(error) from error


def _paired(found: re.Match[str]) -> str:
    return "\\ufffd" if found[1] else found[0]


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST else digits


def _float(text: str) -> float | str:
    number = float(text)
    return text if number in (float("inf"), float("-inf")) else number


def _utf8(body: bytes, content_type: str) -> bytes:
    """The body in UTF-8 and without a byte order mark.

    ``json`` tells UTF-16 and UTF-32 from the first bytes. A declared charset counts for bytes that are not UTF-8 only:
    many senders declare one and send UTF-8 all the same.
    """
    encoding = json.detect_encoding(body)
    if encoding != "utf-8":
        return body.decode(encoding, "replace").encode()
    declared = _CHARSET.search(content_type.lower())
    if declared is None:
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode(declared[1], "replace").encode()
    return body


def _pruned(content: bytes) -> tuple[bytes, int]:
    """The text with ``null`` for each array and object that lies too deep, and how many those are."""
    parts, depth, kept_to, cut = [], 0, 0, 0
    for token in _TOKEN.finditer(content):
        bracket = token[0]
        if bracket in (b"[", b"{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                parts.append(content[kept_to : token.start()])
                cut += 1
        elif bracket in (b"]", b"}"):
            if depth == MAX_DEPTH + 1:
                parts.append(b"null")
                kept_to = token.end()
            depth -= 1
    if not cut:
        return content, 0
    if depth > 0:
        raise _invalid(_("{number} lists and objects have no end", number=depth))
    return b"".join([*parts, content[kept_to:]]), cut
