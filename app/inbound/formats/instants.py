"""Instants as senders write them, compared as instants. Pure.

RFC 3339 leaves a sender many texts for one instant: another offset, more digits, a lower-case ``z``. What is stored is
the sender's text; it is parsed whenever it is compared, so texts stored by any version compare alike.
"""

import re
from datetime import UTC, datetime
from typing import Final

_FRACTION: Final = re.compile(r"(?<=\d)[.,](\d+)", re.ASCII)
_LEAP_SECOND: Final = re.compile(r"(?<=\d\d:\d\d:)60")
_UNIX: Final = re.compile(r"(\d{9,19})(?:\.(\d+))?", re.ASCII)
_NAMED_UTC: Final = re.compile(r" ?(?:UTC|GMT)$")
_GAP: Final = re.compile(r" (?=Z|[+-]\d)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000_000
_NEVER: Final = 1
"""The year of Go's zero time: what Alertmanager and Grafana send for an end that has not come."""
_UNITS: Final = ((10**11, _SECOND), (10**14, 10**6), (10**17, 10**3))
"""Unix time below each of these is in units of so many nanoseconds: seconds, milliseconds, microseconds."""


def nanoseconds_of(text: str | None) -> int | None:
    """Nanoseconds since 1970 of an ISO 8601 or Unix instant; None for anything else, and for the year 0001.

    An instant without an offset is taken as UTC.
    """
    if not text:
        return None
    if unix := _UNIX.fullmatch(text):
        return _of_unix(int(unix[1]), unix[2] or "")
    found = _FRACTION.search(text)
    plain = _FRACTION.sub("", text.upper(), count=1)
    whole, leap = _LEAP_SECOND.subn("59", _NAMED_UTC.sub("", plain))
    try:
        moment = datetime.fromisoformat(_GAP.sub("", whole))
    except ValueError:
        return None
    if moment.year == _NEVER:
        return None
    since = moment.replace(tzinfo=UTC) - _EPOCH
    offset = moment.utcoffset()
    seconds = since.days * 86_400 + since.seconds + leap - (int(offset.total_seconds()) if offset else 0)
    return seconds * _SECOND + (_digits(found[1], 9) if found else 0)


def _of_unix(number: int, fraction: str) -> int:
    unit = next((size for below, size in _UNITS if number < below), 1)
    return number * unit + _digits(fraction, len(str(unit)) - 1)


def _digits(fraction: str, places: int) -> int:
    """The first so many decimal places as a whole number."""
    return int(fraction[:places].ljust(places, "0") or 0)


def is_never(text: str) -> bool:
    """Whether a text is the zero time, which stands for no instant at all."""
    return text.startswith("0001-")


def is_same(one: str | None, other: str | None) -> bool:
    """Whether two texts mean one instant; texts that are no instants, whether they are equal."""
    if one == other:
        return True
    instant = nanoseconds_of(one)
    return instant is not None and instant == nanoseconds_of(other)


def is_before(one: str | None, other: str | None) -> bool:
    """Whether the first of two instants lies before the second; False where either text is none."""
    first, second = nanoseconds_of(one), nanoseconds_of(other)
    return first is not None and second is not None and first < second
