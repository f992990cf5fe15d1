"""From the bytes of a message (RFC 5322) to what of it matters here. Whatever it is, it is read. Pure."""

import codecs
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message as Entity
from email.parser import BytesHeaderParser
from email.policy import Compat32
from email.utils import getaddresses
from typing import Final, TypeAlias

from app.core.pieces import Pieces
from app.core.schemas.mailboxes import one_spelling
from app.core.text.invisible import visible
from app.inbound.mail.links import holds_link
from app.inbound.mail.parts import MOST_TEXT, Part, content_of, decoded, field_text, part_with, plain
from app.inbound.mail.quotes import written_in
from app.inbound.mail.robots import Bounce, bounce_in, is_automatic, is_generated

Raw: TypeAlias = bytes | bytearray
MARK: Final = "##- heliodesk -##"
"""What stands above the text of a mail to an engineer (``app/notices/content/texts.py``)."""
_ENDS_OF_HEADERS: Final = (b"\n\n", b"\n\r\n")
_ID: Final = re.compile(r"<([^<>\s\x00-\x1f\x7f]{1,400}@[^<>\s\x00-\x1f\x7f]{1,255})>")
_OWN_ID: Final = re.compile(rb"^message-id[ \t]*:((?:[^\r\n]|\r?\n[ \t]){0,2000})", re.IGNORECASE | re.MULTILINE)
_PIECE: Final = 2**16
"""Bytes that are looked at in one step: a message may have millions, and nobody is served within a step."""
_MOST_HEADER: Final = 2**18
"""Bytes of a header that are looked at, where a message is not read as a whole."""
_MOST_IDS: Final = 50
_MOST_ADDRESSES: Final = 100
_MOST_PEOPLE: Final = 8_000
"""Characters of a field that names some."""
MOST_NAME: Final = 200
"""Characters of the name of whoever is named."""
_MOST_PARAMETERS: Final = 100
_WITH_PARAMETERS: Final = frozenset({"content-type", "content-disposition"})
_MOST_SUBJECT: Final = 1_000
_MOST_RESULTS: Final = 8_000
_UNREADABLE: Final = (RecursionError, ValueError, LookupError, TypeError, AttributeError, MessageError)
"""What the parser raises at what it cannot make anything of."""
_SHAPE: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")
_DELIVERED: Final = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To")


class _Bounded(Compat32):
    """Reads a field with parameters as far as programs write some: the library takes hours for a million of them."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """The name and the value of a field, by its lines."""
        name, value = super().header_source_parse(sourcelines)
        if name.lower() in _WITH_PARAMETERS:
            value = ";".join(value.split(";", _MOST_PARAMETERS)[:_MOST_PARAMETERS])
        return name, value


_BOUNDED: Final = _Bounded()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a message names: ``email`` in its one spelling."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message, as far as it matters here."""

    fingerprint: str
    """the same for what was delivered twice: of its Message-ID and of what it says"""
    message_id: str | None
    answers: tuple[str, ...]
    """the ids of the messages that it answers, the nearest first"""
    sender: Person | None
    """None where it says none, or several"""
    copied: tuple[Person, ...]
    """who got it too"""
    addressed: tuple[str, ...]
    """all addresses to which it came"""
    subject: str
    text: str
    written: str
    """what of the text is written in a reply; empty where that cannot be told"""
    answer: str
    """the same of an engineer's: strictly, for what they quote is not for customers"""
    linked: frozenset[str]
    """where there is a link by which an engineer answers an alert: in ``text``, ``written``, ``answer``, or ``told``,
    the subject and the text"""
    parts: tuple[Part, ...]
    is_automatic: bool
    is_generated: bool
    """automatic, and no answer to anything: a program has something to tell"""
    bounce: Bounce | None
    results: tuple[str, ...]
    """its ``Authentication-Results``, from the top"""


def read_pieces(pieces: Pieces) -> Mail:
    """What a message says that is in pieces: for a process in which nobody else waits."""
    return read_mail(pieces.whole())


def read_pieces_as_they_are(pieces: Pieces) -> Mail:
    """``read_as_it_is`` of one that is in pieces."""
    return read_as_it_is(pieces.whole())


def read_mail(raw: bytes) -> Mail:
    """What a message says."""
    try:
        begun = _begun(raw)
        message = message_from_bytes(begun, policy=_BOUNDED)
        return _mail(begun, message, *content_of(message), bounce_in(message))
    except _UNREADABLE:
        return read_as_it_is(raw)


def read_as_it_is(raw: bytes) -> Mail:
    """A message that is built as nobody's program builds one: its header, its body as it stands, the whole as a part.

    It takes a moment only, whatever is in it.
    """
    begun = _begun(raw)
    header = BytesHeaderParser().parsebytes(_header_of(begun))
    text = plain(body_of(begun)[: 4 * MOST_TEXT].decode("utf-8", "replace"))[:MOST_TEXT]
    whole = part_with(raw, "e-mail.eml", "message/rfc822")
    return replace(_mail(begun, header, text.strip(), (whole,), None), written="", answer="")  # nobody can tell


def _begun(raw: bytes) -> bytes:
    """A message from its header on."""
    return raw[_begin(raw) :]


def _begin(raw: Raw) -> int:
    """Where the header begins: programs on the way have put a mark or blank lines before it."""
    start = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    return _without_blanks(raw, start, len(raw), b"\r\n")


