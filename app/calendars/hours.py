"""Working-time arithmetic: when a calendar is open, and when a promise on it is due (C02-C06).

Pure, and exact to the microsecond. This module is the feature's face: it also names what a calendar is made of.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from app.calendars.durations import MAX_DURATION, format_duration, parse_duration
from app.calendars.specs import (
    ACCOUNT_ZONE,
    DAY_MINUTES,
    WEEKDAYS,
    CalendarSpec,
    Finding,
    check_spec,
    parse_time,
)
from app.calendars.table import EPOCH, Table, WorkingDates, midnight, tabulate, working_dates
from app.core.text.messages import _
from app.core.zones import LoadZone, load_zone

__all__ = [
    "ACCOUNT_ZONE",
    "ALWAYS",
    "MAX_DURATION",
    "WEEKDAYS",
    "BeyondCalendar",
    "Calendar",
    "CalendarSpec",
    "Finding",
    "check_spec",
    "compile_calendar",
    "format_duration",
    "parse_duration",
    "parse_time",
]

_MICROSECOND: Final = timedelta(microseconds=1)
_END_YEAR: Final = 2201
_END: Final = (datetime(_END_YEAR, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
_KEPT: Final = 12
"""Years of the longest table that is kept: more than a promise takes, and some 200 KB."""


class BeyondCalendar(OverflowError):
    """The instant is outside the years 1970 to 2200, or the calendar opens too rarely to be due in them."""


def _micros(at: datetime) -> int:
    since = at - EPOCH
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if not 0 <= micros <= _END:
        raise BeyondCalendar(_("Calendars answer for the years 1970 to 2200"))
    return micros


def _instant(micros: int) -> datetime:
    if micros > _END:
        raise BeyondCalendar(_("Calendars answer for the years 1970 to 2200"))
    return EPOCH + timedelta(microseconds=micros)


class Calendar:
    """A compiled calendar: fixed in what it answers, and safe to share and to keep.

    Its table grows by whole years as instants are asked for (a new table replaces the old one at once). It begins anew
    for instants that are far from it, and one that is very long is made for one answer and not kept: calendars are
    shared, and a sandbox may stand in any year. Instants are aware and the answers are in UTC; outside the years 1970
    to 2200 each method raises BeyondCalendar.
    """

    __slots__ = ("_room", "_spec", "_table", "_zone", "always_open", "name")

    def __init__(
        self, spec: CalendarSpec, *, name: str = "", room: int | None = None, load: LoadZone = load_zone
    ) -> None:
        """Takes a checked spec; ValueError for an unknown zone.

        ``room`` bounds the table, in days and windows: past it each method raises BeyondCalendar.
        """
        self.name = name
        self._room = room
        self.always_open = spec.is_always_open
        self._spec = spec
        self._zone = load(spec.zone)
        self._table: Table | None = None

    def by(self, load: LoadZone) -> "Calendar":
        """The same calendar by another time-zone database; ValueError when it lacks the zone."""
        return self if self.always_open else Calendar(self._spec, name=self.name, load=load)

    @property
    def spec(self) -> CalendarSpec:
        """What it was compiled from."""
        return self._spec

    @property
    def last_holiday(self) -> date | None:
        """The last local date on which it is closed although its weekday is not."""
        return max(self._spec.holidays, default=None)

    @property
    def time_zone(self) -> str:
        """The IANA name of its zone."""
        return self._spec.zone

    def working(self, start: datetime, end: datetime) -> timedelta:
        """The working time in ``[start, end)`` (C03); ValueError when ``end`` is before ``start``."""
        since, until = _span(start, end)
        if self.always_open:
            return timedelta(microseconds=until - since)
        table = self._covering(since, until)
        return timedelta(microseconds=table.worked_at(until) - table.worked_at(since))

    def due(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest instant at which the working time since ``start`` reaches ``amount``, which is >= 0 (C04)."""
        since, length = _micros(start), amount // _MICROSECOND
        if length < 0:
            raise ValueError("Working time is never negative")
        if self.always_open or not length:
            return _instant(since + length)
        table = self._covering(since, since)
        while (due := table.reach(table.worked_at(since) + length)) is None:
            table = self._grow_ahead(table)
        return _instant(due)

    def business_days(self, start: datetime, count: int) -> timedelta:
        """The working time that ``count`` business days from ``start`` are; due is ``due(start, that)`` (C05)."""
        if count < 1 or self.always_open:
            raise ValueError("Business days are counted from one, on a calendar with closed time")
        since = _micros(start)
        table = self._covering(since, since)
        while (length := table.business_days(since, count)) is None:
            table = self._grow_ahead(table)
        return timedelta(microseconds=length)

    def open_windows(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open time in ``[start, end)`` as windows in order, none of which touch."""
        since, until = _span(start, end)
        opens: Sequence[int] = (since,)
        closes: Sequence[int] = (until,)
        if not self.always_open:
            table = self._covering(since, until)
            opens, closes = table.opens, table.closes
        for index in range(bisect_right(closes, since), bisect_left(opens, until)):
            yield _instant(max(opens[index], since)), _instant(min(closes[index], until))

    def is_open(self, at: datetime) -> bool:
        """Whether ``at`` is inside an open window: at an opening yes, at a closing no."""
        instant = _micros(at)
        if self.always_open:
            return True
        table = self._covering(instant, instant)
        index = bisect_right(table.closes, instant)
        return index < len(table.opens) and table.opens[index] <= instant

    def _covering(self, since: int, until: int) -> Table:
        """The table, grown where needed so that both instants lie in it."""
        table = self._table
        if table and table.since <= since and until < table.until:
            return table
        years = self._years_of(since, until)
        both = range(min(years.start, table.years.start), max(years.stop, table.years.stop)) if table else years
        return self._grow(table, both) if len(both) <= _KEPT else self._grow(None, years)

    def _years_of(self, since: int, until: int) -> range:
        """The local years in which two instants lie."""
        first, last = ((EPOCH + timedelta(microseconds=at)).astimezone(self._zone).year for at in (since, until))
        while midnight(self._zone, date(first, 1, 1)) > since:  # clocks may be set back over the midnight of a new year
            first -= 1
        while midnight(self._zone, date(last + 1, 1, 1)) <= until:
            last += 1
        return range(first, last + 1)

    def _grow_ahead(self, table: Table) -> Table:
        """A longer table, by half, so that the cost of reaching far adds up to a line."""
        if table.until > _END:
            raise BeyondCalendar(_("This calendar is not open for so long before the year 2201"))
        years = table.years
        return self._grow(table, range(years.start, min(years.stop + 1 + len(years) // 2, _END_YEAR + 1)))

    def _grow(self, table: Table | None, years: range) -> Table:
        if self._room is not None and len(years) * self._rows_of_a_year() > self._room:
            raise BeyondCalendar(
                _("{years} years of this calendar are more than can be examined here", years=len(years))
            )
        grown = tabulate(self._zone, years, self._dates(table, years))
        if len(years) <= _KEPT:
            self._table = grown
        return grown

    def _dates(self, table: Table | None, years: range) -> WorkingDates:
        """The working dates of these years; those of a table that lies in them are taken over."""
        if table is None:
            return working_dates(self._spec, self._zone, years)
        earlier = working_dates(self._spec, self._zone, range(years.start, table.years.start))
        later = working_dates(self._spec, self._zone, range(table.years.stop, years.stop))
        return earlier + table.dates + later

    def _rows_of_a_year(self) -> int:
        return 366 + 53 * sum(map(len, self._spec.weekly.values()))


def _span(start: datetime, end: datetime) -> tuple[int, int]:
    since, until = _micros(start), _micros(end)
    if until < since:
        raise ValueError("A span of time ends at or after its start")
    return since, until


def compile_calendar(spec: CalendarSpec, *, name: str = "", room: int | None = None) -> Calendar:
    """A calendar that answers for this spec, which ``check_spec`` found sound and which names a real zone."""
    return Calendar(spec, name=name, room=room)


ALWAYS: Final = Calendar(CalendarSpec("UTC", dict.fromkeys(range(7), ((0, DAY_MINUTES),))), name="24x7")
"""``24x7``, the calendar without closed time that is built in."""
