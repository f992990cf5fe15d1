"""The charsets of texts: which one is meant by a name, and what the interpreter has no codec for. Pure."""

import codecs
import re
from typing import Final

from webencodings import LABELS

_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Codecs of the interpreter's that no message is written in; some take for ever."""
_BROWSERS: Final[dict[str, str]] = LABELS
"""What browsers mean by a name of a charset (WHATWG, Encoding), often a larger relative."""
_OTHERS: Final = {
    "utf8mb4": "utf-8",
    "iso885916": "iso8859-16",
    "cp-850": "cp850",
    "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp",
    "iso-2022-jp-ms": "iso2022_jp",
}
"""Names that neither browsers nor the interpreter know."""
_CODECS: Final = {
    "gbk": "gb18030",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "windows-874": "cp874",
    "iso-8859-8": "cp1255",
    "iso-8859-8-i": "cp1255",
    "x-mac-cyrillic": "mac-cyrillic",
    "utf-16le": "utf-16",
}
"""The codecs for what browsers call so, where the interpreter has none of that name, or one that reads less."""
_CODE_PAGE: Final = re.compile(r"(?:x-)?(?:cp|win|windows)-?(125[0-8])")
_ONE_BYTE: Final = re.compile(r"(?:iso8859|cp125|cp874|koi8|mac).*")
_IN_PAGE: Final = re.compile(rb"<meta\b[^>]{0,200}?\bcharset\s{0,9}=\s{0,9}[\"']?([\w:.-]{1,40})", re.IGNORECASE)
_BEGINNING: Final = 4_096
"""Bytes of a page in which it names its charset."""
_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""What UTF-16 begins with, as a rule."""
_ERRORS: Final = "heliodesk-nec"
"""How the interpreter treats what it cannot decode: see ``_nec``."""
_SETS: Final = re.compile(rb"(\x1b\([BJI]|\x1b\$[@B])")
_KATAKANA: Final = bytes(each | 0x80 if 0x21 <= each <= 0x5F else each for each in range(256))  # noqa: PLR2004
"""Katakana of half the width, as Shift JIS has them; blanks and line ends stand among them."""


def charsets(declared: str) -> tuple[str, ...]:
    """In which a text may be that is said to be in one."""
    meant = _meant(declared)
    # What reads as UTF-8 is no text of single bytes, except by a chance that needs a very short one.
    return (*(["utf-8"] if _ONE_BYTE.fullmatch(meant) else []), meant, declared)


def named_in(page: bytes) -> str | None:
    """The charset that a page names itself; none of two bytes a sign, in which nobody could have read the name."""
    found = _IN_PAGE.search(page[:_BEGINNING])
    name = found[1].decode("ascii", "replace") if found else ""
    return None if not name or _meant(name).startswith("utf-16") else name


def read(content: bytes, charset: str) -> str:
    """The text that is in this charset. Raises ``LookupError`` and ``ValueError``."""
    name = codecs.lookup(charset).name
    if name in _NO_CHARSETS:
        raise LookupError(charset)
    if name == "utf-16" and not content.startswith(_MARKS) and b"\0" not in content:
        raise UnicodeError("Bytes of single signs, of which any two are a sign of UTF-16")
    try:
        return content.decode(name, _ERRORS)
    except UnicodeError:
        return _jis(content) if name == "iso2022_jp" else _begun(content, name)


def _meant(charset: str) -> str:
    """The codec for what is meant by the name of a charset; the name itself where nobody knows it."""
    charset = charset.lower()
    page = _CODE_PAGE.fullmatch(charset)
    name = f"cp{page[1]}" if page else _OTHERS.get(charset, charset)
    try:
        name = name if name in _BROWSERS else codecs.lookup(name).name.replace("_", "-")
        name = _BROWSERS.get(name, name)
        return codecs.lookup(_CODECS.get(name, name)).name
    except (LookupError, ValueError):
        return charset


def _begun(content: bytes, codec: str) -> str:
    """The text of what breaks off within a sign, without that sign. Raises ``ValueError``.

    A single odd byte at the end of ASCII is no such sign: it is one of another charset.
    """
    decoder = codecs.getincrementaldecoder(codec)(_ERRORS)
    text = decoder.decode(content)
    if content[: len(content) - len(decoder.getstate()[0])].isascii():
        raise UnicodeError("One sign, and it breaks off")
    return text


def _nec(fault: UnicodeError) -> tuple[str, int]:
    """What Japanese programs write as EUC-JP and the interpreter does not know as such: signs of NEC's."""
    if not isinstance(fault, UnicodeDecodeError) or fault.encoding != "euc_jp":
        raise fault
    place = fault.start + 2
    sign = fault.object[fault.start : place]
    if len(sign) == 1 or min(sign) < 0xA1:  # noqa: PLR2004
        raise fault
    return _doubled(bytes(each & 0x7F for each in sign)), place


codecs.register_error(_ERRORS, _nec)


def _jis(content: bytes) -> str:
    """What Japanese programs write as ISO-2022-JP: with katakana of half the width, and signs of NEC's. See CP50221."""
    first, *parts = _SETS.split(content)
    texts = [first.decode("ascii")]
    for mark, part in zip(parts[::2], parts[1::2], strict=True):
        if mark.startswith(b"\x1b$"):
            texts.append(_doubled(part))
        elif mark.endswith(b"I"):
            texts.append(part.translate(_KATAKANA).decode("cp932"))
        else:
            texts.append(part.decode("ascii"))
    return "".join(texts)


def _doubled(part: bytes) -> str:
    """Signs of two bytes each, as Shift JIS has them; line ends stand among them. Raises ``ValueError``."""
    signs, place = bytearray(), 0
    while place < len(part):
        row, *cell = part[place : place + 2]
        if not 0x21 <= row <= 0x7E:  # noqa: PLR2004  JIS X 0208
            signs.append(row)
            place += 1
            continue
        if not cell or not 0x21 <= cell[0] <= 0x7E:  # noqa: PLR2004
            raise ValueError("Half a sign")
        lead = (row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1)  # noqa: PLR2004
        trail = cell[0] + 0x7E if row % 2 == 0 else cell[0] + (0x1F if cell[0] < 0x60 else 0x20)  # noqa: PLR2004
        signs += bytes((lead, trail))
        place += 2
    return signs.decode("cp932")
