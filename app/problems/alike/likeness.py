"""How likely it is that tickets report one incident. Pure.

Two questions are answered by weighing evidence: whether two tickets report the same incident, and whether a ticket
belongs to a group of tickets that do. What counts is how much they share of what they are about and of how it fails,
how soon after each other they were opened, whether they speak of everybody and of an outage, and whether one only asks
for something, or tells of one user, of many weeks, or of what the customer has changed. Answers are log-odds: above 0
it is more likely than not among the tickets of a product. The weights are those of a logistic regression on the
labelled sets of ``bench/problems``; ``python -m bench.problems.fitting`` finds them, and measures what they are worth
for a writer who is unknown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log, log1p, sqrt
from typing import Final

from app.problems.alike.reading import kind_of

UNLIKE: Final = -9.0
"""The least log-odds: of tickets of different products, and of those that share nothing."""
NEWEST: Final = 16
"""Members of a group with which a ticket is compared."""
_CLOSEST: Final = 3
_PROFILE: Final = 10
"""Terms that say what a group has in common."""
_HISTORY: Final = 60
"""As many tickets are believed to have been before all others, so that a young desk's words do not all weigh alike."""
_AT_ONCE: Final = 20
"""Minutes that count as none: on a busy desk any two tickets are as near each other."""
_SAYING: Final = ("thing", "sign", "code", "word")
"""Kinds of terms that say what a ticket is about."""


@dataclass(frozen=True)
class Incident:
    """A ticket as it is compared: its product (folded, or empty), the minute at which it was opened, and its terms."""

    ticket_id: str
    product: str
    minute: float
    title: frozenset[str]
    terms: frozenset[str]

    @cached_property
    def by_kind(self) -> Mapping[str, frozenset[str]]:
        """The terms of the whole text."""
        kinds: dict[str, set[str]] = {}
        for term in self.terms:
            kinds.setdefault(kind_of(term), set()).add(term)
        return {kind: frozenset(terms) for kind, terms in kinds.items()}

    @cached_property
    def about(self) -> frozenset[str]:
        """What it is about, and how that fails."""
        return self.of("thing") | self.of("sign")

    @cached_property
    def saying(self) -> frozenset[str]:
        """All terms that say what it is about."""
        return frozenset(term for kind in _SAYING for term in self.of(kind))

    @cached_property
    def heading(self) -> frozenset[str]:
        """Those of the title."""
        return self.title & self.saying

    @cached_property
    def is_asking(self) -> bool:
        """Whether it asks for something, and nothing in it fails."""
        return bool(self.of("asking")) and not self.of("sign")

    def of(self, kind: str) -> frozenset[str]:
        """The terms of one kind."""
        return self.by_kind.get(kind, frozenset())


@dataclass(slots=True)
class Group:
    """Tickets of one incident, the oldest first; ``key`` is of what it is known by, None of a new one."""

    key: str | None
    members: list[Incident] = field(default_factory=list)

    @property
    def product(self) -> str:
        """The product that most members name; empty where none does."""
        named = Counter(member.product for member in self.members if member.product)
        return max(named, key=lambda each: (named[each], each), default="")


@dataclass(frozen=True, slots=True)
class Model:
    """What each piece of evidence weighs, by its name; ``always`` is what holds without any."""

    pair: Mapping[str, float]
    group: Mapping[str, float]


MODEL: Final = Model(
    pair={
        "always": 1.27,
        "minutes": -1.20,
        "about": 2.34,
        "titles": 3.90,
        "signs": 3.13,
        "words": 1.26,
        "codes": 2.00,
        "nothing": -0.88,
        "no_sign": -0.24,
        "both_everybody": 0.99,
        "one_everybody": 0.57,
        "asking": -3.02,
        "narrow": -1.76,
    },
    group={
        "always": -0.92,
        "all": 0.43,
        "closest": 0.39,
        "covered": 4.78,
        "everybody": 0.71,
        "own": -0.86,
        "inside": -0.59,
        "narrow": -0.60,
        "asking": -0.99,
    },
)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each term weighs: by how many of the tickets of the last days have it."""

    tickets: int
    with_term: Mapping[str, int]
    model: Model = MODEL

    def of(self, term: str) -> float:
        """The term's weight, from 0 to 1."""
        every = self.tickets + _HISTORY
        return log(1 + every / (self.with_term.get(term, 0) + 1)) / log(1 + every)

    def sum(self, terms: Iterable[str]) -> float:
        """The weight of several."""
        return sum(map(self.of, terms))


