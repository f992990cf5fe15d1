"""How likely it is that tickets report one incident. Pure.

Two questions are answered by weighing evidence: whether two tickets report the same incident, and whether a ticket
belongs to a group of tickets that do. What counts is how much they share of what they are about and of how it fails,
which articles may solve them, how soon after each other they were opened and whether that is more than usual, whether
they speak of everybody and of an outage, and whether one only asks for something, or tells of one user, of many weeks,
or of what the customer has changed. Answers are log-odds: above 0 it is more likely than not among the tickets of a
product. The weights are those of a logistic regression on the labelled
sets of ``bench/problems``; ``python -m bench.problems.fitting`` finds them, and measures what they are worth for a
writer who is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from app.problems.alike.evidence import Common, group_evidence, pair_evidence
from app.problems.alike.incidents import Incident
from app.problems.alike.weights import Weights

UNLIKE: Final = -9.0
"""The least log-odds: of tickets that share nothing."""
NEWEST: Final = 16
"""Members of a group with which a ticket is compared."""

_ROOM: Final = 5.0
"""By how much less than the members of a group are like each other a ticket may be like them, at no cost."""
_LOOSER: Final = 0.4
"""What each further unit costs. Where the tickets of an outage are worded nearly alike, one that is like none of them
needs much else that speaks for it; in the labelled sets, groups are looser than that, and it costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Model:
    """What each piece of evidence weighs, by its name; ``always`` is what holds without any."""

    pair: Mapping[str, float]
    group: Mapping[str, float]


MODEL: Final = Model(
    pair={
        "always": -0.55,
        "everybody": 0.47,
        "outage": 1.16,
        "older": -0.94,
        "changed": -1.64,
        "single": -0.56,
        "apart": -5.04,
        "since": 1.01,
        "minutes": -0.87,
        "about": 1.97,
        "titles": 3.36,
        "topics": 3.88,
        "signs": 2.51,
        "words": 0.51,
        "errors": 2.88,
        "clash": -4.44,
        "hours": 2.64,
        "nothing": -0.42,
        "no_sign": -0.32,
        "asking": -1.75,
        "solutions": 0.28,
        "supposed": -1.27,
        "burst": 0.82,
        "strangers": -0.48,
    },
    group={
        "always": -0.64,
        "outage": 0.43,
        "older": -1.25,
        "changed": -1.30,
        "apart": -2.50,
        "since": 1.03,
        "all": 0.56,
        "closest": 0.26,
        "covered": 2.01,
        "centre": 6.29,
        "own": -0.50,
        "asking": -0.26,
        "asks": -0.42,
        "solutions": 0.65,
        "elsewhere": -4.78,
        "named": -0.99,
        "clash": -1.76,
        "hours": 0.41,
        "pace": -0.70,
        "burst": 0.42,
        "other": -1.96,
    },
)


def likeness(one: Incident, other: Incident, weights: Weights, model: Model = MODEL) -> float:
    """The log-odds that two tickets report one incident."""
    return max(UNLIKE, _weighed(model.pair, pair_evidence(one, other, weights)))


def may_be_one(one: Incident, other: Incident) -> bool:
    """Whether their products allow it: a ticket without a product may be about any."""
    return one.product == other.product or not one.product or not other.product


def belonging(
    incident: Incident, common: Common, near: Sequence[float], within: float, weights: Weights, model: Model = MODEL
) -> float:
    """The log-odds that a ticket belongs to these members.

    ``near`` is its likeness to each of them, ``within`` how alike they are themselves, on the average.
    """
    looser = max(0.0, within - fmean(near) - _ROOM)
    return _weighed(model.group, group_evidence(incident, common, near, weights)) - _LOOSER * looser


def _weighed(by: Mapping[str, float], evidence: Mapping[str, float]) -> float:
    return by["always"] + sum(by[name] * value for name, value in evidence.items())
