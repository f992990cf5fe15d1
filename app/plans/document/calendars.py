"""A plan's calendars, compiled for one account's zone and holidays. Pure."""

from collections.abc import Iterable
from datetime import date

from app.calendars import hours
from app.calendars.hours import Calendar
from app.plans.document.model import ALWAYS, PlanDocument


class Calendars(dict[str, Calendar]):
    """Compiled calendars by name, ``24x7`` among them."""


def compile_calendars(
    document: PlanDocument, zone: str, holidays: Iterable[date] = (), *, room: int | None = None
) -> Calendars:
    """The calendars of a plan.

    ``zone`` (IANA) stands where a calendar says ``time_zone: account``, and ``holidays`` (local dates) where one says
    ``country: account``; ``room`` bounds each calendar's table (``hours.Calendar``).
    """
    closed = frozenset(holidays)
    own = {
        name: hours.compile_calendar(calendar.spec(zone, closed), name=name, room=room)
        for name, calendar in document.calendars.items()
    }
    return Calendars(own | {ALWAYS: hours.ALWAYS})
