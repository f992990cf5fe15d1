"""How likely it is that tickets report one incident. Pure.

Two questions are answered by weighing evidence: whether two tickets report the same incident, and whether a ticket
belongs to a group of tickets that do. What counts is how much they share of what they are about and of how it fails,
which articles may solve them, how soon after each other they were opened and whether that is more than usual, whether
they speak of everybody and of an outage, and whether one only asks for something, or tells of one user, of many weeks,
or of what the customer has changed. Answers are log-odds: above 0 it is more likely than not among the tickets of a
product. The weights are those of a logistic regression on the labelled sets of ``bench/problems``; ``python -m
bench.problems.fitting`` finds them, and measures what they are worth for a writer who is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.problems.alike.evidence import Common, group_evidence, pair_evidence
from app.problems.alike.incidents import Incident
from app.problems.alike.weights import Weights

UNLIKE: Final = -9.0
"""The least log-odds: of tickets of different products, and of those that share nothing."""
NEWEST: Final = 16
"""Members of a group with which a ticket is compared."""


@dataclass(frozen=True, slots=True)
class Model:
    """What each piece of evidence weighs, by its name; ``always`` is what holds without any."""

    pair: Mapping[str, float]
    group: Mapping[str, float]


MODEL: Final = Model(
    pair={
        "always": -0.29,
        "everybody": 0.35,
        "outage": 1.21,
        "older": -1.95,
        "changed": -1.24,
        "single": -1.13,
        "since": 0.96,
        "minutes": -1.03,
        "about": 1.96,
        "titles": 4.09,
        "topics": 4.22,
        "signs": 2.47,
        "words": 0.21,
        "errors": 2.35,
        "clash": -2.73,
        "hours": 2.68,
        "nothing": -0.43,
        "no_sign": -0.30,
        "asking": -3.14,
        "solutions": 0.61,
        "supposed": -1.41,
        "burst": 1.28,
        "strangers": 0.0,
        "trend": 0.0,
    },
    group={
        "always": -0.75,
        "outage": 1.00,
        "older": -1.83,
        "changed": -0.85,
        "since": 1.15,
        "all": 0.42,
        "closest": 0.32,
        "covered": 2.37,
        "centre": 5.25,
        "own": -0.72,
        "asking": -0.14,
        "asks": -1.10,
        "solutions": 1.28,
        "elsewhere": -4.07,
        "named": -1.00,
        "clash": -1.15,
        "hours": 1.08,
        "pace": -0.70,
        "burst": 0.55,
        "other": -2.0,
        "trend": 0.0,
    },
)


def likeness(one: Incident, other: Incident, weights: Weights, model: Model = MODEL) -> float:
    """The log-odds that two tickets report one incident."""
    return max(UNLIKE, _weighed(model.pair, pair_evidence(one, other, weights)))


def may_be_one(one: Incident, other: Incident) -> bool:
    """Whether their products allow it: a ticket without a product may be about any."""
    return one.product == other.product or not one.product or not other.product


def belonging(
    incident: Incident, common: Common, near: Sequence[float], weights: Weights, model: Model = MODEL
) -> float:
    """The log-odds that a ticket belongs to these members; ``near`` is its likeness to each of them."""
    return _weighed(model.group, group_evidence(incident, common, near, weights))


def _weighed(by: Mapping[str, float], evidence: Mapping[str, float]) -> float:
    return by["always"] + sum(by[name] * value for name, value in evidence.items())
