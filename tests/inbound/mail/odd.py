"""Odd messages, as programs and people who test programs write them: each with what of it has to arrive."""

import base64
import gzip
from typing import Final

from tests.inbound.mail.letters import letter
from tests.inbound.mail.shapes import Shape

_TEXT: Final = "Content-Type: text/plain; charset=utf-8\n\nIt is 3.2."
_PAGE: Final = "Content-Type: text/html; charset=utf-8\n\n<p>It is 3.2. <img src=cid:one></p>"
_IMAGE: Final = 'Content-Type: image/png; name="{0}"\nContent-Disposition: inline; filename="{0}"\n\nPNG'
_ODD: Final = 'Content-Type: {1}\nContent-Disposition: attachment; filename="{0}"\n\n{2}'


def _parts(kind: str, *parts: str, sign: str = "odd", **fields: str) -> bytes:
    body = "".join(f"--{sign}\n{part}\n" for part in parts) + f"--{sign}--\n"
    return letter(body, Content_Type=f'multipart/{kind}; boundary="{sign}"', **fields)


def _nested(depth: int) -> str:
    """A message in a message, so often."""
    inner = f"Subject: Level {depth}\n\nThe innermost"
    for level in range(depth - 1, 0, -1):
        inner = f"Subject: Level {level}\nContent-Type: message/rfc822\n\n{inner}"
    return f"Content-Type: message/rfc822\n\n{inner}"


def _raw(old: str, new: bytes) -> bytes:
    """A message with other bytes in its header."""
    raw = letter()
    assert old.encode() in raw
    return raw.replace(old.encode(), new)


def _in(charset: str, text: bytes) -> bytes:
    """A message whose text is said to be in this charset."""
    head, _, _ = letter(Content_Type=f"text/plain; charset={charset}").partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + text


_FROM: Final = "From: Ana Silva <ana@example.com>"
_SUBJECT: Final = "Subject: Backups fail"
_REPORT: Final = (
    (
        "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
        "Votre message n'a pas pu =EAtre remis."
    ),
    (
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.exemple.example\n\n"
        "Final-Recipient: rfc822; ana@example.com\nAction: failed\nStatus: 5.7.1 (refus=E9)"
    ),
)
_ZIP: Final = base64.encodebytes(gzip.compress(bytes(2**22))).decode()

