"""Texts as searches compare them: without case, accents and surplus blanks. Pure.

Everything becomes ASCII, with letters of other scripts spelt as their code points, because PostgreSQL finds trigrams
in what the locale of the database takes for letters, and in the locale C these are the ASCII ones alone.
"""

from typing import Final
from unicodedata import category, normalize

_REMEMBERED: Final = 20_000
"""Characters whose spelling is remembered."""
_FOUR_DIGITS: Final = 0x10000
_PLAIN: Final = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",
        "ŧ": "t",
        "ŋ": "n",
    }
)
"""Letters that Unicode does not take apart."""


def folded(text: str) -> str:
    """The text as searches compare it: ``  Größe: 5 Łódź `` becomes ``grosse: 5 lodz``.

    It is done by the character: to bring thousands of accents over one letter into their order takes hours.
    """
    return " ".join(text.translate(_FOLDED).split())


class _Folded(dict[int, str]):
    """What each character becomes, by its code point."""

    def __missing__(self, code: int) -> str:
        apart = normalize("NFKD", normalize("NFKD", chr(code)).casefold())
        plain = "".join(each for each in apart if category(each) != "Mn").translate(_PLAIN)
        spelt = "".join(_spelt(each) for each in plain)
        if len(self) < _REMEMBERED:
            self[code] = spelt
        return spelt


_FOLDED: Final = _Folded()


def _spelt(character: str) -> str:
    if character.isascii() or not character.isalnum():
        return character
    code = ord(character)
    return f"x{code:04x}" if code < _FOUR_DIGITS else f"y{code:05x}"
