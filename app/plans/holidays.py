"""Sets of holidays in the database, stored by their content, so that the same dates make the same set."""

import asyncio
import hashlib
from collections.abc import Iterable
from datetime import date, datetime

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import NotFound
from app.core.process.memory import Memory
from app.core.text.messages import _
from app.plans.document.parsing.expansion import HolidayDates, holiday_dates, years_after
from app.plans.models import HolidaySetRow


async def expand_holidays(
    session: AsyncSession, country: str, subdivision: str | None, years: Iterable[int]
) -> HolidaySetRow:
    """Store the holidays of a place in these years, and give the set; the same dates make the same set.

    Raises ValueError with a sentence for the caller for a place that is not known.
    """
    return await _store(session, country, subdivision, await _dates(country, subdivision, years))


async def extend_holidays(session: AsyncSession, found: HolidaySetRow, now: datetime) -> HolidaySetRow:
    """The set with the years after its last one, as another set; the same, while it reaches far enough.

    What it has says the same in both, whatever the library says today.
    """
    dates = [*map(date.fromisoformat, found.dates)]
    later = years_after(max(dates, default=now).year, now)
    if not later:
        return found
    added = await _dates(found.country, found.subdivision, later)
    return await _store(session, found.country, found.subdivision, [*dates, *added])


async def _dates(country: str, subdivision: str | None, years: Iterable[int]) -> list[date]:
    """The holidays, looked up in a thread: the first time that a country is asked for, its rules are imported."""
    return await asyncio.to_thread(holiday_dates, country, subdivision, years)


async def _store(session: AsyncSession, country: str, subdivision: str | None, days: Iterable[date]) -> HolidaySetRow:
    dates = [day.isoformat() for day in days]
    content = orjson.dumps([country, subdivision, dates])
    found = {
        "id": f"hol_{hashlib.sha256(content).hexdigest()[:26]}",
        "country": country,
        "subdivision": subdivision,
        "dates": dates,
    }
    await session.execute(insert(HolidaySetRow).values(found).on_conflict_do_nothing())
    return HolidaySetRow(**found)


async def dates_of(session: AsyncSession, memory: Memory, holiday_set: str | None) -> HolidayDates:
    """The dates of a stored set; none for None. No round trip when the process remembers them."""
    if holiday_set is None:
        return HolidayDates()
    known = memory.recall(HolidayDates, holiday_set)
    if known is not None:
        return known
    texts = await session.scalar(select(HolidaySetRow.dates).where(HolidaySetRow.id == holiday_set))
    if texts is None:
        raise NotFound(_("There is no holiday set {holiday_set}", holiday_set=holiday_set))
    return memory.keep(holiday_set, HolidayDates(map(date.fromisoformat, texts)))
