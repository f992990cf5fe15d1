"""Which events a reader wants: globs over event types, and the types that they stand for. Pure.

A glob is matched when it is written, against the catalogue of types, and never against an event: what is stored and
what is asked of the database are lists of types.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Final

from app.core.problems import Fault, Invalid
from app.core.text.messages import _
from app.core.text.nearest import nearest
from app.events.types import EVENT_TYPES

GLOB: Final = r"^[a-z_*]+(\.[a-z_*]+)*$"
"""What a glob looks like: lower-case words joined by dots, ``*`` for any part."""

MAX_GLOB: Final = 64
"""The longest glob, in characters."""

MAX_GLOBS: Final = 50
"""The most globs of one endpoint or one reader: there are not many more types."""


def types_of(globs: Sequence[str], catalogue: Sequence[str] = EVENT_TYPES) -> list[str]:
    """The types that any of the globs stands for, in the order of the catalogue; a glob may stand for none.

    Takes time in proportion to their lengths, however many stars there are.
    """
    found = {event_type for glob in globs for event_type in _stands_for(glob, catalogue)}
    return [event_type for event_type in catalogue if event_type in found]


def _stands_for(glob: str, catalogue: Sequence[str]) -> Iterator[str]:
    first, *parts = glob.split("*")
    if not parts:
        if glob in catalogue:
            yield glob
        return
    *middle, last = parts
    middle = [part for part in middle if part]
    needed = set(glob) - {"*"}
    for event_type, characters in _with_characters(tuple(catalogue)):
        if (
            needed <= characters  # which most types fail
            and event_type.startswith(first)
            and event_type.endswith(last)
            and len(event_type) >= len(first) + len(last)
            and _holds(event_type, middle, len(first), len(last))
        ):
            yield event_type


@lru_cache(maxsize=8)
def _with_characters(catalogue: tuple[str, ...]) -> list[tuple[str, frozenset[str]]]:
    return [(event_type, frozenset(event_type)) for event_type in catalogue]


def _holds(event_type: str, parts: Sequence[str], before: int, behind: int) -> bool:
    """Whether the parts follow each other there: the leftmost place for each leaves the most room for the next."""
    place, end = before, len(event_type) - behind
    for part in parts:
        found = event_type.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


_HINTS: Final = 3
"""Mistakes of one request for which the nearest type is told."""


def check_globs(globs: Sequence[str], place: str = "/events", known: Collection[str] = ()) -> None:
    """422 for each glob that stands for no type, at its pointer below ``place``; what is ``known`` already may stay.

    The first few are told the nearest type.
    """
    mistaken = [
        (number, glob)
        for number, glob in enumerate(globs)
        if glob not in known and not any(_stands_for(glob, EVENT_TYPES))
    ]
    faults = [
        Fault(pointer=f"{place}/{number}", detail=_("No event has a type that {glob} matches", glob=glob))
        for number, glob in mistaken
    ]
    for fault, (_place, glob) in zip(faults[:_HINTS], mistaken, strict=False):
        fault["hint"] = _("The nearest type is {glob}", glob=nearest(glob.replace("*", ""), EVENT_TYPES))
    if faults:
        raise Invalid(errors=faults)
