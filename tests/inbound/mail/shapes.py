"""Forty messages as the world shapes them: each with what of it has to arrive, as text or as a part that is named."""

import base64
import quopri
from dataclasses import dataclass
from typing import Final

from tests.inbound.mail.letters import letter

_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Shape:
    """A message; ``text`` is in the ticket's, ``parts`` are told to be left out."""

    raw: bytes
    text: str = "It is 3.2."
    parts: tuple[str, ...] = ()
    title: str = "Backups fail"


def _multipart(kind: str, *parts: str, **fields: str) -> bytes:
    body = "".join(f"--frontier\n{part}\n" for part in parts) + "--frontier--\n"
    return letter(body, Content_Type=f'multipart/{kind}; boundary="frontier"', **fields)


def _file(name: str, kind: str, content: bytes, disposition: str = "attachment") -> str:
    encoded = base64.encodebytes(content).decode()
    head = f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\nContent-Disposition: {disposition}"
    return f'{head}; filename="{name}"\n\n{encoded}'


def _encoded(text: str, charset: str, coding: str = "base64", declared: str = "") -> bytes:
    content = text.encode(charset)
    body = base64.encodebytes(content) if coding == "base64" else quopri.encodestring(content)
    kind = f"text/plain; charset={declared or charset}"
    return letter(body.decode(), Content_Type=kind, Content_Transfer_Encoding=coding)


def _header(old: str, new: str, text: str = "It is 3.2.", title: str = "Backups fail") -> Shape:
    raw = letter()
    assert old.encode() in raw
    return Shape(raw.replace(old.encode(), new.encode("utf-8", "surrogateescape")), text, title=title)


_TEXT: Final = "Content-Type: text/plain; charset=utf-8\n\nIt is 3.2."
_PAGE: Final = f"Content-Type: {_HTML}\n\n<p>It is <b>3.2</b>.</p>"
_CALENDAR: Final = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nEND:VCALENDAR"
_INNER: Final = letter("The inner one", Subject="Inner", vouched=False).decode()
_FORWARD: Final = f"Content-Type: message/rfc822\n\n{_INNER}"
_SUBJECT: Final = "Subject: Backups fail"

SHAPES: Final[dict[str, Shape]] = {
    "plain": Shape(letter()),
    "bare line feeds": Shape(letter().replace(b"\r\n", b"\n")),
    "bare returns in the text": Shape(letter("One\rTwo"), "Two"),
    "base64": Shape(_encoded("Größe: 3,2 GB", "utf-8"), "Größe: 3,2 GB"),
    "quoted-printable": Shape(_encoded("Größe: 3,2 GB", "iso-8859-1", "quoted-printable"), "Größe: 3,2 GB"),
    "utf-16": Shape(_encoded("Größe", "utf-16"), "Größe"),
    "koi8": Shape(_encoded("Версия 3.2", "koi8-r"), "Версия 3.2"),
    "iso-2022-jp": Shape(_encoded("バージョン", "iso-2022-jp"), "バージョン"),
    "gb18030": Shape(_encoded("版本", "gb18030"), "版本"),
    "windows-1250": Shape(_encoded("Żółć", "cp1250", declared="windows-1250"), "Żółć"),
    "says ascii and is utf-8": Shape(_encoded("Żółć", "utf-8", declared="us-ascii"), "Żółć"),
    "says utf-8 and is latin": Shape(_encoded("Größe", "latin-1", declared="utf-8"), "Größe"),
    "unknown charset": Shape(_encoded("Größe", "utf-8", declared="x-nowhere"), "Größe"),
    "broken base64": Shape(letter("SXQgaXMgMy4yLg=", Content_Transfer_Encoding="base64"), "It is 3.2."),
    "unknown coding": Shape(letter(Content_Transfer_Encoding="uuencoded")),
    "html only": Shape(letter("<p>It is <b>3.2</b>.</p><p>Bye</p>", Content_Type=_HTML), "Bye"),
    "html with a script": Shape(letter("<script>alert(1)</script><p>It is 3.2.</p>", Content_Type=_HTML)),
    "broken html": Shape(letter("<p><table>It is 3.2.<<<", Content_Type=_HTML), "It is 3.2."),
    "alternative": Shape(_multipart("alternative", _TEXT, _PAGE)),
    "alternative with blank text": Shape(_multipart("alternative", "Content-Type: text/plain\n\n ", _PAGE), "3.2"),
    "calendar": Shape(_multipart("mixed", _TEXT, _CALENDAR), parts=("text/calendar",)),
    "calendar alone": Shape(letter("BEGIN:VCALENDAR", Content_Type="text/calendar"), "no text", ("text/calendar",)),
    "winmail.dat": Shape(
        _multipart("mixed", _TEXT, _file("winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22")),
        parts=("winmail.dat", "application/ms-tnef"),
    ),
    "pictures in the text": Shape(
        _multipart("related", _PAGE, _file("logo.png", "image/png", b"\x89PNG", "inline")), "3.2", ("logo.png",)
    ),
    "a name by RFC 2231": Shape(
        _multipart(
            "mixed",
            _TEXT,
            "Content-Type: text/csv\nContent-Disposition: attachment;\n filename*=UTF-8''%C5%BC.csv\n\na",
        ),
        parts=("ż.csv",),
    ),
    "forwarded": Shape(_multipart("mixed", _TEXT, _FORWARD), parts=("Inner", "message/rfc822")),
    "forwarded in the forwarded": Shape(
        _multipart("mixed", _TEXT, "Content-Type: message/rfc822\n\n" + _multipart("mixed", _FORWARD).decode()),
        parts=("message/rfc822",),
    ),
    "no end of the parts": Shape(_multipart("mixed", _TEXT).replace(b"--frontier--", b"")),
    "no parts": Shape(letter("It is 3.2.", Content_Type='multipart/mixed; boundary="x"'), "It is 3.2."),
    "empty": Shape(letter(""), "no text"),
    "nothing but blanks": Shape(letter("\n \n\t\n"), "no text"),
    "no date, no id": Shape(letter(Message_ID="", Date="")),
    "a date of nobody's": Shape(letter(Date="Yesterday, 25:61")),
    "two subjects": _header(_SUBJECT, f"{_SUBJECT}\r\nSubject: Another"),
    "no subject": Shape(letter(Subject=""), title="(No subject)"),
    "a folded subject": _header(_SUBJECT, "Subject: Backups\r\n  fail"),
    "encoded words": _header(
        _SUBJECT, "Subject: =?utf-8?B?xbvDs8WCxIc=?= =?iso-8859-1?Q?Gr=F6=DFe?=", title="ŻółćGröße"
    ),
    "broken encoded words": _header(_SUBJECT, "Subject: =?utf-8?B?!!!?= =?nowhere?Q?x?=", title="=?utf-8?B?!!!?="),
    "8 bits in the header": _header(_SUBJECT, "Subject: Żółć", title="Żółć"),
    "a line that is no field": _header(_SUBJECT, f"{_SUBJECT}\r\nthis is no field", ""),
    "nul and escapes": Shape(letter("It is\0 3.2.\x1b[31m")),
    "10 MB": Shape(
        _multipart("mixed", _TEXT, _file("dump.bin", "application/octet-stream", bytes(range(256)) * 40_960)),
        parts=("dump.bin", "10485760"),
    ),
}
