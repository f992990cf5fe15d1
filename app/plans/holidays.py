"""The holidays of a country as dates, stored by their content, so that no library upgrade moves a deadline (C01)."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

import holidays
import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.memory import Memory
from app.core.problems import NotFound
from app.plans.model import ACCOUNT, MAX_HOLIDAYS, CalendarDocument
from app.plans.models import HolidaySet


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
        message = f"The holidays of `{place}` are not known here: list them as dates."
        raise ValueError(message) from error


class HolidayFault(ValueError):
    """What is wrong with a calendar's holidays, as a sentence for the caller, and at which ``member`` of them."""

    def __init__(self, member: str, sentence: str) -> None:
        super().__init__(sentence)
        self.member = member


def with_dates(calendar: CalendarDocument, years: Iterable[int]) -> CalendarDocument:
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
        sentence = f"With those of `{rule.country}` these are {len(dates)} dates: at most {MAX_HOLIDAYS} are kept."
        raise HolidayFault("dates", sentence)
    return calendar.model_copy(update={"holidays": rule.model_copy(update={"dates": dates})})


async def expand_holidays(
    session: AsyncSession, country: str, subdivision: str | None, years: Iterable[int]
) -> HolidaySet:
    """Store the holidays of a place in these years, and give the set; the same dates make the same set.

    Raises ValueError with a sentence for the caller for a place that is not known.
    """
    return await _store(session, country, subdivision, holiday_dates(country, subdivision, years))


async def extend_holidays(session: AsyncSession, found: HolidaySet, now: datetime) -> HolidaySet:
    """The set with the years after its last one, as another set; the same, while it reaches far enough.

    What it has says the same in both, whatever the library says today.
    """
    dates = [*map(date.fromisoformat, found.dates)]
    later = years_after(max(dates, default=now).year, now)
    if not later:
        return found
    added = holiday_dates(found.country, found.subdivision, later)
    return await _store(session, found.country, found.subdivision, [*dates, *added])


async def _store(session: AsyncSession, country: str, subdivision: str | None, days: Iterable[date]) -> HolidaySet:
    dates = [day.isoformat() for day in days]
    content = orjson.dumps([country, subdivision, dates])
    found = {
        "id": f"hol_{hashlib.sha256(content).hexdigest()[:26]}",
        "country": country,
        "subdivision": subdivision,
        "dates": dates,
    }
    await session.execute(insert(HolidaySet).values(found).on_conflict_do_nothing())
    return HolidaySet(**found)


async def dates_of(session: AsyncSession, memory: Memory, holiday_set: str | None) -> HolidayDates:
    """The dates of a stored set; none for None. No round trip when the process remembers them."""
    if holiday_set is None:
        return HolidayDates()
    known = memory.recall(HolidayDates, holiday_set)
    if known is not None:
        return known
    texts = await session.scalar(select(HolidaySet.dates).where(HolidaySet.id == holiday_set))
    if texts is None:
        raise NotFound(f"There is no holiday set {holiday_set}")
    return memory.keep(holiday_set, HolidayDates(map(date.fromisoformat, texts)))
