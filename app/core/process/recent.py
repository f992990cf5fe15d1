"""What a process has seen lately, in bounded room."""

from collections import OrderedDict
from collections.abc import ValuesView
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MOST: Final = 20_000


class Recent(Generic[T]):
    """A bounded memory: what was used longest ago goes first."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, T] = OrderedDict()

    def get(self, key: bytes) -> T | None:
        """What is kept under ``key``."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: bytes, thing: T) -> None:
        """Keep ``thing`` under ``key``."""
        self._kept[key] = thing
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, key: bytes) -> None:
        """Keep nothing under ``key``."""
        self._kept.pop(key, None)

    def values(self) -> ValuesView[T]:
        """All that is kept."""
        return self._kept.values()

    def __len__(self) -> int:
        return len(self._kept)
