"""The table behind a calendar: its open windows as instants, and the working time added up (C02, C03).

An instant is a whole number of microseconds since 1970-01-01T00:00Z. A local date is the stretch from its first
instant to the first instant of the next date, also where clocks are set back over midnight.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, chain, islice, pairwise
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from app.calendars.specs import DAY_MINUTES, CalendarSpec, Minutes

_Window: TypeAlias = tuple[int, int]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time; its zone is always given beside it
_EPOCH_DAY: Final = EPOCH.toordinal()
_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_DAY: Final = DAY_MINUTES * _MINUTE
_STEP: Final = 5
"""Days"""


def _occurrences(zone: ZoneInfo, day: date, minutes: int) -> tuple[int, int]:
    """The first and the last instant at which the zone's clocks show this wall time.

    Both are the instant of the gap for a time that they skip.
    """
    since = (day.toordinal() - _EPOCH_DAY) * 86_400 + minutes * 60
    wall = _LOCAL_EPOCH + timedelta(seconds=since)
    before, after = zone.utcoffset(wall), zone.utcoffset(wall.replace(fold=1))
    first = last = since - _seconds(before)
    if after != before:
        last = since - _seconds(after)
    if first > last:  # in a gap zoneinfo goes on with the offset before it for the first, after it for the last
        first = last = last + bisect_left(range(last, first), True, key=lambda at: _offset(zone, at) != before)
    return first * _SECOND, last * _SECOND


def _seconds(offset: timedelta | None) -> int:
    return offset.days * 86_400 + offset.seconds if offset else 0


def _offset(zone: ZoneInfo, seconds: int) -> timedelta | None:
    return (EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()


def midnight(zone: ZoneInfo, day: date) -> int:
    """The first instant of a local date; of one that a zone skips, the first instant after it."""
    return _occurrences(zone, day, 0)[0]


def _join(windows: Iterable[_Window]) -> list[_Window]:
    """The union of windows that are in order of opening; those that touch become one."""
    joined: list[_Window] = []
    for opens, closes in windows:
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        elif opens < closes:
            joined.append((opens, closes))
    return joined


def _open_times(spec: CalendarSpec, zone: ZoneInfo, years: range) -> Iterator[list[_Window]]:
    """The windows of each local date that has any."""
    weekly = [sorted(spec.weekly.get(weekday, ())) for weekday in range(7)]
    usual = [_join((opens * _MINUTE, closes * _MINUTE) for opens, closes in windows) for windows in weekly]
    for day, midnight in _midnights(zone, years):
        if not usual[weekday := day.weekday()] or day in spec.holidays:
            continue
        if midnight is None:
            open_time = _on_a_day_of_change(zone, day, weekly[weekday])
        else:
            open_time = [(midnight + opens, midnight + closes) for opens, closes in usual[weekday]]
        if open_time:
            yield open_time


def _midnights(zone: ZoneInfo, years: range) -> Iterator[tuple[date, int | None]]:
    """The dates of these years, each with its first instant; None where clocks may change on it or a few days from it.

    No zone has ever changed its clocks twice within six days: where they have one offset at two midnights that are
    closer, they have it in between.
    """
    since, until = (date(year, 1, 1).toordinal() for year in (years.start, years.stop))
    bounds = [*range(since, until, _STEP), until]
    offsets = [_offset_of_midnight(zone, date.fromordinal(bound)) for bound in bounds]
    for (first, before), (last, after) in pairwise(zip(bounds, offsets, strict=True)):
        same = before is not None and before == after
        for ordinal in range(first, last):
            midnight = (ordinal - _EPOCH_DAY) * _DAY - (before or 0) * _SECOND if same else None
            yield date.fromordinal(ordinal), midnight


def _offset_of_midnight(zone: ZoneInfo, day: date) -> int | None:
    """The offset in seconds; None for a midnight that comes twice, or is skipped."""
    wall = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall time
    first, last = zone.utcoffset(wall), zone.utcoffset(wall.replace(fold=1))
    return _seconds(first) if first == last else None


def _on_a_day_of_change(zone: ZoneInfo, day: date, windows: Sequence[Minutes]) -> list[_Window]:
    """The open time of a date on which the clocks change, or which is near one."""
    start = midnight(zone, day)
    end, last_end = _occurrences(zone, day + timedelta(days=1), 0)
    if end - start == _DAY and end == last_end:
        return _join((start + opens * _MINUTE, start + closes * _MINUTE) for opens, closes in windows)
    return _join(_clipped(zone, day, window, start, end) for window in windows)


def _clipped(zone: ZoneInfo, day: date, window: Minutes, start: int, end: int) -> _Window:
    """A window on a date on which the clocks change, or on which they are set back over the midnight after it."""
    opens, closes = window
    closing = _occurrences(zone, day, closes)[1] if closes < DAY_MINUTES else end
    return max(_occurrences(zone, day, opens)[0], start), min(closing, end)


@dataclass(frozen=True, slots=True)
class WorkingDates:
    """The open time of consecutive working dates, a few bytes each: there may be a table for each zone of the world."""

    edges: "array[int]"
    """openings and closings in turn; the windows of a date do not touch, those of two dates may"""
    sizes: "array[int]"
    """how many windows each date has"""

    def __add__(self, later: "WorkingDates") -> "WorkingDates":
        return WorkingDates(self.edges + later.edges, self.sizes + later.sizes)

    def windows(self) -> Iterator[_Window]:
        """The windows of all dates in order."""
        return zip(self.edges[::2], self.edges[1::2], strict=True)

    def lengths(self) -> Iterator[int]:
        """How long each date is open."""
        windows = self.windows()
        for size in self.sizes:
            yield sum(closes - opens for opens, closes in islice(windows, size))


def working_dates(spec: CalendarSpec, zone: ZoneInfo, years: range) -> WorkingDates:
    """The local dates of these years that have any open time (C03)."""
    edges, sizes = array("q"), array("B")
    for windows in _open_times(spec, zone, years):
        edges.extend(chain.from_iterable(windows))
        sizes.append(len(windows))
    return WorkingDates(edges, sizes)


@dataclass(frozen=True, slots=True)
class Table:
    """A calendar in whole local years; the arrays run in parallel, and ``worked`` is added up from ``since``."""

    years: range
    since: int
    until: int
    dates: WorkingDates
    opens: "array[int]"
    closes: "array[int]"
    worked: "array[int]"  # at each closing
    worked_dates: "array[int]"  # at the end of each working date

    def worked_at(self, at: int) -> int:
        """Working time from ``since`` to an instant of the table."""
        index = bisect_right(self.opens, at) - 1
        return self.worked[index] - max(self.closes[index] - at, 0) if index >= 0 else 0

    def reach(self, worked: int) -> int | None:
        """The earliest instant by which so much is worked: at a closing, that closing (C04). None: after the table."""
        index = bisect_left(self.worked, worked)
        return self.closes[index] - (self.worked[index] - worked) if index < len(self.worked) else None

    def business_days(self, since: int, count: int) -> int | None:
        """The working time that ``count`` business days from ``since`` are (C05). None: they end after the table."""
        done, ends = self.worked_at(since), self.worked_dates
        today = bisect_right(ends, done)  # the working date with open time left, or the next one
        before = done - (ends[today - 1] if today else 0)
        target = today + count if before else today + count - 1
        if target >= len(ends):
            return None
        return (min(ends[target - 1] + before, ends[target]) if before else ends[target]) - done


def tabulate(zone: ZoneInfo, years: range, dates: WorkingDates) -> Table:
    """The table of these years, from their working dates."""
    windows = _join(dates.windows())
    lengths = (closes - opens for opens, closes in windows)
    return Table(
        years=years,
        since=midnight(zone, date(years.start, 1, 1)),
        until=midnight(zone, date(years.stop, 1, 1)),
        dates=dates,
        opens=array("q", (opens for opens, _ in windows)),
        closes=array("q", (closes for _, closes in windows)),
        worked=array("q", accumulate(lengths)),
        worked_dates=array("q", accumulate(dates.lengths())),
    )
