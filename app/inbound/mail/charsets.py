"""The charsets of texts: which one is meant by a name, and what the interpreter has no codec for. Pure."""

import codecs
import re
from typing import Final

_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Codecs of the interpreter's that no message is written in; some take for ever."""
_MEANT: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
}
"""What is meant by the names of these charsets, as browsers take them (WHATWG, Encoding): their larger relatives."""
_NAMES: Final = {
    "utf-8": "unicode-1-1-utf-8 utf8mb4",
    "utf-16": "unicode csunicode ucs-2 iso-10646-ucs-2",
    "iso8859-6": "iso-8859-6-e iso-8859-6-i",
    "cp1255": "iso-8859-8-e iso-8859-8-i logical visual",
    "iso8859-10": "iso885910",
    "iso8859-13": "iso885913",
    "iso8859-15": "iso885915 csisolatin9",
    "koi8-r": "koi koi8",
    "koi8-u": "koi8-ru",
    "mac-roman": "mac csmacintosh x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "cp850": "cp-850",
    "cp874": "windows-874 dos-874",
    "cp932": "windows-31j x-sjis",
    "cp949": "windows-949 ks_c_5601-1989 ksc_5601 iso-ir-149 csksc56011987",
    "euc_jp": "x-euc-jp cseucpkdfmtjapanese",
    "gb18030": "gb_2312 gb_2312-80 csgb2312 x-gbk",
    "big5hkscs": "cn-big5 x-x-big5",
    "iso2022_jp": "cp50220 cp50221 iso-2022-jp-ms",
}
"""Names that the interpreter does not know, by the charset that they are for."""
_KNOWN: Final = {name: charset for charset, names in _NAMES.items() for name in names.split()}
_CODE_PAGE: Final = re.compile(r"(?:x-)?(?:cp|win|windows)-?(125[0-8])")
_ONE_BYTE: Final = re.compile(r"(?:iso8859|cp125|cp874|koi8|mac|tis).*")
_IN_PAGE: Final = re.compile(rb"<meta\b[^>]{0,200}?\bcharset\s{0,9}=\s{0,9}[\"']?([\w:.-]{1,40})", re.IGNORECASE)
_BEGINNING: Final = 4_096
"""Bytes of a page in which it names its charset."""
_SETS: Final = re.compile(rb"(\x1b\([BJI]|\x1b\$[@B])")


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
    if codecs.lookup(charset).name in _NO_CHARSETS:
        raise LookupError(charset)
    try:
        return content.decode(charset)
    except UnicodeError:
        if codecs.lookup(charset).name == "iso2022_jp":
            return _jis(content)
        raise


def _meant(charset: str) -> str:
    """The charset that is meant by the name of one; the name itself where nobody knows it."""
    charset = charset.lower()
    page = _CODE_PAGE.fullmatch(charset)
    try:
        name = codecs.lookup(f"cp{page[1]}" if page else _KNOWN.get(charset, charset)).name
    except (LookupError, ValueError):
        return charset
    return _MEANT.get(name, name)


def _jis(content: bytes) -> str:
    """What Japanese programs write as ISO-2022-JP: with katakana of half the width, and signs of NEC's. See CP50221."""
    first, *parts = _SETS.split(content)
    texts = [first.decode("ascii")]
    for mark, part in zip(parts[::2], parts[1::2], strict=True):
        if mark.startswith(b"\x1b$"):
            texts.append(_doubled(part))
        elif mark.endswith(b"I"):
            texts.append(bytes(each | 0x80 for each in part).decode("cp932"))
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
