"""The table behind a calendar: its open windows as instants, and the working time added up (C02, C03).

An instant is a whole number of microseconds since 1970-01-01T00:00Z. A local date is the stretch from its first
instant to the first instant of the next date, also where clocks are set back over midnight.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
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


def working_dates(spec: CalendarSpec, zone: ZoneInfo, years: range) -> Iterator[list[_Window]]:
    """The open time of each local date of these years that has any (C03)."""
    weekly = {weekday: sorted(windows) for weekday, windows in spec.weekly.items()}
    days = range(date(years.start, 1, 1).toordinal(), date(years.stop, 1, 1).toordinal() + 1)
    midnights = ((day, _occurrences(zone, day, 0)) for day in map(date.fromordinal, days))
    for (day, (start, _)), (_, (end, last_end)) in pairwise(midnights):
        windows = () if day in spec.holidays else weekly.get(day.weekday(), ())
        if end - start == _DAY and end == last_end:  # no zone has ever changed its clocks twice within six days
            open_time = _join((start + opens * _MINUTE, start + closes * _MINUTE) for opens, closes in windows)
        else:
            open_time = _join(_clipped(zone, day, window, start, end) for window in windows)
        if open_time:
            yield open_time


def _clipped(zone: ZoneInfo, day: date, window: Minutes, start: int, end: int) -> _Window:
    """A window on a date on which the clocks change, or on which they are set back over the midnight after it."""
    opens, closes = window
    closing = _occurrences(zone, day, closes)[1] if closes < DAY_MINUTES else end
    return max(_occurrences(zone, day, opens)[0], start), min(closing, end)


@dataclass(frozen=True, slots=True)
class Table:
    """A calendar in whole local years; the lists run in parallel, and ``worked`` is added up from ``since``."""

    years: range
    since: int
    until: int
    dates: list[list[_Window]]
    opens: list[int]
    closes: list[int]
    worked: list[int]  # at each closing
    worked_dates: list[int]  # at the end of each working date

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


def tabulate(zone: ZoneInfo, years: range, dates: list[list[_Window]]) -> Table:
    """The table of these years, from the open time of their working dates."""
    windows = _join(window for day in dates for window in day)
    lengths = (closes - opens for opens, closes in windows)
    date_lengths = (sum(closes - opens for opens, closes in day) for day in dates)
    return Table(
        years=years,
        since=midnight(zone, date(years.start, 1, 1)),
        until=midnight(zone, date(years.stop, 1, 1)),
        dates=dates,
        opens=[opens for opens, _ in windows],
        closes=[closes for _, closes in windows],
        worked=list(accumulate(lengths)),
        worked_dates=list(accumulate(date_lengths)),
    )
