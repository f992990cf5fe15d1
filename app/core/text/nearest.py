"""PURE: what was meant by a name that is not known."""

from collections.abc import Iterable
from typing import Final

from rapidfuzz import fuzz

_LONG: Final = 50
"""Characters of a name that are compared."""


def likeness(one: str, other: str) -> float:
    """From 0 to 1: how alike two names are, by their longest common subsequence."""
    return fuzz.ratio(one[:_LONG].lower(), other) / 100


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like this one, the first of several; there must be one at least."""
    return max(known, key=lambda each: likeness(name, each))
