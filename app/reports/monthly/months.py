"""Months as accounts have them: from midnight to midnight where they are. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

_MORNING: Final = time(8)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the calendar."""

    first: date

    @classmethod
    def named(cls, text: str) -> Self:
        """The month that is written like ``2026-11``."""
        return cls(date.fromisoformat(f"{text}-01"))

    @classmethod
    def at(cls, instant: datetime, zone: ZoneInfo) -> Self:
        """The month that an instant is in."""
        return cls(instant.astimezone(zone).date().replace(day=1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    def after(self, months: int = 1) -> "Month":
        """The month so many months later, or earlier."""
        place = self.first.year * 12 + self.first.month - 1 + months
        return Month(date(place // 12, place % 12 + 1, 1))

    def period(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From when until when it lasts."""
        return _midnight(self.first, zone), _midnight(self.after().first, zone)

    def due_at(self, zone: ZoneInfo) -> datetime:
        """When its report is sent: in the morning of the day after."""
        return datetime.combine(self.after().first, _MORNING, zone).astimezone(UTC)


def last_full(now: datetime, zone: ZoneInfo) -> Month:
    """The last month that is over."""
    return Month.at(now, zone).after(-1)


def months_due(sent: Month, now: datetime, zone: ZoneInfo, most: int) -> list[Month]:
    """The months whose reports are due and were not sent, the newest ``most`` of them; ``sent``: the last that was."""
    last = last_full(now, zone)
    if now < last.due_at(zone):
        last = last.after(-1)
    found: list[Month] = []
    while last > sent and len(found) < most:
        found.append(last)
        last = last.after(-1)
    return found[::-1]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


LONGEST_LINK: Final = timedelta(days=366)
"""How long a link to a report may open it."""
MAILED_LINK: Final = timedelta(days=90)
"""How long the link in a mail does."""
