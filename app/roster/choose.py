"""Who takes a ticket now, and why: a choice that explains itself. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.calendars.hours import Calendar

_FAR: Final = timedelta(days=366)
"""How far shifts are looked at: what does not begin or end within a year does not."""
_BELOW: Final = 100
"""Lower tiers rank after all higher ones; there are at most nine."""


@dataclass(frozen=True, slots=True)
class Expert:
    """An engineer as the choice sees one."""

    id: str
    calendar: Calendar
    region: str | None = None
    tier: int = 1
    languages: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    """none: all of them"""
    capacity: int = 5
    absences: tuple[tuple[datetime, datetime], ...] = ()
    """from, and before when"""
    active: bool = True
    load: int = 0
    """open tickets"""
    held_for: str | None = None
    """the ticket that the engineer works on and nothing else (G2)"""
    held_by: str | None = None
    """the account of that ticket"""


@dataclass(frozen=True, slots=True)
class Roster:
    """All experts, and the keys of the regions in the order of the sun."""

    experts: Sequence[Expert]
    regions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """What a ticket asks of whoever takes it."""

    ticket_id: str
    tier: int = 1
    product: str | None = None
    language: str | None = None
    region_lock: str | None = None
    leaving: str | None = None
    """the region that hands the ticket over: the next ones in the order of the sun come first, it comes last (G7)"""
    present: str | None = None
    """the ticket's engineer, who keeps it if available (G8)"""
    preferred: Sequence[str] = ()
    """the account's engineers, the best first"""
    tried: frozenset[str] = frozenset()
    """who was asked in this round already"""
    declined: frozenset[str] = frozenset()
    """who said no in an earlier round: asked when nobody else is left (C20)"""
    capped: bool = False
    """whether the ticket's account holds as many experts as its plan allows"""
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engineer who was looked at: taken or not, and why.

    ``why`` is what hindered (``inactive``, ``other_region``, ``off_shift``, ``absent``, ``tried``, ``held``, ``full``,
    ``capped``); of somebody available the criterion by which the one taken came first, of that one the criterion
    against the next.
    """

    engineer_id: str
    taken: bool
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Who takes the ticket, if anybody, and everybody who was looked at: the available ones first, by rank."""

    engineer_id: str | None
    candidates: tuple[Candidate, ...]


_Rank = tuple[tuple[str, float | str], ...]


def choose(need: Need, roster: Roster, now: datetime) -> Choice:
    """The expert who takes the ticket now. The same roster gives the same choice, however it is listed."""
    hindered = {expert.id: _hindrance(need, expert, now) for expert in roster.experts}
    able = sorted(_rank(need, expert, roster.regions, now) for expert in roster.experts if not hindered[expert.id])
    candidates = [Candidate(str(rank[-1][1]), rank is able[0], _decisive(rank, able)) for rank in able]
    candidates += [Candidate(name, False, why) for name, why in sorted(hindered.items()) if why]
    return Choice(candidates[0].engineer_id if able else None, tuple(candidates))


def on_duty(expert: Expert, now: datetime) -> bool:
    """Whether the expert is on shift and not away."""
    return expert.active and expert.calendar.is_open(now) and not _absent(expert, now)


def shift_end(expert: Expert, now: datetime) -> datetime | None:
    """When the present shift ends, or the next one for somebody off duty; an absence ends it too. None: it does not."""
    end = next((closes for _, closes in _duties(expert, now)), None)
    return end if end and end < now + _FAR else None


def comes(expert: Expert, now: datetime) -> datetime | None:
    """The next instant after ``now`` at which the expert comes on shift; None within a year."""
    if not expert.active:
        return None
    return next((opens for opens, _ in _duties(expert, now) if opens > now), None)


def next_available(region_lock: str | None, roster: Roster, now: datetime) -> datetime | None:
    """The next instant after ``now`` at which anybody, of this region if any, comes on shift; None within a year."""
    experts = (each for each in roster.experts if region_lock in (None, each.region))
    return min((start for expert in experts if (start := comes(expert, now))), default=None)


def _duties(expert: Expert, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The times from ``now`` on in which the expert works, in order: open windows, less absences."""
    for opens, closes in expert.calendar.open_windows(now, now + _FAR):
        start = opens
        for away, back in sorted(expert.absences):
            if start < away < closes:
                yield start, away
            if away < closes:
                start = max(start, back)
        if start < closes:
            yield start, closes


def _absent(expert: Expert, now: datetime) -> bool:
    return any(away <= now < back for away, back in expert.absences)


def _hindrance(need: Need, expert: Expert, now: datetime) -> str:
    """What keeps the expert from taking the ticket now; empty for nothing."""
    hindrances = {
        "inactive": not expert.active,
        "other_region": need.region_lock not in (None, expert.region),
        "absent": _absent(expert, now),
        "off_shift": not expert.calendar.is_open(now),
        "tried": expert.id in need.tried,
        "held": expert.held_for not in (None, need.ticket_id),
        "full": not need.exclusive and expert.load >= expert.capacity,
        "capped": need.capped,
    }
    return next((name for name, holds in hindrances.items() if holds), "")


def _rank(need: Need, expert: Expert, regions: Sequence[str], now: datetime) -> _Rank:
    """By which criteria experts are compared, the most important first; the lowest values win."""
    end = shift_end(expert, now)
    return (
        ("declined", expert.id in need.declined),
        ("present", expert.id != need.present),
        ("region", _distance(need.leaving, expert.region, regions)),
        ("preferred", need.preferred.index(expert.id) if expert.id in need.preferred else len(need.preferred)),
        ("product", 0 if need.product in expert.products else 2 if need.product and expert.products else 1),
        ("tier", expert.tier - need.tier if expert.tier >= need.tier else _BELOW + need.tier - expert.tier),
        ("language", need.language is not None and need.language not in expert.languages),
        ("load", expert.load),
        ("shift", -((end - now) if end else _FAR).total_seconds()),
        ("id", expert.id),
    )


def _distance(leaving: str | None, region: str | None, regions: Sequence[str]) -> int:
    """How many regions on from the one that hands over, as the sun goes; the own one, and none, come last."""
    if leaving not in regions:
        return 0
    if region not in regions:
        return len(regions)
    return (regions.index(region) - regions.index(leaving) - 1) % len(regions)


def _decisive(rank: _Rank, able: Sequence[_Rank]) -> str:
    """The criterion that decided between this rank and the best one, or the next one for the best itself."""
    if len(able) == 1:
        return "only"
    best, other = (able[0], able[1]) if rank is able[0] else (able[0], rank)
    return next(name for (name, value), (_, against) in zip(best, other, strict=True) if value != against)
