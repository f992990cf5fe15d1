"""How a search compares texts: without case, accents and surplus blanks. Pure.

Everything becomes ASCII, with letters of other scripts spelt as their code points, because PostgreSQL finds trigrams
in what the locale of the database takes for letters, and in the locale C these are the ASCII ones alone.
"""

import re
from typing import Final
from unicodedata import category, normalize

_LONGEST: Final = 500
"""Characters of a folded term that are compared: each trigram of it is looked up."""
_INDEXED: Final = re.compile(r"[a-z0-9]{3}")
_NUMBER: Final = re.compile(r"([0-9a-tv-z]{3})[- ]?([0-9a-tv-z]{3})", re.IGNORECASE | re.ASCII)
_MISREAD: Final = str.maketrans("ILO", "110")
"""Letters that no number has, since they are taken for digits (Crockford's base 32)."""
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
    """The text as searches compare it: ``  Größe: 5 Łódź `` becomes ``grosse: 5 lodz``."""
    apart = normalize("NFKD", normalize("NFKD", text).casefold())
    plain = "".join(each for each in apart if category(each) != "Mn").translate(_PLAIN)
    return "".join(_spelt(each) for each in " ".join(plain.split()))


def _spelt(character: str) -> str:
    if character.isascii() or not character.isalnum():
        return character
    code = ord(character)
    return f"x{code:04x}" if code < _FOUR_DIGITS else f"y{code:05x}"


def pattern(term: str) -> str:
    """The LIKE pattern of folded texts that hold the term."""
    literal = re.sub(r"([\\%_])", r"\\\1", folded(term)[:_LONGEST])
    return f"%{literal}%"


def can_be_searched(term: str) -> bool:
    """Whether the index narrows a search for this term: without three letters in a row there is no trigram."""
    return _INDEXED.search(folded(term)) is not None


def as_number(term: str) -> str | None:
    """The ticket's number that a person means by ``k7m3qp``, ``K7M 3QP`` or ``k7m-3qp``; None if it is none."""
    match = _NUMBER.fullmatch(term.strip())
    return "-".join(match.groups()).upper().translate(_MISREAD) if match else None
