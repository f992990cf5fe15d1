"""Whose turn is next, of those who share a background pass. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Turns:
    """Whose turn is next: always that of whoever has taken least time. Who comes later is not given a lead."""

    _spent: dict[str, float] = field(default_factory=dict)

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

    def next(self) -> str:
        """Whose turn it is."""
        return min(self._spent, key=lambda name: self._spent[name])

    def charge(self, name: str, seconds: float) -> None:
        """``name`` has taken so much time."""
        if name in self._spent:
            self._spent[name] += seconds
