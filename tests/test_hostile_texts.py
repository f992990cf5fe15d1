"""No text that a customer can send takes much longer to read than it is long."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from time import thread_time
from typing import Any, Final

import pytest

from app.articles.files import read_article
from app.articles.wording import MARKS, found_in
from app.core.pieces import Pieces
from app.core.problems import Problem
from app.core.schemas.mailboxes import one_spelling
from app.core.text.folding import folded
from app.core.text.invisible import visible
from app.core.text.language import choose_language
from app.core.web.page import page_policy
from app.files.rules import clean_name, media_type
from app.inbound.formats.parsing import _pruned
from app.inbound.formats.signal import Unreadable
from app.inbound.mail.deciding import internal_in
from app.inbound.mail.links import holds_link
from app.inbound.mail.quotes import MOST, written_in
from app.inbound.mail.reading import fingerprint, read_as_it_is, read_mail
from app.inbound.mail.senders import is_authentic
from app.problems.alike.reading import terms_of
from app.search.words import excerpt, marked, vector
from tests.inbound.mail.letters import GATEWAY, letter

_LENGTH: Final = 40_000
_SECONDS: Final = 0.5
"""What takes less is quick enough, however it grows."""
_GROWTH: Final = 8
"""Times as long as a quarter of the text: a linear reading takes four times, a quadratic one sixteen."""
_LINES: Final = (
    "\n",
    "> ",
    "On 1\n",
    "From: a\n",
    "From: a\nTo: b\n",
    "--\n",
    "---------- ",
    "\nSent from my ",
    "x\nOn 1 a wrote:\n",
)
_VERBS: Final = ("On 1 " + "wrote " * 32 + "\n", "Am 1 " + "schrieb" * 27 + "\n", "Am 1 " + "schrieb:>" * 21 + "\n")
_MARKS: Final = ("\u0300\u0316", "\ufdfa", "\u200d\u0300", "\u6f22", "a", "a.", "._", "1.111", "at 1 ", "<b>x")
_FIELDS: Final = (";", "a=b;", '";', "(", "\\", "<a@b.c>,", "=?utf-8?q?", "=?utf-8?b?YQ==?= ", "message-id: ", "\n ")
_PARTS: Final = ("--x\n", "--x\n\na\n", "a:\n", "key: b\n", "Content-Type: message/rfc822\n\n")


def _letters(name: str) -> Callable[[str], object]:
    return lambda text: read_mail(letter("x", **{name: text}))


def _of_type(kind: str) -> Callable[[str], object]:
    return lambda text: read_mail(letter(text, Content_Type=kind))


def _replied(text: str) -> object:
    return written_in(text[:MOST]) + written_in(text)


READINGS: Final[dict[str, tuple[Callable[[str], Any], tuple[str, ...]]]] = {
    "a reply": (_replied, (*_LINES, *_VERBS)),
    "a note": (internal_in, ("#", "#note", "*", " ")),
    "a search": (folded, _MARKS),
    "words": (lambda text: vector(text, [text], text), _MARKS),
    "what is found": (lambda text: (marked(text, ["b"]), excerpt(text, ["zz"])), _MARKS),
    "words that are found": (lambda text: found_in([text]), MARKS),
    "what a ticket says": (terms_of, _MARKS),
    "a name": (lambda text: visible(f"{text}é"), _MARKS),
    "a file's name": (lambda text: clean_name(f"{text}é"), (*_MARKS, ".", "\\", "con ")),
    "a type": (media_type, ("a", "a/", ";")),
    "an address": (lambda text: one_spelling(f"{text}@example.com"), _MARKS),
    "a language": (choose_language, (",", " ", "en,", "en;q=", "en-a")),
    "an article": (lambda text: read_article("a.en.md", f"---{text}"), ("-", "\n---", " ", "\n---\t")),
    "an alert": (lambda text: _pruned(text.encode()), ('"', '\\"', "[", "{]")),
    "a voucher": (lambda text: is_authentic([text[:8_000]] * 50, GATEWAY, "a.example"), _FIELDS),
    "a gateway's": (lambda text: is_authentic([f"{GATEWAY}; {text}"] * 50, GATEWAY, "a.example"), _FIELDS),
    "another gateway's": (lambda text: is_authentic([f"mx ({GATEWAY}); {text}"] * 50, GATEWAY, "a.example"), _FIELDS),
    "a link": (holds_link, ("h", "<h>", "h<", "h&#", "h\u200b", "%25", "h=3D", "h\\n", "&shy;", "a ")),
    "a body": (lambda text: read_mail(letter(text)), (*_LINES, *_VERBS)),
    "a page": (_of_type("text/html"), ("<div>", "<a ", "<!--", "&amp", "<table><tr><td>", "<")),
    "a page of ours": (page_policy, ("<style>", "<script></style>", "<script></script>")),
    "parts": (_of_type("multipart/mixed; boundary=x"), _PARTS),
    "a message in it": (_of_type("message/rfc822"), _PARTS),
    "what is called base64": (
        lambda text: read_mail(letter(text, Content_Transfer_Encoding="base64")),
        (" ", "\n", "A", "=", "A=\n", "!"),
    ),
    "a type with parameters": (_letters("Content_Type"), _FIELDS),
    "a subject": (_letters("Subject"), _FIELDS),
    "recipients": (_letters("To"), (*_FIELDS, "\u0300\u0316", "\ufdfa", "@")),
    "references": (_letters("References"), ("<", "<a@b> ", "a@")),
    "a header": (lambda text: read_mail(text.encode()), (*_PARTS, "message-id:\n", "Message-ID: <")),
    "what is taken as it stands": (lambda text: read_as_it_is(text.encode()), _PARTS),
    "what knows a message": (
        lambda text: fingerprint(Pieces.of(text.encode())),
        ("message-id:", "message-id:\n ", "<a@"),
    ),
}


def _slow(reading: Callable[[str], Any], repeated: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    for each in repeated:
        text = (each * _LENGTH)[:_LENGTH]
        took = _seconds(reading, text)
        if took > _SECONDS:  # the garbage of other tests may have been collected meanwhile
            took = min(took, _seconds(reading, text))
        if took > _SECONDS and took > _GROWTH * _seconds(reading, text[: len(text) // 4]):
            yield each[:20], took


def _seconds(reading: Callable[[str], Any], text: str) -> float:
    began = thread_time()
    with suppress(Problem, Unreadable):  # what cannot be read is said as fast
        reading(text)
    return thread_time() - began


@pytest.mark.parametrize("name", READINGS)
def test_reading_takes_no_more_than_its_length(name: str) -> None:
    assert list(_slow(*READINGS[name])) == []
