"""Calendars of the roster: checked and expanded when they are stored, compiled when they are read."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from app.calendars.hours import ACCOUNT_ZONE, ALWAYS, Calendar, check_spec, compile_calendar
from app.core.problems import Fault, Invalid, message_of
from app.core.process.memory import Memory
from app.core.schemas.shared import pointer
from app.core.text.messages import _
from app.plans.document.model import ACCOUNT, PlanCalendar
from app.plans.document.parsing.expansion import HolidayFault, with_dates, years_after, years_around


async def stored(calendar: PlanCalendar, place: str, now: datetime) -> dict[str, Any]:
    """The calendar as it is stored, its country's holidays as dates. 422 with pointers below ``place``.

    They are looked up in a thread: the first time that a country is asked for, its rules are imported.
    """
    if faults := list(_faults(calendar, place)):
        raise Invalid(errors=faults)
    try:
        expanded = await asyncio.to_thread(with_dates, calendar, years_around(now))
    except HolidayFault as fault:
        raise Invalid(errors=[Fault(pointer=f"{place}/holidays/{fault.member}", detail=message_of(fault))]) from fault
    return expanded.model_dump(mode="json")


def extended(calendar: dict[str, Any], since: datetime, now: datetime) -> dict[str, Any] | None:
    """A calendar stored at ``since`` with its country's holidays of later years; None when it needs none (C01).

    Raises ``HolidayFault`` for a place that is not known any more, and for more dates than are kept.
    """
    document = PlanCalendar.model_validate(calendar)
    longer = with_dates(document, years_after(years_around(since)[-1], now))
    return None if longer == document else longer.model_dump(mode="json")


def _faults(calendar: PlanCalendar, place: str) -> Iterator[Fault]:
    """All that C01 refuses, and what would leave something to an account: shifts belong to none."""
    for path, sentence in check_spec(calendar.spec()):
        yield Fault(pointer=place + pointer(path), detail=sentence)
    if calendar.time_zone == ACCOUNT_ZONE:
        yield Fault(pointer=f"{place}/time_zone", detail=_("Shifts belong to no account: name an IANA time zone"))
    if calendar.holidays.country == ACCOUNT:
        yield Fault(pointer=f"{place}/holidays/country", detail=_("Shifts belong to no account: name a country"))
    elif calendar.holidays.subdivision and calendar.holidays.country is None:
        yield Fault(pointer=f"{place}/holidays/subdivision", detail=_("A subdivision needs the code of its country"))


def of_engineer(
    memory: Memory, own: dict[str, Any] | None, region: str | None, regions: Mapping[str, Calendar]
) -> Calendar:
    """When an engineer works: their own shifts, else the region's, else around the clock."""
    return compiled(memory, own) if own else regions.get(region or "", ALWAYS)


def compiled(memory: Memory, document: dict[str, Any]) -> Calendar:
    """The calendar behind a stored document, compiled once in a process."""
    content = orjson.dumps(document)
    known = memory.recall(Calendar, content)
    if known is not None:
        return known
    return memory.keep(content, compile_calendar(PlanCalendar.model_validate(document).spec()))
