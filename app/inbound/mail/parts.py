"""The parts of a message: its text, and what else it carries. Whatever is wrong with it, nothing is refused. Pure."""

import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from email.errors import InvalidBase64LengthDefect, MessageError
from email.header import Header, decode_header, make_header
from email.message import Message as Entity
from typing import Final

import html_text
from lxml import etree, html

from app.core.pieces import Pieces
from app.inbound.mail.charsets import charsets, named_in, read
from app.inbound.mail.links import holds_link

MOST_PARTS: Final = 1_000
"""Parts that are looked at."""
MOST_HTML: Final = 2_000_000
"""Characters of HTML of which a text is made; a longer page is a part as well."""
MOST_TEXT: Final = 200_000
"""Characters of a text; the whole of a longer one is a part as well."""
WHOLE: Final = ("e-mail.txt", "e-mail.html")
"""What the part is called that has the whole of a text."""
_SHOWN: Final = frozenset({"text/plain", "text/html"})
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*+=*+")
_BASE64_SIGNS: Final = re.compile(r"[A-Za-z0-9+/]+")
_WORD: Final = re.compile(r"[A-Z]?[a-z]{1,59}|[A-Z]{1,59}")
_LINE: Final = 45
"""Characters that hardly a word has: mail programs write lines of 76, some of 50, 57, 60 or 64."""
_ENDS: Final = re.compile(r"[\r\n]+")
_REPORTED: Final = frozenset({"message/delivery-status", "text/rfc822-headers"})
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MOST_NAME: Final = 200
_MOST_FIELD: Final = 50_000
"""Characters of a header field that are looked at."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message that is no text of it: a file, an invitation, another message."""

    name: str
    type: str
    size: int
    """bytes, without its transfer coding"""
    content: Pieces = field(default_factory=Pieces, repr=False)
    has_link: bool = False
    """it holds a link that is an engineer's"""

    def document(self) -> dict[str, str | int]:
        """The part as it is stored and shown."""
        return {"name": self.name, "type": self.type, "size": self.size}


def parts_of(message: Entity) -> Iterator[Entity]:
    """The parts of a message that hold something, in their order; those of a message within it are its own."""
    waiting, left = [message], MOST_PARTS
    while waiting and left:
        entity = waiting.pop()
        inner = entity.get_payload()
        if entity.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting += [each for each in reversed(inner) if isinstance(each, Entity)]
            continue
        left -= 1
        yield entity


def content_of(message: Entity) -> tuple[str, tuple[Part, ...]]:
    """The text of a message, and its other parts.

    What is there as text and as HTML is taken as text. Several texts follow one another; one that is HTML only becomes
    text.
    """
    texts: list[str] = []
    pages: list[str] = []
    others: list[Part] = []
    for entity in parts_of(message):
        is_broken = entity.get_content_maintype() == "multipart"  # it says that it has parts, and has none
        kind = "text/plain" if is_broken else entity.get_content_type()
        if kind in _SHOWN and entity.get_content_disposition() != "attachment" and not _file_name(entity):
            (texts if kind == "text/plain" else pages).append(text_of(entity))
        elif kind not in _REPORTED:
            others.append(_part(entity))
    text = "\n\n".join(filter(None, (each.strip("\n") for each in texts))).strip()
    if not text:
        text = "\n\n".join(filter(None, (_from_html(page) for page in pages))).strip()
        others[:0] = [_whole(page, "html") for page in pages if len(page) > MOST_HTML]
    if len(text) > MOST_TEXT:
        others.insert(0, _whole(text, "plain"))
    return text[:MOST_TEXT], tuple(others)


def part_with(content: bytes, name: str, kind: str) -> Part:
    """A part that holds this."""
    return Part(name, kind, len(content), Pieces.of(content), holds_link(content) or holds_link(name))


def _whole(text: str, kind: str) -> Part:
    """A text of which not all is shown, as a part."""
    content = text.encode()
    return part_with(content, WHOLE[kind == "html"], f"text/{kind}")


def text_of(entity: Entity) -> str:
    """The text of a part, in whatever encoding it really is."""
    content = bytes_of(entity)
    stated = entity.get_content_charset() or (named_in(content) if entity.get_content_subtype() == "html" else None)
    for charset in (*charsets((stated or "utf-8").strip("'\" ")), "utf-8", "cp1252"):
        try:
            return plain(read(content, charset))
        except (LookupError, ValueError):
            continue
    return plain(content.decode("latin-1"))


