"""The holidays of a country as dates, so that no upgrade of the ``holidays`` library moves a deadline (C01). Pure."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

import holidays

from app.core.problems import Fault, message_of
from app.core.schemas.shared import pointer
from app.core.text.messages import _
from app.plans.document.model import ACCOUNT, MAX_HOLIDAYS, PlanCalendar, PlanDocument
from app.plans.document.parsing.reading import refuse


class HolidayDates(frozenset[date]):
    """The dates of one stored set."""


_EXPANDED: Final = 10
_KNOWN: Final = 5


def years_around(now: datetime) -> range:
    """The years whose holidays are expanded: last year, this one, and ten more."""
    return range(now.year - 1, now.year + _EXPANDED + 1)


def years_after(last: int, now: datetime) -> range:
    """The years to be added to holidays that are known up to the year ``last``: none, while they reach far enough."""
    wanted = last < now.year + _KNOWN
    return range(last + 1, now.year + _EXPANDED + 1) if wanted else range(0)


def holiday_dates(country: str, subdivision: str | None, years: Iterable[int]) -> list[date]:
    """The public holidays in these years, in order.

    ``country`` is an ISO 3166-1 alpha-2 code, ``subdivision`` the part of ISO 3166-2 behind it. Raises ValueError
    with a sentence for the caller when the ``holidays`` library knows no such place.
    """
    try:
        return sorted(holidays.country_holidays(country, subdiv=subdivision, years=years))
    except NotImplementedError as error:
        place = f"{country}-{subdivision}" if subdivision else country
        message = _("The holidays of `{place}` are not known here: list them as dates.", place=place)
        raise ValueError(message) from error


class HolidayFault(ValueError):
    """What is wrong with a calendar's holidays, as a sentence for the caller, and at which ``member`` of them."""

    def __init__(self, member: str, sentence: str) -> None:
        super().__init__(sentence)
        self.member = member


def with_dates(calendar: PlanCalendar, years: Iterable[int]) -> PlanCalendar:
    """The calendar with the holidays of the country that it names as dates, so that they never move (C01).

    Raises ``HolidayFault`` for a place that is not known, and for more dates than are kept.
    """
    rule = calendar.holidays
    if rule.country in (None, ACCOUNT):
        return calendar
    try:
        found = holiday_dates(rule.country, rule.subdivision, years)
    except ValueError as error:
        raise HolidayFault("country", str(error)) from error
    dates = sorted({*rule.dates, *found})
    if len(dates) > MAX_HOLIDAYS:
        sentence = _(
            "Together with those of `{country}`, there are {dates} dates: at most {most} are kept.",
            country=rule.country,
            dates=len(dates),
            most=MAX_HOLIDAYS,
        )
        raise HolidayFault("dates", sentence)
    return calendar.model_copy(update={"holidays": rule.model_copy(update={"dates": dates})})


def expanded(document: PlanDocument, years: range) -> PlanDocument:
    """The document with the holidays of each country that it names as dates, for these years (C01).

    Raises ``Invalid`` for a country or subdivision that is not known, and for more dates than a calendar keeps.
    """
    calendars = {name: _expanded(name, calendar, years) for name, calendar in document.calendars.items()}
    return document.model_copy(update={"calendars": calendars})


def _expanded(name: str, calendar: PlanCalendar, years: range) -> PlanCalendar:
    try:
        return with_dates(calendar, years)
    except HolidayFault as fault:
        place = pointer(("calendars", name, "holidays", fault.member))
        raise refuse(Fault(pointer=place, detail=message_of(fault))) from fault
