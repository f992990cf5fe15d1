"""Characters that nobody sees (Unicode's Default_Ignorable_Code_Point, UAX 44, and what looks like a blank). Pure."""

import re
import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""Format characters that words of Persian, of Indic scripts, and emoji are spelt with."""
_SELECTORS: Final = r"\u115f\u1160\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""They choose the form of a letter or of an emoji that stands beside them."""
_FILLERS: Final = r"\u034f\u17b4\u17b5\u3164\uffa0"
"""No word needs them."""
_MOST_MARKS: Final = 30
"""Accents over one letter (UAX 15, stream-safe text): to bring thousands into their order takes hours."""
_CONTROLS: Final = re.compile(r"[\x01-\x1f\x7f-\x9f\u2028\u2029]+")
_NEEDLESS: Final = re.compile(f"[{_FILLERS}]")
_UNSEEN: Final = re.compile(rf"[{_JOINERS}{_SELECTORS}{_FILLERS}\u2800\s]+")
_IGNORABLE: Final = re.compile(f"[{_SELECTORS}{_FILLERS}\u2800]")


def visible(text: str) -> str:
    """The text composed (NFC), without what cannot be seen, on one line: two that look the same are the same.

    It is empty where nothing would be left to be seen.
    """
    if text.isascii() and text.isprintable():
        return text
    line = _NEEDLESS.sub("", _CONTROLS.sub(" ", text))
    shown = "".join(each for each in line if unicodedata.category(each) != "Cf" or each in _JOINERS)
    shown = unicodedata.normalize("NFC", _with_few_marks(shown)).strip()
    return "" if _UNSEEN.fullmatch(shown) else shown


def _with_few_marks(text: str) -> str:
    kept, marks = [], 0
    for each in text:
        marks = marks + 1 if unicodedata.combining(each) else 0
        if marks <= _MOST_MARKS:
            kept.append(each)
    return "".join(kept)


def unseen_in(text: str) -> str | None:
    """The name of a character in the text that nobody sees and that is no format character; None without one."""
    found = _IGNORABLE.search(text)
    return unicodedata.name(found[0], f"U+{ord(found[0]):04X}") if found else None
