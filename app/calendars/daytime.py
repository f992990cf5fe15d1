"""Which region works in the daytime of a time zone (G7). Pure."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.calendars.hours import Calendar

_OPENS: Final = time(9)
_CLOSES: Final = time(17)
_DAYS: Final = 7


def daytime_region(regions: Mapping[str, Calendar], zone: ZoneInfo, now: datetime) -> str | None:
    """The region whose shifts have most in common with 09:00 to 17:00 in this zone, on the seven days from now on.

    ``regions`` are in the order of the sun, which decides between equals. None where no region works then.
    """
    today = now.astimezone(zone).date()
    shared = {key: _shared(calendar, zone, today) for key, calendar in regions.items()}
    best = max(shared, key=lambda key: shared[key], default=None)
    return best if best and shared[best] else None


def _shared(calendar: Calendar, zone: ZoneInfo, today: date) -> timedelta:
    days = (today + timedelta(days=number) for number in range(_DAYS))
    spans = ((datetime.combine(day, _OPENS, zone), datetime.combine(day, _CLOSES, zone)) for day in days)
    return sum((calendar.working(opens, closes) for opens, closes in spans), timedelta(0))
