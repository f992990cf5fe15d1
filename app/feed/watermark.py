"""How far a table can be read in order while transactions that append to it are open. Pure.

A row gets its position from a sequence when it is written, and is seen when its transaction commits. A reader that
goes on behind the highest position it has seen would pass over a lower one that commits later. So it reads up to the
watermark only: below it everything is decided, committed or never to come.
"""

from collections.abc import Set as AbstractSet
from typing import Final

PREPARED: Final = "prepared"
"""Stands for all transactions that were prepared to be committed: they are no longer known by their first name."""


class Watermark:
    """What is known from the polls so far.

    ``position``: up to here everything is decided; None before that is known. ``last``: the last position given out.
    ``writers``: whose end is waited for.
    """

    def __init__(self) -> None:
        self.position: int | None = None
        self.last = 0
        self.writers: AbstractSet[str] = frozenset()
        self._mark: int | None = None

    def advance(self, last: int, writers: AbstractSet[str]) -> bool:
        """Take in a poll: the last position given out and, read *after* it, who holds the table's write lock.

        Whoever was given a position up to ``last`` held that lock before, and holds it until what they wrote is seen
        by every later statement. So once all ``writers`` of a poll have ended, everything up to its ``last`` is
        decided. Returns whether that is so of the poll that was waited for. A ``last`` that went back is another
        history (a replica without the newest commits has taken over): everything begins anew.
        """
        if last < self.last:
            self.position = self._mark = None
            self.writers = frozenset()
        self.last = last
        if not writers.isdisjoint(self.writers | {PREPARED}):
            return False
        self.position = self._mark if writers else last
        self._mark, self.writers = last, writers if self.position != last else frozenset()
        return True
