"""Lengths of time as text: ISO 8601 durations in hours, minutes and seconds, which mean the same on every day (C01)."""

import re
from datetime import timedelta
from typing import Final

from app.core.text.messages import _

MAX_DURATION: Final = timedelta(days=3653)
"""Ten years: longer promises are typing errors."""

_CLOCK_UNITS: Final = re.compile(r"PT(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:\.([0-9]{1,6}))?S)?")
_DATE_UNITS: Final = re.compile(r"[+-]?P[0-9.,]+[DWMY].*", re.DOTALL)


def parse_duration(text: str) -> timedelta:
    """A length of time such as ``PT30M``, ``PT1H30M`` or ``PT2.5S``: above zero, at most ten years.

    Raises ValueError with a sentence for the caller. Days and longer units are refused: none of them has a length.
    """
    if _DATE_UNITS.fullmatch(text):
        raise ValueError(_("A day, week, month or year is not a length of time: write PT24H, or {business_days: 1}"))
    match = _CLOCK_UNITS.fullmatch(text)
    if not match or not any(match.groups()):
        raise ValueError(_("A duration is hours, minutes and seconds in this order, such as PT1H30M, PT45M or PT2.5S"))
    hours, minutes, seconds, fraction = match.groups(default="0")
    length = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    length += timedelta(microseconds=int(fraction.ljust(6, "0")))
    if not timedelta(0) < length <= MAX_DURATION:
        raise ValueError(_("A duration is longer than zero and at most ten years (PT87672H)"))
    return length


def format_duration(length: timedelta) -> str:
    """The shortest such text: ``PT1H30M``, ``PT2.5S``, ``PT0S``; with a leading minus when below zero."""
    if length < timedelta(0):
        return f"-{format_duration(-length)}"
    minutes, rest = divmod(length, timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest.seconds}.{rest.microseconds:06}".rstrip("0").rstrip(".") if rest.microseconds else rest.seconds
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0S")
