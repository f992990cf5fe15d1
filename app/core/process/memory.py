"""What a process remembers of things that never change, such as a stored version of a plan."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Memory:
    """A bounded memory by kind and key: of each kind, what was not asked for longest goes first.

    For immutable things only, so that nothing in it can be out of date. Sessions carry it (``db.memory_of``). Calendars
    of very many zones push out no plan's document, which takes longer to read.
    """

    def __init__(self, size: int = 500) -> None:
        self._size = size
        self._kept: dict[type[Any], OrderedDict[Hashable, Any]] = {}

    def recall(self, kind: type[T], key: Hashable) -> T | None:
        """The thing of this kind that was kept under ``key``, if it is still here."""
        things = self._kept.get(kind)
        kept = things.get(key) if things else None
        if things and kept is not None:
            things.move_to_end(key)
        return kept

    def keep(self, key: Hashable, thing: T) -> T:
        """Remember ``thing`` by its type and ``key``, and give it back."""
        things = self._kept.setdefault(type(thing), OrderedDict())
        things[key] = thing
        if len(things) > self._size:
            things.popitem(last=False)
        return thing
