"""How likely it is that tickets report one incident. Pure.

Two questions are answered by weighing evidence: whether two tickets report the same incident, and whether a ticket
belongs to a group of tickets that do. What counts is how much they share of what they are about and of how it fails,
which articles may solve them, how soon after each other they were opened, whether more are opened and what they share
is said more often than usual, whether they speak of everybody and of an outage, and whether one only asks for
something, or tells of one user, of many weeks, or of what the customer has changed. Answers are log-odds: above 0 it is
more likely than not among the tickets of a product. The weights are those of a logistic regression on the labelled
sets of ``bench/problems``; ``python -m bench.problems.fitting`` finds them, and measures what they are worth for a
writer who is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.problems.alike.evidence import Common, group_evidence, pair_evidence
from app.problems.alike.incidents import Incident
from app.problems.alike.weights import Weights

UNLIKE: Final = -9.0
"""The least log-odds: of tickets that share nothing."""
NEWEST: Final = 16
"""Members of a group with which a ticket is compared."""


@dataclass(frozen=True, slots=True)
class Model:
    """What each piece of evidence weighs, by its name; ``always`` is what holds without any."""

    pair: Mapping[str, float]
    group: Mapping[str, float]


MODEL: Final = Model(
    pair={
        "always": -0.59,
        "everybody": 0.37,
        "outage": 1.05,
        "older": -1.87,
        "changed": -1.46,
        "single": -1.15,
        "apart": -5.45,
        "since": 0.97,
        "minutes": -0.91,
        "about": 1.47,
        "titles": 3.92,
        "topics": 3.50,
        "signs": 2.32,
        "words": 0.11,
        "errors": 2.83,
        "clash": -3.60,
        "hours": 2.66,
        "nothing": -0.38,
        "no_sign": -0.21,
        "asking": -3.01,
        "solutions": 0.35,
        "supposed": -1.19,
        "burst": 0.99,
        "strangers": -0.28,
        "trend": 0.38,
    },
    group={
        "always": -0.33,
        "outage": 0.11,
        "older": -2.05,
        "changed": -1.40,
        "apart": -2.55,
        "since": 0.98,
        "all": 0.56,
        "closest": 0.30,
        "covered": 2.44,
        "centre": 5.42,
        "own": -0.62,
        "asking": 0.25,
        "asks": -1.00,
        "solutions": 0.75,
        "elsewhere": -4.59,
        "named": -1.12,
        "clash": -1.32,
        "hours": 0.38,
        "pace": -0.70,
        "burst": 0.42,
        "other": -2.00,
        "trend": 0.03,
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
