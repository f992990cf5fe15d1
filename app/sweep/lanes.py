"""How the sweep shares its time: whose storm goes apart, and how large batches are. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_QUARTER: Final = 4
_WEIGHT: Final = 0.3
"""Of the newest batch in the measured time of a ticket."""


def heavy(accounts: Iterable[str], size: int) -> set[str]:
    """The accounts, one for each ticket claimed, that fill more than a quarter of a batch of ``size`` that is full."""
    counted = Counter(accounts)
    if counted.total() < size:
        return set()
    return {account for account, tickets in counted.items() if tickets * _QUARTER > size}


@dataclass(slots=True)
class Pace:
    """How many tickets a batch may have so that they take about ``seconds``, by the time that those before it took.

    They may take up to eight times as long on a machine so busy that claiming and committing would else be more than
    a fifth of the work. It has ``least`` tickets in any case, unless one has failed.
    """

    seconds: float
    least: int
    most: int
    _each: float = 0.0
    """seconds of one ticket; not known yet where it is 0"""
    _beside: float = 0.0
    """seconds that a batch takes beside its tickets"""
    _floor: int = 0

    def __post_init__(self) -> None:
        self._floor = self.least

    @property
    def size(self) -> int:
        """How many tickets the next batch may have."""
        wanted = self._target / self._each if self._each else 0
        return int(min(max(wanted, self._floor), self.most))

    @property
    def _target(self) -> float:
        return min(max(self.seconds, 4 * self._beside), 8 * self.seconds)

    def note(self, tickets: int, seconds: float, beside: float = 0.0) -> None:
        """Take a batch into account, unless it was small beside what it might have been.

        A size never more than doubles, so that a lucky batch makes no huge one.
        """
        size = self.size
        if 2 * tickets < size:
            return
        self._beside += (beside - self._beside) * _WEIGHT
        self._each += (seconds / tickets - self._each) * (_WEIGHT if self._each else 1)
        self._each = max(self._each, self._target / (2 * size))
        self._floor = min(2 * self._floor, self.least)

    def halve(self) -> None:
        """Take smaller batches: one has failed, or was too slow."""
        self._floor = max(self.size // 2, 1)
        self._each = self._target / self._floor
