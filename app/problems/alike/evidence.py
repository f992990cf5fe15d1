"""What speaks for and against tickets being of one incident: numbers by name, which ``likeness.py`` weighs. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, log1p, sqrt
from typing import Final

from app.problems.alike.incidents import Group, Incident
from app.problems.alike.weights import Weights

_CLOSEST: Final = 3
_PROFILE: Final = 10
"""Terms that say what a group has in common."""
_AT_ONCE: Final = 20
"""Minutes that count as none: on a busy desk any two tickets are as near each other."""
_TOLD: Final = {
    "everybody": "everybody:everybody",
    "outage": "everybody:outage",
    "older": "narrow:older",
    "changed": "narrow:own",
    "single": "narrow:single",
    "apart": "narrow:apart",
}
"""What a ticket says of its incident by itself, and the term for it."""
_OF_GROUPS: Final = ("outage", "older", "changed", "apart")


@dataclass(frozen=True, slots=True)
class Common:
    """Members of a group, and what several of them say, with its weight: the more, the more of them do."""

    members: Sequence[Incident]
    profile: Mapping[str, float]
    terms: Mapping[str, float]
    """the share of the members that has each term"""
    solutions: Mapping[str, float]
    product: str
    errors: frozenset[str]
    hours: frozenset[str]
    """hours of the clock that several name"""


def pair_evidence(one: Incident, other: Incident, weights: Weights) -> dict[str, float]:
    """What speaks for and against two tickets being of one incident, by the names in ``Model.pair``."""
    both = one, other
    told = {name: float(sum(each.says(term) for each in both)) for name, term in _TOLD.items()}
    minutes = max(_AT_ONCE, abs(one.minute - other.minute))
    return told | {
        "since": float(sum(each.is_sudden for each in both)),
        "minutes": log1p(minutes),
        "about": weights.cosine(one.about, other.about),
        "titles": weights.cosine(one.heading, other.heading),
        "topics": weights.cosine(one.of("topic"), other.of("topic")),
        "signs": weights.sum(one.of("sign") & other.of("sign")),
        "words": weights.sum(one.of("word") & other.of("word")),
        "errors": float(not one.errors.isdisjoint(other.errors)),
        "clash": float(_clash(one.errors, other.errors)),
        "hours": float(not one.of("hour").isdisjoint(other.of("hour"))),
        "nothing": float(one.of("thing").isdisjoint(other.of("thing"))),
        "no_sign": float(not one.of("sign") or not other.of("sign")),
        "asking": float(one.is_asking or other.is_asking),
        "solutions": _alike(one.solutions, other.solutions),
        "supposed": float(bool(one.supposed and other.supposed) and one.supposed != other.supposed),
        "burst": min(map(weights.burst, both)),
        "strangers": weights.strangers(one.product or other.product, minutes),
    }


def group_evidence(incident: Incident, common: Common, near: Sequence[float], weights: Weights) -> dict[str, float]:
    """What speaks for and against a ticket belonging to a group, by the names in ``Model.group``.

    ``near`` is its likeness to each member.
    """
    profile = common.profile
    closest = sorted(near, reverse=True)[:_CLOSEST]
    covered = sum(weight for term, weight in profile.items() if incident.says(term))
    own = (incident.of("thing") | incident.of("code")) - profile.keys()
    told = {name: float(incident.says(_TOLD[name])) for name in _OF_GROUPS}
    return told | {
        "since": float(incident.is_sudden),
        "all": sum(near) / len(near),
        "closest": sum(closest) / len(closest),
        "covered": covered / (sum(profile.values()) or 1.0),
        "centre": _central(incident.telling, common, weights),
        "own": log1p(len(own)),
        "asking": float(incident.is_asking),
        "asks": float(bool(incident.of("asking"))),
        "solutions": _alike(incident.solutions, common.solutions),
        "elsewhere": _elsewhere(incident, common),
        "named": float(bool(incident.product) and incident.product == common.product),
        "clash": float(_clash(incident.errors, common.errors)),
        "hours": float(not incident.of("hour").isdisjoint(common.hours)),
        "pace": _pace(incident, common.members),
        "burst": weights.burst(incident),
        "other": float(bool(incident.product and common.product) and incident.product != common.product),
    }


def common_of(members: Sequence[Incident], weights: Weights) -> Common:
    """What these members of a group have in common."""
    counts = Counter(term for member in members for term in member.telling)
    saying = {term for member in members for term in member.saying}
    said = {term: weights.of(term) * (n / len(members)) ** 2 for term, n in counts.items() if n > 1 and term in saying}
    solutions = Counter[str]()
    for member in members:
        solutions.update(member.solutions)
    hours = Counter(hour for member in members for hour in member.of("hour"))
    return Common(
        members,
        dict(sorted(said.items(), key=lambda each: (-each[1], each[0]))[:_PROFILE]),
        {term: n / len(members) for term, n in counts.items()},
        solutions,
        Group(None, list(members)).product,
        frozenset().union(*(member.errors for member in members)),
        frozenset(hour for hour, n in hours.items() if n > 1),
    )


def reason(members: Sequence[Incident], weights: Weights, spelt: Mapping[str, str]) -> list[str]:
    """What a group's tickets have in common: the terms that weigh most, as ``spelt`` writes them."""
    return [spelt.get(term, term) for term in common_of(members, weights).profile]


def _clash(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether both name errors, and not the same ones."""
    return bool(one and other) and one.isdisjoint(other)


def _alike(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """How alike two sets of solutions are, from 0 to 1."""
    shared = sum(value * other.get(slug, 0.0) for slug, value in one.items())
    return shared / sqrt(_square(one) * _square(other)) if shared else 0.0


def _square(values: Mapping[str, float]) -> float:
    return sum(value * value for value in values.values())


def _central(terms: frozenset[str], common: Common, weights: Weights) -> float:
    """How near these terms are to the middle of the group, from 0 to 1."""
    shared = sum(common.terms.get(term, 0.0) * weights.of(term) ** 2 for term in terms)
    own = sum(weights.of(term) ** 2 for term in terms)
    middle = sum((share * weights.of(term)) ** 2 for term, share in common.terms.items())
    return shared / sqrt(own * middle) if shared else 0.0


def _elsewhere(incident: Incident, common: Common) -> float:
    """How good the article is that solves the ticket best, the less, the more of the members find it too."""
    if not incident.solutions:
        return 0.0
    best = max(incident.solutions, key=lambda slug: (incident.solutions[slug], slug))
    share = sum(best in member.solutions for member in common.members) / len(common.members)
    return incident.solutions[best] * (1 - share)


def _pace(incident: Incident, members: Sequence[Incident]) -> float:
    """How much longer than from member to member it is from the nearest one to the ticket; a logarithm."""
    times = sorted(member.minute for member in members)
    usual = (times[-1] - times[0]) / max(1, len(times) - 1)
    gap = min(abs(incident.minute - at) for at in times)
    return max(0.0, log((gap + _AT_ONCE) / (usual + _AT_ONCE)))
