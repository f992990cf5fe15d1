"""What terms weigh, and whether more tickets are opened than usual. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log, log1p, sqrt
from typing import Final

from app.problems.alike.incidents import Incident

_HISTORY: Final = 60
"""As many tickets are believed to have been before all others, so that a young desk's words do not all weigh alike."""
_AROUND: Final = 60.0
"""Minutes before and after a ticket in which tickets are a burst."""


@dataclass(frozen=True)
class Weights:
    """How much each term weighs: by how many of the tickets of the last days have it.

    ``opened``: the minutes at which tickets of the last day were opened, and their products.
    """

    tickets: int
    with_term: Mapping[str, int]
    opened: Sequence[tuple[float, str]] = ()
    _bursts: dict[tuple[float, str], float] = field(default_factory=dict, compare=False, repr=False)
    _known: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    def of(self, term: str) -> float:
        """The term's weight, from 0 to 1."""
        known = self._known.get(term)
        if known is None:
            every = self.tickets + _HISTORY
            known = self._known[term] = log(1 + every / (self.with_term.get(term, 0) + 1)) / log(1 + every)
        return known

    def sum(self, terms: Iterable[str]) -> float:
        """The weight of several."""
        return sum(map(self.of, terms))

    def cosine(self, one: frozenset[str], other: frozenset[str]) -> float:
        """How alike these terms are, from 0 to 1."""
        shared = one & other
        return self._square(shared) / sqrt(self._square(one) * self._square(other)) if shared else 0.0

    def burst(self, incident: Incident) -> float:
        """How many times more tickets than usual came around this one that may be about its product; a logarithm."""
        key = incident.minute, incident.product
        if key not in self._bursts:
            self._bursts[key] = self._burst(*key)
        return self._bursts[key]

    def around(self, product: str, minute: float) -> int:
        """How many tickets that may be about this product came around this minute."""
        return _around(self._times.get(product, self._times[""]), minute)

    def strangers(self, product: str, minutes: float) -> float:
        """How many tickets that may be about this product usually come in as many minutes; a logarithm."""
        times = self._times.get(product, self._times[""])
        if not times:
            return 0.0
        return log1p(len(times) / max(times[-1] - times[0], 2 * _AROUND) * minutes)

    def _square(self, terms: frozenset[str]) -> float:
        return sum(self.of(term) ** 2 for term in terms)

    def _burst(self, minute: float, product: str) -> float:
        times = self._times.get(product, self._times[""] if product else ())
        if not times:
            return 0.0
        around = _around(times, minute)
        usual = len(times) * min(1.0, 2 * _AROUND / max(times[-1] - times[0], 2 * _AROUND))
        return log((around + 1) / (usual + 1))

    @cached_property
    def _times(self) -> Mapping[str, Sequence[float]]:
        """The minutes of the tickets that may be about each product; any may be about none in particular."""
        products = {product for _, product in self.opened} | {""}
        return {
            product: sorted(at for at, other in self.opened if not product or other in ("", product))
            for product in products
        }


def _around(times: Sequence[float], minute: float) -> int:
    return bisect_right(times, minute + _AROUND) - bisect_left(times, minute - _AROUND)