def _mail(raw: bytes, message: Entity, text: str, parts: tuple[Part, ...], bounce: Bounce | None) -> Mail:
    subject, sender = decoded(message.get("Subject"))[:_MOST_SUBJECT], _sender(message)
    named, written = _own_id(raw), written_in(text)
    answer = written_in(text.partition(MARK)[0], forwards=False) if text else ""
    return Mail(
        _fingerprint(raw, named),
        named,
        _answers(message),
        sender,
        tuple(_people(message, ("To", "Cc"))),
        tuple(each.email for each in _people(message, _DELIVERED)),
        subject,
        text,
        written,
        answer,
        _linked(subject, text=text, written=written, answer=answer),
        parts,
        is_automatic(message, subject, sender.email if sender else ""),
        is_generated(message),
        bounce,
        tuple(field_text(each)[:_MOST_RESULTS] for each in message.get_all("Authentication-Results", ())[:_MOST_IDS]),
    )


def _linked(subject: str, **texts: str) -> frozenset[str]:
    texts["told"] = f"{subject}\n{texts['text']}"
    return frozenset(name for name, text in texts.items() if holds_link(text))


def fingerprint(pieces: Pieces) -> str:
    """``Mail.fingerprint`` of a message of which only the header is read; other threads get their turns."""
    raw = pieces.together()
    del raw[: _begin(raw)]
    return _fingerprint(raw, _own_id(raw))


def body_of(raw: bytes) -> bytes:
    """What follows the header."""
    return raw[_end_of_header(raw) :]


def _end_of_header(raw: Raw) -> int:
    for start in range(0, len(raw), _PIECE):
        places = [(raw.find(mark, start, start + _PIECE + len(mark)), len(mark)) for mark in _ENDS_OF_HEADERS]
        if found := [place + length for place, length in places if place >= 0]:
            return min(found)
    return len(raw)


def _header_of(raw: Raw) -> Raw:
    """The header, as far as it is looked at where a message is not read as a whole."""
    return raw[: min(_end_of_header(raw), _MOST_HEADER)]


def _fingerprint(raw: Raw, message_id: str | None) -> str:
    """Servers on the way add fields to the header; a message without an id is known by all of its bytes."""
    if message_id is None:
        return hashlib.sha256(raw).hexdigest()[:32]
    digest = hashlib.sha256(message_id.encode() + b"\n")
    for piece in _pieces(raw, *_content(raw)):
        digest.update(piece.replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:32]


def _content(raw: Raw) -> tuple[int, int]:
    """Where what follows the header begins and ends, without the blanks around it."""
    start, end = _end_of_header(raw), len(raw)
    start = _without_blanks(raw, start, end)
    while start < end and not raw[max(start, end - _PIECE) : end].strip():
        end -= _PIECE
    last = raw[max(start, end - _PIECE) : end]
    return start, end - len(last) + len(last.rstrip())


def _without_blanks(raw: Raw, start: int, end: int, blanks: bytes | None = None) -> int:
    """The place of the first byte that is none of them, piece by piece."""
    while start < end and not (piece := raw[start : min(start + _PIECE, end)].lstrip(blanks)):
        start += _PIECE
    return min(start + _PIECE, end) - len(piece) if start < end else end


def _pieces(raw: Raw, start: int, end: int) -> Iterator[Raw]:
    """What is between two places, so that other threads get their turn; no line end is in two of them."""
    while start < end:
        stop = min(start + _PIECE, end)
        stop += raw[stop - 1 : stop + 1] == b"\r\n" and stop < end
        yield raw[start:stop]
        start = stop


def _own_id(raw: Raw) -> str | None:
    """Its ``Message-ID``."""
    field = _OWN_ID.search(_header_of(raw))
    found = _ID.search(field[1].decode("utf-8", "replace")) if field else None
    return found[1] if found else None


def _answers(message: Entity) -> tuple[str, ...]:
    """``In-Reply-To``, then ``References`` from its end."""
    nearest, earlier = (
        _ID.findall(" ".join(map(field_text, message.get_all(name, ())[:_MOST_IDS])))
        for name in ("In-Reply-To", "References")
    )
    return tuple(dict.fromkeys([*nearest, *reversed(earlier)]))[:_MOST_IDS]


def _sender(message: Entity) -> Person | None:
    """Whom ``From`` names, if it names one."""
    people = {each.email: each for each in _people(message, ("From",))}
    return next(iter(people.values())) if len(people) == 1 else None


def _people(message: Entity, names: tuple[str, ...]) -> list[Person]:
    """Whom these fields name, each once."""
    stated = [each for name in names for each in message.get_all(name, ())[:_MOST_IDS]]
    fields = [" ".join(field_text(each).split())[:_MOST_PEOPLE] for each in stated]
    found: dict[str, Person] = {}
    for name, address in _addresses(fields)[:_MOST_ADDRESSES]:
        email = one_spelling(decoded(address).strip("<>").lower())
        if _SHAPE.fullmatch(email) and email not in found:
            found[email] = Person(email, visible(decoded(name)[:MOST_NAME])[:MOST_NAME].strip())
    return list(found.values())


def _addresses(fields: Sequence[str]) -> list[tuple[str, str]]:
    try:
        return getaddresses(fields)
    except _UNREADABLE:  # such as comments in comments in comments
        return []
