"""The rules C02-C05 once more, slowly: every minute of a few days is asked what its local clock shows.

It shares no code with the service, only the zones of the ``tzdata`` package. Instants are microseconds since the first
minute of the stretch; windows lie on whole minutes, and so do the offsets of all zones since 1972.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

MINUTE = 60_000_000

Wall = tuple[date, int]


@dataclass(frozen=True)
class Face:
    """What the clocks of a zone show at each minute of a stretch, and where each reading is first and last seen."""

    walls: list[Wall]
    first: dict[Wall, int]
    last: dict[Wall, int]
    dates: dict[date, int]  # the first minute at which each date, or a later one, is shown

    def gap(self, wall: Wall) -> int:
        """The minute at which the clocks skip a reading that they never show."""
        return next(minute for minute, shown in enumerate(self.walls) if shown > wall)


@cache
def face(zone: str, since: datetime, days: int) -> Face:
    with (files("tzdata") / "zoneinfo" / zone).open("rb") as file:
        info = ZoneInfo.from_file(file)
    instants = (since + timedelta(minutes=minute) for minute in range(days * 1440))
    walls = [(local.date(), local.hour * 60 + local.minute) for local in (at.astimezone(info) for at in instants)]
    seen = sorted({day for day, _ in walls})
    every = [seen[0] + timedelta(days=offset) for offset in range((seen[-1] - seen[0]).days + 1)]
    return Face(
        walls=walls,
        first={wall: minute for minute, wall in reversed(list(enumerate(walls)))},
        last={wall: minute for minute, wall in enumerate(walls)},
        dates={day: next(minute for minute, (shown, _) in enumerate(walls) if shown >= day) for day in every},
    )


class Oracle:
    """``owner[m]`` is the local date in whose open time the minute ``m`` lies, or None when it is closed."""

    def __init__(
        self, shown: Face, weekly: Mapping[int, tuple[tuple[int, int], ...]], holidays: frozenset[date]
    ) -> None:
        self.owner: list[date | None] = [None] * len(shown.walls)
        days = list(shown.dates)
        for day, tomorrow in list(pairwise(days))[1:-1]:
            for opens, closes in () if day in holidays else weekly.get(day.weekday(), ()):
                start, end = self._opening(shown, (day, opens)), self._closing(shown, (day, closes), tomorrow)
                for minute in range(start, min(end, shown.dates[tomorrow])):
                    assert self.owner[minute] in (None, day)
                    self.owner[minute] = day
        runs = groupby(range(len(self.owner)), key=self.owner.__getitem__)
        spans = [(day, list(minutes)) for day, minutes in runs if day]
        self.runs = [(day, minutes[0] * MINUTE, (minutes[-1] + 1) * MINUTE) for day, minutes in spans]

    @staticmethod
    def _opening(shown: Face, wall: Wall) -> int:
        return shown.first[wall] if wall in shown.first else shown.gap(wall)

    @staticmethod
    def _closing(shown: Face, wall: Wall, tomorrow: date) -> int:
        if wall[1] == 1440:
            return shown.dates[tomorrow]
        return shown.last[wall] if wall in shown.last else shown.gap(wall)

    def _pieces(self, start: int, end: int | None = None) -> Iterator[tuple[date, int, int]]:
        """The open time in ``[start, end)``, in runs of minutes of one date."""
        stop = len(self.owner) * MINUTE if end is None else end
        for day, since, until in self.runs:
            if until > start and since < stop:
                yield day, max(since, start), min(until, stop)

    def working(self, start: int, end: int) -> int:
        return sum(until - since for _, since, until in self._pieces(start, end))

    def due(self, start: int, amount: int) -> int | None:
        """None when it is not within the stretch."""
        if not amount:
            return start
        for _, since, until in self._pieces(start):
            if amount <= until - since:
                return since + amount
            amount -= until - since
        return None

    def business_due(self, start: int, count: int) -> int | None:
        ahead = next(self._pieces(start), None)
        if not ahead:
            return None
        dates = sorted({day for day, _, _ in self.runs})
        today = dates.index(ahead[0])
        before = self._worked_on(dates[today], start)
        target = today + count - (0 if before else 1)
        if target >= len(dates):
            return None
        length = self._worked_on(dates[target], len(self.owner) * MINUTE)
        return self._reach(dates[target], min(before, length) if before else length)

    def _worked_on(self, wanted: date, end: int) -> int:
        return sum(until - since for day, since, until in self._pieces(0, end) if day == wanted)

    def _reach(self, wanted: date, amount: int) -> int:
        for day, since, until in self._pieces(0):
            if day == wanted:
                if amount <= until - since:
                    return since + amount
                amount -= until - since
        raise AssertionError(wanted)

    def windows(self) -> list[tuple[int, int]]:
        """The open time, with what touches put together."""
        found: list[tuple[int, int]] = []
        for _, since, until in self._pieces(0):
            if found and found[-1][1] == since:
                found[-1] = (found[-1][0], until)
            else:
                found.append((since, until))
        return found
