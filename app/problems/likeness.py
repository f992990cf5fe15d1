"""Which of the tickets that were opened lately are alike. Pure.

A text is a bag of words, each cut to its stem and taken for what it means; a word weighs the more the fewer tickets
have it. Two tickets are as alike as the weight of what they share is of the weight of all that they say, titles and
whole texts by themselves. A ticket joins a group if it is like the members that are nearest to it, and says what most
of them say: so a chain of chance likenesses makes no group.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Final

from app.core.text.folding import folded
from app.problems.meanings import MEANINGS, STEM

ALIKE: Final = 0.3
"""How alike two tickets of a group are at least, of 1."""
LEAST: Final = 3
"""Tickets that make a group."""
IN_COMMON: Final = 2
"""Words that all of the first tickets of a group share, and that each further one shares with most of them."""
_NEAREST: Final = 3
"""Members of a group with which a ticket is compared: those that it is most like."""
_SAID: Final = 0.7
"""The share of what a group has in common, beside the nearest members, in how well a ticket fits it."""
_SHORTEST: Final = 3
_MOST: Final = 60
"""Words of one text that are looked at."""
_TITLE: Final = 0.6
"""The share of the titles in how alike two tickets are."""
_HISTORY: Final = 200
"""As many tickets are believed to have been before all others, so that a young desk's words do not all weigh alike."""
_REASON: Final = 8
"""Words that say what a group has in common."""
_WORD: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Incident:
    """A ticket as it is compared: the stems of its title, and of all of its text."""

    ticket_id: str
    title: frozenset[str]
    words: frozenset[str]


@dataclass(slots=True)
class Group:
    """Tickets that are alike; ``key`` is of what it is known by, None of a new one."""

    key: str | None
    members: list[Incident] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each word weighs: by how many of the tickets of the last days have it."""

    tickets: int
    with_word: Mapping[str, int]

    def of(self, word: str) -> float:
        """The word's weight, above 0."""
        return log(1 + (self.tickets + _HISTORY) / (self.with_word.get(word, 0) + 1))

    def sum(self, words: Iterable[str]) -> float:
        """The weight of several."""
        return sum(map(self.of, words))


def words_of(text: str) -> dict[str, str]:
    """The words of a text by their stems: without case, accents and endings, the first ones of a long text."""
    found: dict[str, str] = {}
    for word in _WORD.findall(folded(text)):
        if len(word) >= _SHORTEST:
            found.setdefault(_stem(word), word)
            if len(found) == _MOST:
                break
    return found


def _stem(word: str) -> str:
    """What a word has in common with its other forms, in all languages; a code, such as ``e-504``, has only itself."""
    if any(each.isdigit() for each in word):
        return word
    stem = word[:STEM]
    return MEANINGS.get(stem, stem)


def likeness(one: Incident, other: Incident, weights: Weights) -> float:
    """How alike two tickets are, from 0 to 1."""
    titles = _share(one.title, other.title, weights)
    return _TITLE * titles + (1 - _TITLE) * _share(one.words, other.words, weights)


def _share(one: frozenset[str], other: frozenset[str], weights: Weights) -> float:
    shared = one & other
    if not shared:
        return 0.0
    both, least = weights.sum(shared), min(weights.sum(one), weights.sum(other))
    whole = weights.sum(one | other)
    return both / sqrt(whole * least)


def grouped(groups: Sequence[Group], free: Sequence[Incident], weights: Weights) -> list[Group]:
    """The groups with those of the ``free`` tickets that are like their members, and new groups of the others.

    A group that nothing has joined is not among them. A ticket that has joined may bring others in.
    """
    groups, left, changed = list(groups), list(free), dict[int, Group]()
    while True:
        joining = [(place, incident) for incident in left if (place := _nearest(groups, incident, weights)) is not None]
        for place, incident in joining:
            groups[place].members.append(incident)
            changed[place] = groups[place]
        joined = {incident.ticket_id for _, incident in joining}
        left = [incident for incident in left if incident.ticket_id not in joined]
        if not joined:
            core = _core(left, weights)
            if not core:
                return list(changed.values())
            groups.append(Group(None, core))
            changed[len(groups) - 1] = groups[-1]
            taken = {incident.ticket_id for incident in core}
            left = [incident for incident in left if incident.ticket_id not in taken]


def _nearest(groups: Sequence[Group], incident: Incident, weights: Weights) -> int | None:
    """The place of the group that a ticket is like, most of all; None where it is like none."""
    fits = [(_fit(group.members, incident, weights), -place) for place, group in enumerate(groups)]
    fit, place = max(fits, default=(0.0, 0))
    return -place if fit >= ALIKE else None


def _fit(members: Sequence[Incident], incident: Incident, weights: Weights) -> float:
    said = _said(members, weights)
    shared = said.keys() & incident.words
    if len(shared) < IN_COMMON:
        return 0.0
    nearest = sorted((likeness(incident, each, weights) for each in members), reverse=True)[:_NEAREST]
    covered = sum(said[word] for word in shared) / sum(said.values())
    return _SAID * covered + (1 - _SAID) * sum(nearest) / len(nearest)


def _said(members: Sequence[Incident], weights: Weights) -> dict[str, float]:
    """What several members of a group say, with its weight: the more, the more of them do."""
    counts = Counter(word for member in members for word in member.words)
    said = {word: weights.of(word) * (n / len(members)) ** 2 for word, n in counts.items() if n > 1}
    return dict(sorted(said.items(), key=lambda each: (-each[1], each[0]))[:_REASON])


def _core(free: Sequence[Incident], weights: Weights) -> list[Incident]:
    """The tickets that are most alike each other, enough of them for a group; none where there are none."""
    pairs = {
        (one.ticket_id, other.ticket_id): alike
        for place, one in enumerate(free)
        for other in free[place + 1 :]
        if len(one.words & other.words) >= IN_COMMON and (alike := likeness(one, other, weights)) >= ALIKE
    }
    known = {incident.ticket_id: incident for incident in free}
    near: dict[str, set[str]] = {}
    for one, other in pairs:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    for (one, other), _ in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0])):
        for third in sorted(near[one] & near[other]):
            core = [known[each] for each in (one, other, third)]
            if len(frozenset.intersection(*(each.words for each in core))) >= IN_COMMON:
                return core
    return []


def reason(members: Sequence[Incident], weights: Weights, spelt: Mapping[str, str]) -> list[str]:
    """What a group's tickets have in common: the words that weigh most, as ``spelt`` writes them."""
    return [spelt.get(word, word) for word in _said(members, weights)]


def is_worth_telling(before: int, after: int) -> bool:
    """Whether a suggestion is told (again): at first, and each time that its number of tickets has doubled."""
    step = LEAST
    while step * 2 <= after:
        step *= 2
    return after >= LEAST > before or before < step <= after
