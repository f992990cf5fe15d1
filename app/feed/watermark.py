"""How far a table can be read in order while transactions that append to it are open. Pure.

A row gets its position from a sequence when it is written, and is seen when its transaction commits. A reader that
goes on behind the highest position it has seen would pass over a lower one that commits later. So it reads up to the
watermark only: below it everything is decided, committed or never to come.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

PREPARED: Final = "prepared"
"""Stands for all transactions that were prepared to be committed: they are no longer known by their first name."""


_MOST: Final = 64
"""Marks that are kept at the most; beyond that the newest is replaced."""


@dataclass(slots=True)
class _Mark:
    """A poll: the last position that was given out then, and who of its writers may still be at work."""

    last: int
    writers: AbstractSet[str]


class Watermark:
    """What is known from the polls so far.

    ``position``: up to here everything is decided; None before that is known. ``last``: the last position given out.
    """

    def __init__(self) -> None:
        self.position: int | None = None
        self.last = 0
        self._marks: list[_Mark] = []

    @property
    def writers(self) -> AbstractSet[str]:
        """Whose end is waited for before the position moves on."""
        return self._marks[0].writers if self._marks else frozenset()

    def advance(self, last: int, writers: AbstractSet[str]) -> bool:
        """Take in a poll: the last position given out and, read *after* it, who holds the table's write lock.

        Whoever was given a position up to ``last`` held that lock before, and holds it until what they wrote is seen
        by every later statement. So once all ``writers`` of a poll have ended, everything up to its ``last`` is
        decided. Each poll that saw more is a mark of its own, so that an event waits for those alone who wrote when it
        was first seen. Returns whether the position moved, or nobody was waited for. A ``last`` that went back is
        another history (a replica without the newest commits has taken over): everything begins anew.
        """
        if last < self.last:
            self.position, self._marks = None, []
        self.last = last
        before, waited = self.position, bool(self._marks)
        self._decide(writers)
        if not writers:
            self.position = last
        elif last != (self._marks[-1].last if self._marks else self.position):
            del self._marks[_MOST - 1 :]
            self._marks.append(_Mark(last, writers))
        return self.position != before or not waited

    def _decide(self, writers: AbstractSet[str]) -> None:
        """Strike from the marks who writes no longer; who was prepared may be any of them."""
        if PREPARED in writers:
            return
        for mark in self._marks:
            mark.writers &= writers
        decided = [mark.last for mark in self._marks if not mark.writers]
        if decided:
            self.position = decided[-1]
            self._marks = [mark for mark in self._marks if mark.last > decided[-1]]
