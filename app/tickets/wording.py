"""What a search for tickets means: a part of a title, or a ticket's number. Pure."""

import re
from typing import Final

from app.core.text.folding import folded

_LONGEST: Final = 500
"""Characters of a folded term that are compared: each trigram of it is looked up."""
_INDEXED: Final = re.compile(r"[a-z0-9]{3}")
_NUMBER: Final = re.compile(r"([0-9a-tv-z]{3})[- ]?([0-9a-tv-z]{3})", re.IGNORECASE | re.ASCII)
_MISREAD: Final = str.maketrans("ILO", "110")
"""Letters that no number has, since they are taken for digits (Crockford's base 32)."""


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
