"""What was promised and kept, recorded beside tried, counted as reports count it. Pure.

Cycle 1 is the promise, later cycles are told apart, and a ticket's updates are one promise: kept when none of their
cycles was missed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from app.backtests.fold import Key
from app.sla.clock.deadline import OPEN_STATES, Deadline
from app.sla.clock.terms import METRIC_ORDER, PLAN_METRICS

State: TypeAlias = Literal["met", "met_late", "missed", "open", "cancelled"]
Place: TypeAlias = tuple[str, int]
"""Metric and cycle of a promise."""
Cycles: TypeAlias = Literal["first", "later"]

_PLAN_METRICS: Final = frozenset(PLAN_METRICS)
_KEPT: Final = ("met", "met_late", "missed")
"""What has been decided: these count as promised."""
_CONFIDENCE: Final = 1.96
"""Standard errors on either side in which 95 % of the samples lie."""


class Line(NamedTuple):
    """Which promises a figure is about."""

    metric: str
    priority: str
    cycles: Cycles


def state_of(deadline: Deadline) -> State:
    """How a deadline stands, in the words of reports."""
    return "open" if deadline.state in OPEN_STATES else deadline.state  # type: ignore[return-value]  # the others


def is_late(deadline: Deadline | None) -> bool:
    """Whether it was missed, though something may have ended it since."""
    return deadline is not None and deadline.missed_at is not None


def promises(deadlines: Mapping[Key, Deadline]) -> dict[Place, Deadline]:
    """The promises of a plan to a ticket, each with the deadline that decides it."""
    found = {(metric, cycle): one for (metric, _, cycle), one in deadlines.items() if metric in _PLAN_METRICS}
    updates = [found.pop(place) for place in sorted(found) if place[0] == "update"]
    return found | ({("update", 1): _deciding(updates)} if updates else {})


def _deciding(updates: list[Deadline]) -> Deadline:
    """The first that was missed, else the last one that is open, was met, was cancelled."""
    missed = next(filter(is_late, updates), None)
    if missed:
        return missed
    order = {"open": 0, "met": 1, "cancelled": 2}
    return min(reversed(updates), key=lambda one: order[state_of(one)])


def line_of(place: Place, deadline: Deadline) -> Line:
    """Where a promise is counted."""
    return Line(place[0], deadline.priority, "first" if place[1] == 1 else "later")


@dataclass(slots=True)
class Tally:
    """How many promises stand how, by line: as recorded, and as tried."""

    recorded: dict[Line, Counter[str]] = field(default_factory=dict)
    tried: dict[Line, Counter[str]] = field(default_factory=dict)

    def count(self, recorded: Mapping[Place, Deadline], tried: Mapping[Place, Deadline]) -> None:
        """Add the promises of one ticket."""
        for counts, found in ((self.recorded, recorded), (self.tried, tried)):
            for place, deadline in found.items():
                counts.setdefault(line_of(place, deadline), Counter())[state_of(deadline)] += 1

    def add(self, other: "Tally") -> None:
        """Add the promises of other tickets."""
        for counts, more in ((self.recorded, other.recorded), (self.tried, other.tried)):
            for line, counter in more.items():
                counts.setdefault(line, Counter()).update(counter)

    def rows(
        self, priorities: Iterable[str], objectives: Mapping[str, float | None], share: float
    ) -> Iterator[dict[str, Any]]:
        """The figures by metric, cycles and priority; ``share``: how large a part of all tickets was looked at."""
        ranks = {name: rank for rank, name in enumerate(priorities)}
        for line in sorted({*self.recorded, *self.tried}, key=lambda each: _order(each, ranks)):
            yield {
                **line._asdict(),
                "objective": objectives.get(line.metric) if line.cycles == "first" else None,
                "recorded": _figures(self.recorded.get(line, Counter()), share),
                "backtest": _figures(self.tried.get(line, Counter()), share),
            }


def _order(line: Line, ranks: Mapping[str, int]) -> tuple[int, str, int, str]:
    return METRIC_ORDER[line.metric], line.cycles, ranks.get(line.priority, len(ranks)), line.priority


def _figures(counts: Mapping[str, int], share: float) -> dict[str, Any]:
    promised = sum(counts.get(name, 0) for name in _KEPT)
    met = counts.get("met", 0)
    names: tuple[State, ...] = ("met", "met_late", "missed", "open", "cancelled")
    return {
        "promised": promised,
        **{name: counts.get(name, 0) for name in names},
        "attained": met / promised if promised else None,
        "margin": _margin(met, promised, share) if promised and share < 1 else None,
    }


def _margin(met: int, promised: int, share: float) -> float:
    """Half the width of the 95 % interval of a sample without replacement, as Agresti and Coull have it."""
    number = promised + _CONFIDENCE**2
    part = (met + _CONFIDENCE**2 / 2) / number
    return _CONFIDENCE * sqrt(part * (1 - part) / number * (1 - share))


def turned(
    recorded: Mapping[Place, Deadline], tried: Mapping[Place, Deadline]
) -> Iterator[tuple[Place, Deadline | None, Deadline | None]]:
    """The promises that were missed on one side only, in metric order."""
    for place in sorted({*recorded, *tried}, key=lambda each: (METRIC_ORDER[each[0]], each[1])):
        before, after = recorded.get(place), tried.get(place)
        if is_late(before) != is_late(after):
            yield place, before, after
