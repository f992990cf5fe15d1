"""Whether there is a link by which an engineer answers an alert, however it is coded, quoted or wrapped. Pure."""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final

_SECRET: Final = b"hd_answer_"
"""How what opens it begins (``app/notices/links.py``)."""
_CODED: Final = rb"[=%](?>(?:25|3[Dd])*)"
"""What is before the two digits of a byte, in quoted-printable and in a URL, however often that is done again."""
_GAP: Final = (
    rb"(?>(?:[\s\x00>|]|=(?>(?:3[Dd])*)[ \t]*+\r?\n|\xc2\xad|\xe2\x80[\x8b-\x8d]|\xe2\x81\xa0|\xef\xbb\xbf"
    rb"|" + _CODED + rb"(?i:0[9ad]|20|3e|7c|c2" + _CODED + rb"ad|e2" + _CODED + rb"80" + _CODED + rb"8[b-d])"
    rb"|\\(?i:u(?:00(?:0[9ad]|20|3e|7c|ad)|200[b-d]|2060|feff))|\\[nrt]|\\(?![Uu]00|[Xx])"
    rb"|&(?i:shy|zwnj|zwj|nobreak|#0{0,5}(?:173|820[3-5]|8288|65279)|#x0{0,5}(?:ad|200[b-d]|2060|feff));?)*)"
)
"""What stands in it: soft line ends, quoting, blanks, what nobody sees; the zeros of UTF-16; JSON's line ends."""
_TAG: Final = re.compile(rb"<[^<>]*+>")
_BITS: Final = 6
"""Of one character in base64."""


def holds_link(content: bytes | str) -> bool:
    """Whether it is in a text, or in a file: as it is, quoted-printable, in a URL, HTML or JSON, or in base64."""
    given = content.encode(errors="replace") if isinstance(content, str) else content
    bare = _TAG.sub(b"", given) if b"<" in given else b""
    return any(form.search(given) for form in _FORMS) or _FORMS[0].search(bare) is not None


def _forms() -> Iterator[re.Pattern[bytes]]:
    yield re.compile(_GAP.join(_spellings(each) for each in _SECRET.decode()))
    for before in range(3):
        bits = (8 * before, 8 * (before + len(_SECRET)))
        coded = b64encode(bytes(before) + _SECRET + bytes(3))
        known = coded[-(-bits[0] // _BITS) : bits[1] // _BITS]  # the others have bits of what stands beside it
        yield re.compile(_GAP.join(re.escape(bytes([each])) for each in known))


def _spellings(letter: str) -> bytes:
    code = ord(letter)
    named = "|lowbar;?" if letter == "_" else ""
    soft = r"(?>(?:=(?>(?:3[Dd])*)[ \t]*+\r?\n)?)"
    signed = f"-(?i:{code:x})|{_CODED.decode()}{soft}(?i:{code:x})|\\\\(?i:u00|x)(?i:{code:x})"
    return f"(?:[{letter}{letter.upper()}]|{signed}|&(?i:#0{{0,5}}{code};?|#x0{{0,5}}{code:x};?{named}))".encode()


_FORMS: Final = tuple(_forms())
