"""The experts of one roster and whom they are held for, kept in step with what a dispatcher decides. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from app.events.people import People
from app.roster.choose import Choice, Expert, Need, Roster, choose, next_available, on_duty, places


class Release(Enum):
    """Why an expert is no longer held for a ticket."""

    DONE = auto()
    """the work is done: whoever did it may be asked again by a ticket that they did not take before"""
    NOT_TAKEN = auto()
    """somebody else takes the ticket"""


@dataclass(slots=True)
class Moves:
    """Whom a run of the dispatcher engaged and let go: what other tickets have to react to."""

    taken: set[str] = field(default_factory=set)
    """who is held now, and may have other work to hand on"""
    freed: set[str] = field(default_factory=set)
    """who is no longer held"""
    back: set[str] = field(default_factory=set)
    """of these, who has done the work: they may be asked again by a ticket that they did not take before"""
    released: set[str] = field(default_factory=set)
    """accounts that hold an expert fewer"""


@dataclass(slots=True)
class Staff:
    """The roster at ``now``, and what becomes of it."""

    now: datetime
    experts: dict[str, Expert]
    regions: Sequence[str]
    people: People
    """those on the roster, by id"""
    known_until: datetime | None = None
    """from when on there may be overrides that it does not have; None: it has all"""
    moves: Moves = field(default_factory=Moves)
    _holds: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    _held_before: frozenset[str] = frozenset()
    _holders: dict[str, str] = field(default_factory=dict)
    _held: Counter[str] = field(default_factory=Counter)
    _idle: tuple[datetime, list[Expert]] | None = None
    _coming: dict[tuple[str | None, datetime], datetime | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held = [expert for expert in self.experts.values() if expert.held_for and expert.held_by]
        self._held_before = frozenset(expert.id for expert in held)
        self._holders = {str(expert.held_for): expert.id for expert in held}
        self._held = Counter(str(expert.held_by) for expert in held)

    def held_elsewhere(self, account_id: str, ticket_id: str) -> int:
        """How many experts the account holds by its other tickets."""
        holder = self.experts.get(self._holders.get(ticket_id, ""))
        own = holder is not None and holder.held_for == ticket_id
        return self._held[account_id] - own

    def held_by_account(self) -> Mapping[str, int]:
        """How many experts each account holds, where it holds any."""
        return {account: number for account, number in self._held.items() if number}

    def idle(self) -> list[Expert]:
        """Who is on duty and held for nothing."""
        if self._idle is None or self._idle[0] != self.now:
            free = [one for one in self.experts.values() if one.held_for is None and on_duty(one, self.now)]
            self._idle = (self.now, free)
        return self._idle[1]

    def region_of(self, engineer_id: str, region_lock: str | None, now: datetime) -> str | None:
        """The region in which the engineer takes a ticket: that of the shift, or of whom they cover for."""
        regions = places(self.experts[engineer_id], now)
        return region_lock if region_lock in regions else regions[0]

    def choose(self, need: Need, now: datetime) -> Choice:
        """Who would take the ticket."""
        return choose(need, self._roster, now)

    def next_available(self, region_lock: str | None, now: datetime) -> datetime | None:
        """When somebody, of this region if any, comes on shift; None within a year."""
        key = (region_lock, now)
        if key not in self._coming:
            self._coming = {} if any(at != now for _, at in self._coming) else self._coming
            self._coming[key] = next_available(region_lock, self._roster, now)
        return self._coming[key]

    def next_look(self, region_lock: str | None, now: datetime) -> datetime | None:
        """When to look whether somebody comes: then, or when there may be overrides that the roster does not have."""
        looks = (self.next_available(region_lock, now), self.known_until)
        return min((at for at in looks if at and at > now), default=None)

    def see_overrides(self, later: "Staff") -> None:
        """Take the overrides from the same roster, read for a later instant; whom it holds stays as it is here."""
        for name, expert in self.experts.items():
            seen = later.experts[name]
            self.experts[name] = replace(expert, covered=seen.covered, covers=seen.covers)
        self.known_until, self._idle, self._coming = later.known_until, None, {}

    def hold(self, engineer_id: str, account_id: str, ticket_id: str, since: datetime) -> None:
        """The engineer works on this ticket and nothing else."""
        expert = self.experts[engineer_id]
        if expert.held_for == ticket_id:
            return
        self.experts[engineer_id] = replace(expert, held_for=ticket_id, held_by=account_id)
        self._idle = None
        self._holders[ticket_id] = engineer_id
        self._held[account_id] += 1
        keys = {"engineer_id": engineer_id, "account_id": account_id, "ticket_id": ticket_id}
        self._holds[engineer_id] = keys | {"since": since}
        self.moves.taken.add(engineer_id)

    def let_go(self, engineer_id: str | None, ticket_id: str, reason: Release) -> None:
        """The engineer, if held for this ticket, is free."""
        expert = self.experts.get(engineer_id or "")
        if expert is None or expert.held_for != ticket_id or expert.held_by is None:
            return
        self.experts[expert.id] = replace(expert, held_for=None, held_by=None)
        self._idle = None
        self._held[expert.held_by] -= 1
        self._holds[expert.id] = None
        self.moves.freed.add(expert.id)
        self.moves.released.add(expert.held_by)
        if reason is Release.DONE:
            self.moves.back.add(expert.id)

    def reassigned(self, before: str | None, after: str | None) -> None:
        """A ticket has gone from one engineer to another."""
        for each, change in ((before, -1), (after, 1)):
            if each in self.experts:
                self.experts[each] = replace(self.experts[each], load=self.experts[each].load + change)

    def relieved(self, engineer_id: str) -> None:
        """The engineer has a ticket less, and may have room for one that waits."""
        self.reassigned(engineer_id, None)
        if engineer_id in self.experts:
            self.moves.freed.add(engineer_id)

    @property
    def holds(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
        """What becomes of the rows of holds: new ones, changed ones, and the keys of those that ended."""
        new = [row for name, row in self._holds.items() if row and name not in self._held_before]
        changed = [row for name, row in self._holds.items() if row and name in self._held_before]
        over = [name for name, row in self._holds.items() if row is None and name in self._held_before]
        return new, changed, [{"engineer_id": name} for name in over]

    @property
    def _roster(self) -> Roster:
        return Roster(tuple(self.experts.values()), self.regions)
