"""Whose turn is next, of those who share a background pass. Pure."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class Turns:
    """Whose turn is next: always that of whoever has taken least time. Newcomers get no head start."""

    _spent: dict[str, float] = field(default_factory=dict)
    _begun: Counter[str] = field(default_factory=Counter)

    def __contains__(self, name: str) -> bool:
        return name in self._spent

    def __bool__(self) -> bool:
        return bool(self._spent)

    @property
    def names(self) -> frozenset[str]:
        """Who takes turns."""
        return frozenset(self._spent)

    def join(self, name: str) -> None:
        """From now on ``name`` has turns too."""
        self._spent.setdefault(name, min(self._spent.values(), default=0.0))

    def leave(self, name: str) -> None:
        """``name`` needs no more turns."""
        self._spent.pop(name, None)

    def next(self, leaving: Collection[str] = ()) -> str | None:
        """Whose turn it is, of all but those; None when nobody is left. The turn lasts until it is charged.

        Turns may overlap: who has one is given a second only where everybody else has one too.
        """
        names = (name for name in self._spent if name not in leaving)
        chosen = min(names, key=lambda name: (self._begun[name], self._spent[name]), default=None)
        if chosen is not None:
            self._begun[chosen] += 1
        return chosen

    def charge(self, name: str, seconds: float) -> None:
        """A turn of ``name`` is over, and took so much time."""
        self._begun[name] -= 1
        self._begun = +self._begun
        if name in self._spent:
            self._spent[name] += seconds
