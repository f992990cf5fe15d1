"""What a calendar is made of, and what is refused (C01)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

from app.core.problems import message_of
from app.core.text.messages import Message, _
from app.core.zones import load_zone

ACCOUNT_ZONE: Final = "account"
"""In a plan: the zone of the ticket's account. It is replaced by a real zone before the calendar is compiled."""

DAY_MINUTES: Final = 24 * 60
MAX_WINDOWS: Final = 12
"""Windows of one weekday: more than anybody keeps, and few enough to compile centuries of them in seconds."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Minutes: TypeAlias = tuple[int, int]
"""A window ``[open, close)`` in minutes of local wall time from midnight; 1440 is 24:00."""

Finding: TypeAlias = tuple[tuple[str | int, ...], Message]
"""Where in the calendar's document (path parts) and what is wrong there."""

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


@dataclass(frozen=True, slots=True)
class CalendarSpec:
    """Weekly hours in a zone, less holidays.

    ``zone`` is an IANA name (or ``account``, until it is compiled), ``weekly`` maps 0 for Monday to 6 for Sunday to
    windows in minutes, ``holidays`` are local dates without any window.
    """

    zone: str
    weekly: Mapping[int, tuple[Minutes, ...]] = field(hash=False)
    holidays: frozenset[date] = frozenset()

    @property
    def is_always_open(self) -> bool:
        """Whether there is no closed time at all, so that a business day has no meaning."""
        return not self.holidays and all(_covers_day(self.weekly.get(day, ())) for day in range(7))


def _covers_day(windows: Iterable[Minutes]) -> bool:
    reached = 0
    for opens, closes in sorted(windows):
        if opens > reached:
            return False
        reached = max(reached, closes)
    return reached >= DAY_MINUTES


def parse_time(text: str) -> int:
    """Minutes from midnight of a wall time ``00:00`` to ``24:00``; ValueError with a sentence for the caller."""
    if not _TIME.fullmatch(text):
        raise ValueError(_("A time of day is HH:MM, from 00:00 to 24:00"))
    return int(text[:2]) * 60 + int(text[3:])


def check_spec(spec: CalendarSpec) -> list[Finding]:
    """Everything that C01 refuses in this calendar, with paths such as ``("weekly", "mon", 1)``; empty when sound."""
    findings = [*_check_zone(spec.zone)]
    for day, windows in sorted(spec.weekly.items()):
        findings += _check_day(day, windows)
    if not any(spec.weekly.values()):
        findings.append((("weekly",), _("This calendar never opens: give at least one window")))
    return findings


def _check_zone(name: str) -> Iterator[Finding]:
    try:
        name == ACCOUNT_ZONE or load_zone(name)
    except ValueError as error:
        yield ("time_zone",), message_of(error)


def _check_day(day: int, windows: tuple[Minutes, ...]) -> Iterator[Finding]:
    path = ("weekly", WEEKDAYS[day])
    if len(windows) > MAX_WINDOWS:
        yield path, _("A day has at most {most} windows", most=MAX_WINDOWS)
        return
    reached = 0
    for index, (opens, closes) in sorted(enumerate(windows), key=lambda item: item[1]):
        if not 0 <= opens < closes <= DAY_MINUTES:
            yield (*path, index), _("A window opens before it closes, within one day: split one that crosses midnight")
        elif opens < reached:
            yield (*path, index), _("This window overlaps another one of the same day")
        else:
            reached = closes