ODD: Final[dict[str, Shape]] = {
    "what Windows means by Latin-1": Shape(_in("iso-8859-1", b"\x93It is 3.2.\x94"), "“It is 3.2.”"),
    "what Windows means by GB 2312": Shape(
        _in("gb2312", "朱镕基".encode("gb18030")).replace(
            _SUBJECT.encode(), b"Subject: =?gb2312?B?" + base64.b64encode("镕 fails".encode("gb18030")) + b"?="
        ),
        "朱镕基",
        title="镕 fails",
    ),
    "UTF-8 that is called Latin-2": Shape(_in("iso-8859-2", "Zażółć".encode()), "Zażółć"),
    "UTF-8 in a word that is called Latin-1": Shape(
        _raw(_SUBJECT, b"Subject: =?iso-8859-1?Q?=C3=81gua?= falhou"), title="Água falhou"
    ),
    "a word with what only Latin-1 has": Shape(
        _raw(_SUBJECT, b"Subject: =?iso-8859-1?Q?=81_=C1gua?="), title="\x81 Água"
    ),
    "Latin-2": Shape(_in("iso-8859-2", "Zażółć".encode("iso-8859-2")), "Zażółć"),
    "a mark before its header": Shape(b"\xef\xbb\xbf" + letter()),
    "blank lines before its header": Shape(b"\r\n\r\n" + letter()),
    "each field twice": Shape(
        _raw(_FROM, f"{_FROM}\r\n{_FROM}\r\nContent-Type: text/html\r\nMessage-ID: <second@x.example>".encode()),
        "It is 3.2.",
    ),
    "says base64 and is plain": Shape(
        letter("It is 3.2, über alles.", Content_Transfer_Encoding="base64"), "3.2, über"
    ),
    "says quoted-printable and is plain": Shape(
        letter("a=b, 100=5% =ZZ, it is 3.2.", Content_Transfer_Encoding="quoted-printable"), "=ZZ, it is 3.2."
    ),
    "latin bytes in the subject": Shape(_raw(_SUBJECT, "Subject: Größe".encode("latin-1")), title="Größe"),
    "utf-7": Shape(letter("It is +AOk-3.2.", Content_Type="text/plain; charset=utf-7"), "It is é3.2."),
    "iso-2022-jp without its end": Shape(
        letter("\x1b$B%P!<%8%g%s 3.2", Content_Type="text/plain; charset=iso-2022-jp"), "3.2"
    ),
    "signs of NEC's in iso-2022-jp": Shape(
        letter("\x1b$B-!%P\x1b(I1 2\n3\x1b(B 3.2", Content_Type="text/plain; charset=iso-2022-jp"), "①バｱ ｲ\nｳ 3.2"
    ),
    "signs of NEC's in euc-jp": Shape(_in("euc-jp", b"\xad\xa1\xfc\xe2 \x8e\xb1\x8f\xb0\xa1 3.2"), "①髙 ｱ丂 3.2"),
    "ASCII that is called UCS-2": Shape(_in("ucs-2", b"It is 3.2."), "It is 3.2."),
    "Han in UTF-16 without a mark": Shape(_in("utf-16le", "版本".encode("utf-16-le")), "版本"),
    "Hebrew by a name of browsers'": Shape(_in("iso-8859-8-i", "הגיבויים".encode("iso8859-8")), "הגיבויים"),
    "Russian by a name of old programs'": Shape(_in("x-cp1251", "Сбой".encode("cp1251")), "Сбой"),
    "a page that names its charset": Shape(
        letter("", Content_Type="text/html") + "<meta charset='koi8-r'><p>Сбой</p>".encode("koi8-r"), "Сбой"
    ),
    "base64 that breaks off": Shape(
        letter(
            base64.b64encode("Störung ".encode() * 9)[:53].decode(),
            Content_Type="text/plain; charset=utf-8",
            Content_Transfer_Encoding="base64",
        ),
        "Störung Störung Störung Störung St",
    ),
    "gb18030 of four bytes": Shape(
        letter("", Content_Type="text/plain; charset=gb18030") + "版本 3.2 €😀".encode("gb18030"), "版本 3.2 €😀"
    ),
    "five messages in one another": Shape(_parts("mixed", _TEXT, _nested(5)), parts=("Level 1", "message/rfc822")),
    "parts in parts, and no end of any": Shape(
        letter(
            f"--a\nContent-Type: multipart/alternative; boundary=b\n\n--b\n{_TEXT}\n--b\n{_PAGE}\n--a\n"
            + _ODD.format("log.txt", "text/plain", "end"),
            Content_Type="multipart/mixed; boundary=a",
        ),
        parts=("log.txt",),
    ),
    "signed by S/MIME": Shape(
        _parts("signed", _TEXT, _ODD.format("smime.p7s", "application/pkcs7-signature", "MIIB")), parts=("smime.p7s",)
    ),
    "encrypted by S/MIME": Shape(
        letter("MIIB", Content_Type='application/pkcs7-mime; name="smime.p7m"', Content_Transfer_Encoding="base64"),
        "no text",
        ("smime.p7m",),
    ),
    "encrypted by PGP": Shape(
        _parts(
            "encrypted",
            "Content-Type: application/pgp-encrypted\n\nVersion: 1",
            _ODD.format("encrypted.asc", "application/octet-stream", "-----BEGIN PGP MESSAGE-----"),
        ),
        "no text",
        ("application/pgp-encrypted", "encrypted.asc"),
    ),
    "Apple Mail's pages between pictures": Shape(
        _parts(
            "alternative",
            _TEXT,
            "Content-Type: multipart/mixed; boundary=apple\n\n--apple\n"
            + "\n--apple\n".join((_PAGE, _IMAGE.format("one.png"), _PAGE, _IMAGE.format("two.png")))
            + "\n--apple--",
        ),
        parts=("one.png", "two.png"),
    ),
    "an invitation that is cancelled": Shape(
        _parts("alternative", _TEXT, "Content-Type: text/calendar; method=CANCEL\n\nBEGIN:VCALENDAR\nEND:VCALENDAR"),
        parts=("text/calendar",),
    ),
    "tnef as an alternative": Shape(
        _parts("alternative", _TEXT, _ODD.format("winmail.dat", "application/ms-tnef", "x")), parts=("winmail.dat",)
    ),
    "a sender in a group": Shape(_raw(_FROM, b"From: Support: Ana Silva <ana@example.com>;")),
    "a secretary sends it": Shape(letter(Sender="Kim <kim@example.com>")),
    "a line of 60,000 characters": Shape(letter("x" * 60_000 + "\nIt is 3.2."), "kept whole"),
    "base64 with garbage": Shape(
        letter("SXQgaXMg\n!*\xff\nMy4yLg==\n-- \nlist@x", Content_Transfer_Encoding="base64"), "It is 3.2."
    ),
    "a bomb in a file": Shape(
        _parts(
            "mixed",
            _TEXT,
            'Content-Type: application/gzip\nContent-Disposition: attachment; filename="bomb.gz"\n'
            f"Content-Transfer-Encoding: base64\n\n{_ZIP}",
        ),
        parts=("bomb.gz",),
    ),
    "5,000 files": Shape(
        _parts("mixed", _TEXT, *(_ODD.format(f"{n}.txt", "text/plain", "x") for n in range(5_000))),
        parts=("0.txt",),
    ),
    "a subject of 100 kB": Shape(letter(Subject="Backups fail " + "again " * 17_000)),
}
"""Those that open a ticket."""

NOBODYS: Final[dict[str, bytes]] = {
    "several senders": _raw(_FROM, b"From: Ana <ana@example.com>, Bob <bob@stranger.example>"),
    "a group of nobody": _raw(_FROM, b"From: undisclosed-recipients:;"),
    "an empty return path": letter(Return_Path="<>"),
    "a report in French": _parts(
        "report; report-type=delivery-status", *_REPORT, sender="MAILER-DAEMON@mx.exemple.example", Return_Path="<>"
    ),
}
"""Those of which nothing comes but a receipt."""
