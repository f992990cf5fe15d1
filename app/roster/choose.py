"""Who takes a ticket now, and why: a choice that explains itself. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Final, TypeAlias

from app.calendars.hours import Calendar

Window: TypeAlias = tuple[datetime, datetime]
"""From when, and before when."""
_FAR: Final = timedelta(days=366)
"""How far shifts are looked at: what does not begin or end within a year does not."""
_BELOW: Final = 100
"""Lower tiers rank after all higher ones; there are at most nine."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A time in which an engineer works somebody else's shifts, in that one's region."""

    since: datetime
    until: datetime
    calendar: Calendar
    region: str | None = None


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
    absences: tuple[Window, ...] = ()
    covered: tuple[tuple[datetime, datetime, str], ...] = ()
    """when somebody else works this one's shifts, and who does"""
    covers: tuple[Cover, ...] = ()
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
    of_tier: bool = False
    """whether nobody of a lower tier may take it"""
    product: str | None = None
    language: str | None = None
    region_lock: str | None = None
    leaving: str | None = None
    """the region that hands the ticket over: the next ones in the order of the sun come first, it comes last (G7)"""
    present: str | None = None
    """the ticket's engineer, who keeps it if available (G8), or who covers for the one that had it (G7)"""
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
    """An engineer who was considered: chosen or not, and why.

    ``reason`` is what hindered (``inactive``, ``other_region``, ``off_shift``, ``absent``, ``covered``, ``lower_tier``,
    ``tried``, ``held``, ``full``, ``capped``); of somebody available the criterion by which the one taken came first,
    of that one the criterion against the next.
    """

    engineer_id: str
    taken: bool
    reason: str


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
    candidates += [Candidate(name, False, reason) for name, reason in sorted(hindered.items()) if reason]
    return Choice(candidates[0].engineer_id if able else None, tuple(candidates))


def on_duty(expert: Expert, now: datetime) -> bool:
    """Whether the expert is on shift, their own or one that they cover, and not away."""
    return expert.active and _works(expert, now) and not _absent(expert, now)


def places(expert: Expert, now: datetime) -> tuple[str | None, ...]:
    """The regions that the expert works in now: the own one, and those of whom they cover for. Off shift the own one.

    The region of the own shift comes first.
    """
    own = (expert.region,) if _works_own(expert, now) else ()
    return own + tuple(cover.region for cover in _covering(expert, now)) or (expert.region,)


def stand_in(expert: Expert, now: datetime) -> str | None:
    """Who covers for the expert now."""
    return next((by for since, until, by in expert.covered if since <= now < until), None)


def shift_end(expert: Expert, now: datetime, region: str | None = None) -> datetime | None:
    """When the present shift ends, or the next one for somebody off duty; an absence ends it too. None: it does not.

    With a ``region`` only shifts in that region count.
    """
    end = next((closes for _, closes in _duties(expert, now, region)), None)
    return end if end and end < now + _FAR else None


def comes(expert: Expert, now: datetime, region: str | None = None) -> datetime | None:
    """The next instant after ``now`` at which the expert comes on shift, in this region if any; None within a year."""
    if not expert.active:
        return None
    return next((opens for opens, _ in _duties(expert, now, region) if opens > now), None)


def next_available(region_lock: str | None, roster: Roster, now: datetime) -> datetime | None:
    """The next instant after ``now`` at which anybody, of this region if any, comes on shift; None within a year."""
    return min((start for expert in roster.experts if (start := comes(expert, now, region_lock))), default=None)


def _duties(expert: Expert, now: datetime, region: str | None = None) -> Iterator[Window]:
    """The times from ``now`` on in which the expert works, in order: own shifts and covered ones, less absences."""
    shifts = [expert.calendar.open_windows(now, now + _FAR)] if region in (None, expert.region) else []
    for cover in expert.covers:
        since, until = max(now, cover.since), min(now + _FAR, cover.until)
        if since < until and region in (None, cover.region):
            shifts.append(cover.calendar.open_windows(since, until))
    away = [*expert.absences, *((since, until) for since, until, _ in expert.covered)]
    return without(joined(merge(*shifts)), sorted(away))


def joined(windows: Iterable[Window]) -> Iterator[Window]:
    """Windows in order, with those that touch or overlap as one."""
    current: Window | None = None
    for opens, closes in windows:
        if current and opens <= current[1]:
            current = (current[0], max(current[1], closes))
        else:
            if current:
                yield current
            current = (opens, closes)
    if current:
        yield current


def without(windows: Iterable[Window], away: Sequence[Window]) -> Iterator[Window]:
    """What is left of windows outside the times of ``away``; both are in order, and each is looked at about once."""
    times, place = list(joined(away)), 0
    for opens, closes in windows:
        start = opens
        while place < len(times) and times[place][1] <= start:
            place += 1
        for gone, back in islice(times, place, None):
            if gone >= closes:
                break
            if start < gone:
                yield start, gone
            start = max(start, back)
        if start < closes:
            yield start, closes


def _works(expert: Expert, now: datetime) -> bool:
    return _works_own(expert, now) or bool(_covering(expert, now))


def _works_own(expert: Expert, now: datetime) -> bool:
    return expert.calendar.is_open(now) and stand_in(expert, now) is None


def _covering(expert: Expert, now: datetime) -> list[Cover]:
    return [cover for cover in expert.covers if cover.since <= now < cover.until and cover.calendar.is_open(now)]


def _absent(expert: Expert, now: datetime) -> bool:
    return any(away <= now < back for away, back in expert.absences)


def _hindrance(need: Need, expert: Expert, now: datetime) -> str:
    """What keeps the expert from taking the ticket now; empty for nothing."""
    hindrances = {
        "inactive": not expert.active,
        "other_region": need.region_lock is not None and need.region_lock not in places(expert, now),
        "absent": _absent(expert, now),
        "covered": stand_in(expert, now) is not None and not _covering(expert, now),
        "off_shift": not _works(expert, now),
        "lower_tier": need.of_tier and expert.tier < need.tier,
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
        ("region", min(_distance(need.leaving, region, regions) for region in places(expert, now))),
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