def bytes_of(entity: Entity) -> bytes:
    """What a part holds, without its transfer coding; as it is, where that is broken."""
    payload = entity.get_payload()
    if isinstance(payload, list):
        return b"".join(each.as_bytes() if isinstance(each, Entity) else b"" for each in payload)
    if isinstance(payload, str) and _is_no_base64(entity, payload):
        entity = copy(entity)
        del entity["Content-Transfer-Encoding"]
    content = entity.get_payload(decode=True)
    if isinstance(payload, str) and any(isinstance(each, InvalidBase64LengthDefect) for each in entity.defects):
        content = b64decode("".join(_BASE64_SIGNS.findall(payload))[:-1] + "==")  # it breaks off within a byte
    return content if isinstance(content, bytes) else str(payload or "").encode(errors="replace")


def _is_no_base64(entity: Entity, payload: str) -> bool:
    """Whether a part says that it is base64, and already its first line is not: it has other signs, or is a word."""
    if str(entity.get("Content-Transfer-Encoding", "")).strip().lower() != "base64":
        return False
    first, *more = _ENDS.split(payload.lstrip(), maxsplit=1)
    first = first.strip()
    if _BASE64.fullmatch(first) is None:
        return True
    if _WORD.fullmatch(first):
        return not _is_text(first)
    return len(first) < _LINE and len(first) % 4 != 0 and bool("".join(more).strip())


def _is_text(coded: str) -> bool:
    """Whether a word is base64 of a text, as ``Tmll`` is."""
    try:
        text = b64decode(coded, validate=True).decode()
    except ValueError:
        return False
    return "".join(text.split()).isprintable()


def plain(text: str) -> str:
    """A text with Unix line ends, and without the controls that nobody sees; what is no character is a ``?``."""
    shown = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return shown.encode("utf-8", "replace").decode()


def decoded(value: object) -> str:
    """The text of a header field, on one line: encoded words and bytes of 8 bits become what they stand for."""
    raw = field_text(value)
    try:
        text = str(make_header(_words(raw)))
    except (ValueError, LookupError, AssertionError, IndexError, MessageError):
        text = raw
    return " ".join(plain(text).split())


def _words(raw: str) -> Iterator[tuple[str | bytes, str | None]]:
    """What a header field says, in turns as it stands and in UTF-8, for its encoded words. Raises ``LookupError``."""
    encoded = b""
    for word, charset in decode_header(raw):
        if isinstance(word, bytes) and charset is not None:
            encoded += _encoded(word, charset)
            continue
        if encoded:
            yield encoded, "utf-8"
        encoded = b""
        yield word, charset
    if encoded:
        yield encoded, "utf-8"


def _encoded(word: bytes, declared: str) -> bytes:
    for charset in charsets(declared):
        with suppress(LookupError, ValueError):
            return read(word, charset).encode("utf-8", "replace")
    raise LookupError(declared)


def field_text(value: object) -> str:
    """A header field as it stands: bytes of 8 bits are UTF-8 (RFC 6532), or else what most programs mean by them."""
    if not isinstance(value, Header):
        return str(value or "")[:_MOST_FIELD]
    content = b"".join(part if isinstance(part, bytes) else part.encode() for part, _ in decode_header(value))
    try:
        return content.decode()[:_MOST_FIELD]
    except UnicodeError:
        return content.decode("cp1252", "replace")[:_MOST_FIELD]


def _from_html(page: str) -> str:
    """The text of a page; the page itself where no parser makes anything of it, or it is nested too deep for one."""
    parser = html.HTMLParser(recover=True, encoding="utf-8", huge_tree=True)
    try:
        tree = etree.fromstring(page[:MOST_HTML].strip().encode() or b"<html/>", parser=parser)
        if parser.error_log.filter_from_fatals():
            return page.strip()
        return plain(str(html_text.extract_text(tree))).strip()
    except (ValueError, RecursionError, AssertionError, etree.LxmlError):
        return page.strip()


def _part(entity: Entity) -> Part:
    name = decoded(_file_name(entity))
    if not name and entity.get_content_type() == "message/rfc822":
        inner = entity.get_payload()
        first = inner[0] if isinstance(inner, list) and inner else None
        name = decoded(first["Subject"]) if isinstance(first, Entity) else ""
    return part_with(bytes_of(entity), name[:_MOST_NAME], plain(entity.get_content_type())[:100])


def _file_name(entity: Entity) -> str | None:
    try:
        return entity.get_filename()
    except (ValueError, LookupError, TypeError):  # parameters that RFC 2231 does not know
        return None