def likeness(one: Incident, other: Incident, weights: Weights) -> float:
    """The log-odds that two tickets report one incident."""
    if not may_be_one(one, other):
        return UNLIKE
    return max(UNLIKE, _weighed(weights.model.pair, pair_evidence(one, other, weights)))


def may_be_one(one: Incident, other: Incident) -> bool:
    """Whether their products allow it: a ticket without a product may be about any."""
    return one.product == other.product or not one.product or not other.product


def pair_evidence(one: Incident, other: Incident, weights: Weights) -> dict[str, float]:
    """What speaks for and against two tickets being of one incident, by the names in ``Model.pair``."""
    told = len(one.of("everybody")), len(other.of("everybody"))
    return {
        "minutes": log1p(max(_AT_ONCE, abs(one.minute - other.minute))),
        "about": _cosine(one.about, other.about, weights),
        "titles": _cosine(one.heading, other.heading, weights),
        "signs": weights.sum(one.of("sign") & other.of("sign")),
        "words": weights.sum(one.of("word") & other.of("word")),
        "codes": weights.sum(one.of("code") & other.of("code")),
        "nothing": float(one.of("thing").isdisjoint(other.of("thing"))),
        "no_sign": float(not one.of("sign") or not other.of("sign")),
        "both_everybody": float(min(told)),
        "one_everybody": float(max(told)),
        "asking": float(one.is_asking or other.is_asking),
        "narrow": float(bool(one.of("narrow") or other.of("narrow"))),
    }


@dataclass(frozen=True, slots=True)
class Common:
    """Members of a group, and what several of them say, with its weight: the more, the more of them do."""

    members: Sequence[Incident]
    profile: Mapping[str, float]


def belonging(incident: Incident, common: Common, near: Sequence[float], weights: Weights) -> float:
    """The log-odds that a ticket belongs to these members; ``near`` is its likeness to each of them."""
    return _weighed(weights.model.group, group_evidence(incident, common, near, weights))


def group_evidence(incident: Incident, common: Common, near: Sequence[float], weights: Weights) -> dict[str, float]:
    """What speaks for and against a ticket belonging to a group, by the names in ``Model.group``."""
    profile = common.profile
    closest = sorted(near, reverse=True)[:_CLOSEST]
    covered = sum(weight for term, weight in profile.items() if term in incident.terms)
    own = (incident.of("thing") | incident.of("code")) - profile.keys()
    said = weights.sum(incident.about)
    inside = weights.sum(incident.about & profile.keys())
    return {
        "all": sum(near) / len(near),
        "closest": sum(closest) / len(closest),
        "covered": covered / (sum(profile.values()) or 1.0),
        "everybody": float(len(incident.of("everybody"))),
        "own": log1p(len(own)),
        "inside": inside / said if said else 0.5,
        "narrow": float(bool(incident.of("narrow"))),
        "asking": float(incident.is_asking),
    }


def common_of(members: Sequence[Incident], weights: Weights) -> Common:
    """What these members of a group have in common."""
    counts = Counter(term for member in members for term in member.saying)
    said = {term: weights.of(term) * (n / len(members)) ** 2 for term, n in counts.items() if n > 1}
    return Common(members, dict(sorted(said.items(), key=lambda each: (-each[1], each[0]))[:_PROFILE]))


def reason(members: Sequence[Incident], weights: Weights, spelt: Mapping[str, str]) -> list[str]:
    """What a group's tickets have in common: the terms that weigh most, as ``spelt`` writes them."""
    return [spelt.get(term, term) for term in common_of(members, weights).profile]


def _weighed(by: Mapping[str, float], evidence: Mapping[str, float]) -> float:
    return by["always"] + sum(by[name] * value for name, value in evidence.items())


def _cosine(one: frozenset[str], other: frozenset[str], weights: Weights) -> float:
    shared = one & other
    return _square(shared, weights) / sqrt(_square(one, weights) * _square(other, weights)) if shared else 0.0


def _square(terms: frozenset[str], weights: Weights) -> float:
    return sum(weights.of(term) ** 2 for term in terms)
