"""Which events a reader wants: globs over event types, and the types that they stand for. Pure.

A glob is matched when it is written, against the catalogue of types, and never against an event: what is stored and
what is asked of the database are lists of types.
"""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Final

from app.core.problems import Fault, Invalid
from app.core.text.messages import _
from app.events.types import EVENT_TYPES

GLOB: Final = r"^[a-z_*]+(\.[a-z_*]+)*$"
"""What a glob looks like: lower-case words joined by dots, ``*`` for any part."""

MAX_GLOB: Final = 64
"""The longest glob, in characters."""

MAX_GLOBS: Final = 50
"""The most globs of one endpoint or one reader: there are not many more types."""


def matches(glob: str, event_type: str) -> bool:
    """Whether a glob stands for a type. Takes time in proportion to their lengths, however many stars there are."""
    first, *parts = glob.split("*")
    if not parts:
        return glob == event_type
    *middle, last = parts
    if not event_type.startswith(first) or not event_type[len(first) :].endswith(last):
        return False
    place, end = len(first), len(event_type) - len(last)
    for part in middle:  # the leftmost place for each part leaves the most room for the next
        found = event_type.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def types_of(globs: Sequence[str], catalogue: Sequence[str] = EVENT_TYPES) -> list[str]:
    """The types that any of the globs stands for, in the order of the catalogue; a glob may stand for none."""
    return [event_type for event_type in catalogue if any(matches(glob, event_type) for glob in globs)]


def nearest(glob: str) -> str:
    """The type that a mistaken glob looks most like."""
    return get_close_matches(glob.replace("*", ""), EVENT_TYPES, n=1, cutoff=0.0)[0]


_HINTS: Final = 3
"""Mistakes of one request for which the nearest type is looked up, which takes a millisecond each."""


def check_globs(globs: Sequence[str], place: str = "/events", known: Collection[str] = ()) -> None:
    """422 for each glob that stands for no type, at its pointer below ``place``; what is ``known`` already may stay.

    The first few are told the nearest type.
    """
    mistaken = [(number, glob) for number, glob in enumerate(globs) if glob not in known and not types_of([glob])]
    faults = [
        Fault(pointer=f"{place}/{number}", detail=_("No event has a type that {glob} matches", glob=glob))
        for number, glob in mistaken
    ]
    for fault, (_place, glob) in zip(faults[:_HINTS], mistaken, strict=False):
        fault["hint"] = _("The nearest type is {glob}", glob=nearest(glob))
    if faults:
        raise Invalid(errors=faults)
