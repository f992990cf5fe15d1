"""What to know of open tickets although it is no fault.

Deadlines that another time-zone database would time differently (C14), those beyond the known holidays (C01), and
tickets that the sweep has put aside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from app.core.text.amounts import amount
from app.core.zones import IN_FORCE, ZoneDatabase
from app.events.envelope import instant
from app.replay.compare import Difference, differences
from app.replay.snapshots import Snapshot
from app.sla.clock.deadline import Deadline, timed
from app.sla.clock.terms import Terms
from app.sla.compiled import Promise
from app.sla.deadlines import load_clock
from app.sla.pins import Pins
from app.tickets.editing.load import pins_of

_RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Move:
    """A running deadline that a time-zone database would time differently; it stays until a plan is applied (C14)."""

    ticket_id: str
    deadline: Deadline
    version: str
    would: datetime

    def __str__(self) -> str:
        return f"{_place(self.ticket_id, self.deadline)}, would move to {instant(self.would)} by tzdata {self.version}"


@dataclass(frozen=True, slots=True)
class Beyond:
    """A running deadline after the last holiday that its calendar knows: those of later years are missing."""

    ticket_id: str
    deadline: Deadline
    calendar: str
    last: date

    def __str__(self) -> str:
        return f"{_place(self.ticket_id, self.deadline)}, after the last known holiday of {self.calendar}, {self.last}"


@dataclass(frozen=True, slots=True)
class Elsewise:
    """A ticket opened under another time-zone database, by which alone its history could be replayed exactly."""

    ticket_id: str
    version: str
    differences: int

    def __str__(self) -> str:
        return (
            f"{self.ticket_id} was opened under tzdata {self.version}:"
            f" its replay under {IN_FORCE.version} differs in {amount(self.differences, 'fact')}"
        )


@dataclass(frozen=True, slots=True)
class Aside:
    """A ticket whose timers could not be processed, and are tried again later."""

    ticket_id: str
    failures: int
    error: str
    retry_at: datetime

    def __str__(self) -> str:
        times = "once" if self.failures == 1 else f"{self.failures} times in a row"
        return f"{self.ticket_id} failed {times} ({self.error}): tried again at {instant(self.retry_at)}"


Remark = Move | Beyond | Elsewise | Aside


def _place(ticket_id: str, deadline: Deadline) -> str:
    subject = f"{deadline.subject}/" if deadline.subject else ""
    due = instant(deadline.due_at) if deadline.due_at else "never"
    return f"{ticket_id} {deadline.metric}/{subject}{deadline.cycle}: due {due}"


def faults(snapshot: Snapshot) -> list[Difference]:
    """The differences of a ticket whose whole history was timed by the database in force."""
    return differences(snapshot) if snapshot.ticket.tz_database == IN_FORCE.version else []


class Outlook:
    """Remarks about tickets, by one time-zone database; their terms by that database are compiled once."""

    def __init__(self, database: ZoneDatabase) -> None:
        self._database = database
        self._terms: dict[Pins, Terms] = {}

    def __call__(self, snapshot: Snapshot) -> Sequence[Remark]:
        """All remarks about a ticket. ``NoZones`` when the database lacks one of its zones."""
        aside = list(_aside(snapshot))
        promise = snapshot.promises.get(pins_of(snapshot.ticket))
        if promise is None:
            return aside  # a fault, which is told as such
        terms = self._by_database(pins_of(snapshot.ticket), promise)
        try:
            found = list(self._of_running(snapshot, promise, terms))
        except (KeyError, TypeError, ValueError):
            found = []  # rows that cannot be read are a fault as well
        return [*found, *_elsewise(snapshot), *aside]

    def _of_running(self, snapshot: Snapshot, promise: Promise, terms: Terms) -> Iterator[Remark]:
        for deadline in _running(snapshot, promise):
            due = timed(deadline, terms).due_at
            if due and due != deadline.due_at:
                yield Move(snapshot.ticket.id, deadline, self._database.version, due)
            if last := _holidays_end_before(deadline, promise):
                yield Beyond(snapshot.ticket.id, deadline, *last)

    def _by_database(self, pins: Pins, promise: Promise) -> Terms:
        if pins not in self._terms:
            self._terms[pins] = promise.terms.by(self._database.load)
        return self._terms[pins]


def _aside(snapshot: Snapshot) -> Iterator[Aside]:
    if row := snapshot.postponed:
        yield Aside(snapshot.ticket.id, row["failures"], row["error"], datetime.fromisoformat(row["retry_at"]))


def _running(snapshot: Snapshot, promise: Promise) -> list[Deadline]:
    ticket = snapshot.ticket
    rows = [row for row in snapshot.deadlines if row["state"] == _RUNNING]
    clock = load_clock(promise.terms, ticket.status, ticket.priority, ticket.tier, ticket.clock or {}, rows)
    return list(clock.deadlines)


def _holidays_end_before(deadline: Deadline, promise: Promise) -> tuple[str, date] | None:
    """The deadline's calendar and the last holiday that it knows, when the deadline is due in a later year.

    Only where a country gives the holidays: dates that an author listed are all that were meant.
    """
    target = None if deadline.fixed else promise.terms.target(deadline.metric, deadline.priority)
    if target is None or deadline.due_at is None:
        return None
    name, last = target.calendar.name, target.calendar.last_holiday
    calendar = promise.document.calendars.get(name)
    ends = calendar and calendar.holidays.country and last and last.year < deadline.due_at.year
    return (name, last) if last and ends else None


def _elsewise(snapshot: Snapshot) -> Iterator[Elsewise]:
    ticket = snapshot.ticket
    if ticket.tz_database != IN_FORCE.version and (found := differences(snapshot)):
        yield Elsewise(ticket.id, ticket.tz_database, len(found))
