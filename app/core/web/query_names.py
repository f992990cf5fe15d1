"""PURE: the names of an operation's query parameters, and what is said of a name that is not one of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from app.core.problems import Fault
from app.core.schemas.shared import pointer
from app.core.text.messages import Message, _
from app.core.text.nearest import likeness

_FAULTS: Final = 50
"""Unknown names of one request that are told one by one."""
_HINTS: Final = 3
"""Those for which the nearest name is looked up."""
_NEAR: Final = 0.6
"""From when on a name is taken for another one that was mistyped."""


def unknown_names(given: Iterable[str], known: Collection[str]) -> list[Fault]:
    """A fault for each name that is not known, at ``#/query/<name>``; the first few are told the nearest one."""
    unknown = [name for name in dict.fromkeys(given) if name not in known][:_FAULTS]
    faults = [
        Fault(pointer=f"#/query{pointer([name])}", detail=_("This operation has no such query parameter"))
        for name in unknown
    ]
    for fault, name in zip(faults[:_HINTS], unknown, strict=False):
        fault["hint"] = _hint(name, known)
    return faults


def repeated_names(given: Iterable[str], known: Mapping[str, bool]) -> list[Fault]:
    """A fault for each name that is given several times but takes one value; ``known`` says which take several."""
    repeated = [name for name, times in Counter(given).items() if times > 1 and known.get(name) is False]
    return [Fault(pointer=f"#/query{pointer([name])}", detail=_("This parameter takes one value")) for name in repeated]


def takes_several(schema: Mapping[str, Any]) -> bool:
    """Whether a parameter with this schema may be repeated."""
    return any(each.get("type") == "array" for each in (schema, *schema.get("anyOf", ())))


def _hint(name: str, known: Collection[str]) -> Message:
    if not known:
        return _("It takes no query parameters")
    best, nearest = max((_likeness(name, each), each) for each in sorted(known))
    if best < _NEAR:
        return _("It takes {names}", names=sorted(known))
    return _("Did you mean {nearest}?", nearest=nearest)


def _likeness(name: str, known: str) -> float:
    """From 0 to 1: how alike two names are, or one and a word of the other, which is a little less.

    A name that begins as the other one is near enough, however short that is.
    """
    words = max(likeness(name, word) for word in known.split("_"))
    begins = _NEAR if name and (name.startswith(known) or known.startswith(name)) else 0.0
    return max(likeness(name, known), words * 0.9, begins)
