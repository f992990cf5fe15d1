"""Identifiers: ``<prefix>_<26 characters>``, a UUIDv7 in Crockford's base 32 as the TypeID specification has it.

They sort by the time of their making, in the database and in a terminal alike: the time of the machine that made them,
which may be wrong. So no list is in their order (``core/web/kit/paging.py``).
"""

import re
import secrets
from functools import lru_cache
from typing import Final

import uuid_utils

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [a + b for a in _DIGITS for b in _DIGITS]
_RANDOM: Final = 62
_HALF: Final = 50
_LOW: Final = (1 << _HALF) - 1
ID_PATTERN: Final = re.compile(r"^[a-z]{2,5}_[0-7][0-9a-hjkmnp-tv-z]{25}$")


def new_id(prefix: str) -> str:
    """A new id such as ``tkt_01k9...``; ``prefix`` is two to five lower-case letters."""
    return _spelt(prefix, uuid_utils.uuid7().int)


def unguessable_id(prefix: str) -> str:
    """A new id that nobody guesses who knows when it was made, and others that were made at that time.

    The part of a UUIDv7 behind its time is a counter and 32 random bits; here it is 62 random bits.
    """
    return _spelt(prefix, uuid_utils.uuid7().int >> _RANDOM << _RANDOM | secrets.randbits(_RANDOM))


def _spelt(prefix: str, number: int) -> str:
    high, low = number >> _HALF, number & _LOW
    pairs = _PAIRS
    return (
        f"{prefix}_{_stamp(high >> 30)}{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 40]}{pairs[low >> 30 & 1023]}{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}"
        f"{pairs[low & 1023]}"
    )


@lru_cache(maxsize=2)
def _stamp(milliseconds: int) -> str:
    """How the time is spelt, with which ids begin that are made in one millisecond."""
    return "".join(_PAIRS[(milliseconds >> shift) & 1023] for shift in range(40, -1, -10))
