"""What a process remembers of things that never change, such as a stored version of a plan."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Memory:
    """A bounded memory by kind and key: what was not asked for longest goes first.

    For immutable things only, so that nothing in it can be out of date. Sessions carry it (``db.memory_of``).
    """

    def __init__(self, size: int = 1_000) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[type[Any], Hashable], Any] = OrderedDict()

    def recall(self, kind: type[T], key: Hashable) -> T | None:
        """The thing of this kind that was kept under ``key``, if it is still here."""
        kept = self._kept.get((kind, key))
        if kept is not None:
            self._kept.move_to_end((kind, key))
        return kept

    def keep(self, key: Hashable, thing: T) -> T:
        """Remember ``thing`` by its type and ``key``, and give it back."""
        self._kept[type(thing), key] = thing
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return thing
