"""Which of the tickets that were opened lately report one incident. Pure, and of plain values.

A ticket joins the group to which it most likely belongs. Where none is likely enough, the three that are most alike
begin a group, if each is like both others: so a chain of chance likenesses makes no group. The more tickets come at
once, the more of them are alike by chance: the more make a group, and the more still if they are loosely alike. So what
is opened beside an outage makes no incidents of its own. The work is bounded: only what is new is compared, with the
free tickets and the newest members of groups that share a term with it.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import ceil, log, log2, sqrt
from typing import Final

from app.problems.alike.evidence import Common, common_of
from app.problems.alike.incidents import Group, Incident
from app.problems.alike.likeness import MODEL, NEWEST, UNLIKE, Model, belonging, likeness, may_be_one
from app.problems.alike.weights import Weights

LEAST: Final = 3
"""Tickets that make a group."""
_BUSY: Final = 25
"""Tickets around it from which on a group needs one more each time that they double."""
_BEYOND_CHANCE: Final = 4.0
"""By how much more alike than by chance three are that make a group however many tickets come."""
BELONGS: Final = 0.75
"""The log-odds from which on a ticket joins a group."""
BEGINS: Final = 2.0
"""The mean log-odds from which on three tickets begin a group."""
_EACH: Final = 0.5
"""The log-odds from which on two of them do."""
_TYPICAL: Final = 8
"""Members of a group that say how alike all of them are."""
_NEAREST: Final = 12
"""Tickets that are tried beside a new one as the beginning of a group: those that it is most like."""


def grouped(
    groups: Sequence[Group], free: Sequence[Incident], new: Iterable[str], weights: Weights, model: Model = MODEL
) -> list[Group]:
    """The groups that tickets have joined, and new ones; ``new`` are the ids of those of the ``free`` not compared yet.

    A new group looks at all free tickets, so that it takes in what came before it.
    """
    work = _Grouping(list(groups), {each.ticket_id: each for each in free}, weights, model)
    work.take_in([each for each in new if each in work.free])
    return [work.groups[place] for place in sorted(work.changed) if work.is_enough(place)]


def _crowd(group: Group, weights: Weights) -> float:
    """How many times more tickets than few came around this group; 1 where they are few.

    Those that may be about its product can be alike by chance, and the more products there are, the more often some
    are: so it is the geometric mean of how many may be about this product and how many came in all.
    """
    minute = group.members[-1].minute
    return max(1.0, sqrt(weights.around(group.product, minute) * weights.around("", minute)) / _BUSY)


class _Grouping:
    def __init__(self, groups: list[Group], free: dict[str, Incident], weights: Weights, model: Model) -> None:
        self.groups, self.free, self.changed = groups, free, set[int]()
        self._weights, self._model = weights, model
        self._known: dict[tuple[str, str], float] = {}
        self._common: dict[int, Common] = {}
        self._within: dict[int, float] = {}
        self._fits: dict[tuple[str, int], float] = {}

    def take_in(self, new: Sequence[str]) -> None:
        """Let new tickets join groups, or begin them."""
        waiting = list(new)
        while True:
            if self._join(waiting):
                continue
            core = self._core([self.free[each] for each in new if each in self.free])
            if not core:
                return
            self._add(len(self.groups), core)
            waiting = list(self.free)

    def is_enough(self, place: int) -> bool:
        """Whether a group is known already, or has as many members as it takes.

        That depends on how much more alike they are than the best three of so many tickets may be by chance. Who joins
        an incident later may tell of it in other words: a group that was enough without them is so with them.
        """
        group = self.groups[place]
        sizes = range(LEAST, len(group.members) + 1)
        return group.key is not None or any(self._are_enough(Group(None, group.members[:size])) for size in sizes)

    def _are_enough(self, group: Group) -> bool:
        crowd = _crowd(group, self._weights)
        spare = self._mean(group.members) - BEGINS - log(crowd)
        more = 0 if spare >= _BEYOND_CHANCE else int(log2(crowd)) + ceil(max(0.0, -spare))
        return len(group.members) >= LEAST + more

    def _join(self, waiting: list[str]) -> bool:
        """The one of these that most likely belongs to a group joins it; False where none does."""
        best = (BELONGS, "", -1)
        for ticket_id in waiting:
            for place in range(len(self.groups)):
                fit = self._fit(self.free[ticket_id], place)
                if fit > best[0]:
                    best = (fit, ticket_id, place)
        _, ticket_id, place = best
        if place < 0:
            return False
        waiting.remove(ticket_id)
        self._add(place, [self.free[ticket_id]])
        return True

    def _add(self, place: int, incidents: Sequence[Incident]) -> None:
        if place == len(self.groups):
            self.groups.append(Group(None))
        self.groups[place].members += incidents
        self.changed.add(place)
        self._common.pop(place, None)
        self._within.pop(place, None)
        self._fits = {key: fit for key, fit in self._fits.items() if key[1] != place}
        for incident in incidents:
            del self.free[incident.ticket_id]

    def _fit(self, incident: Incident, place: int) -> float:
        key = incident.ticket_id, place
        if key not in self._fits:
            self._fits[key] = self._belonging(incident, self.groups[place], place)
        return self._fits[key]

    def _belonging(self, incident: Incident, group: Group, place: int) -> float:
        if place not in self._common:
            self._common[place] = common_of(group.members[-NEWEST:], self._weights)
        common = self._common[place]
        is_other = bool(incident.product and common.product) and incident.product != common.product
        if is_other and incident.telling.isdisjoint(common.profile):
            return UNLIKE
        near = [self._likeness(incident, member) for member in common.members]
        return belonging(incident, common, near, self._alike(place, common.members), self._weights, self._model)

    def _alike(self, place: int, members: Sequence[Incident]) -> float:
        """How alike the members of a group are, on the average."""
        if place not in self._within:
            self._within[place] = self._mean(members)
        return self._within[place]

    def _mean(self, members: Sequence[Incident]) -> float:
        alike = [self._likeness(*pair) for pair in combinations(members[-_TYPICAL:], 2)]
        return sum(alike) / max(1, len(alike))

    def _likeness(self, one: Incident, other: Incident) -> float:
        key = (one.ticket_id, other.ticket_id) if one.ticket_id < other.ticket_id else (other.ticket_id, one.ticket_id)
        if key not in self._known:
            self._known[key] = likeness(one, other, self._weights, self._model)
        return self._known[key]

    def _core(self, new: Sequence[Incident]) -> list[Incident]:
        """The three tickets that are most alike, with a new one among them; none where none are alike enough."""
        best, core = BEGINS, list[Incident]()
        for incident in new:
            for one, other in combinations(self._near(incident), 2):
                if not may_be_one(one, other):
                    continue
                alike = [self._likeness(*pair) for pair in combinations((incident, one, other), 2)]
                mean = sum(alike) / len(alike)
                if mean > best and min(alike) > _EACH:
                    best, core = mean, [incident, one, other]
        return sorted(core, key=lambda each: (each.minute, each.ticket_id))

    def _near(self, incident: Incident) -> list[Incident]:
        others = (each for each in self.free.values() if each is not incident and may_be_one(each, incident))
        alike = [(self._likeness(incident, each), each.ticket_id) for each in others]
        nearest = sorted((each for each in alike if each[0] > _EACH), reverse=True)[:_NEAREST]
        return [self.free[ticket_id] for _, ticket_id in nearest]


def is_worth_telling(before: int, after: int) -> bool:
    """Whether a suggestion is told (again): at first, and each time that its number of tickets has doubled."""
    step = LEAST
    while step * 2 <= after:
        step *= 2
    return after >= LEAST > before or before < step <= after
