"""The figures of a plan as its reader's language writes them, with the words of the CLDR. Pure."""

from collections.abc import Iterator, Sequence
from datetime import time, timedelta
from itertools import groupby
from typing import Final

from babel import Locale
from babel.dates import format_time, get_day_names
from babel.lists import format_list
from babel.numbers import format_percent
from babel.units import format_unit

from app.calendars.hours import ACCOUNT_ZONE, WEEKDAYS
from app.core.text.language import Language
from app.core.text.messages import in_language, locale_of
from app.core.text.phrases import business_days, day_of, exact_length
from app.plans.document.model import ACCOUNT, PlanCalendar, Target
from app.plans.programme.words import SENTENCES, TIMES

_DAY: Final = timedelta(days=1)
_IN_HOURS: Final = timedelta(hours=72)
"""Up to here, days are told in hours: a day is not a working day."""
_MIDNIGHT: Final = "24:00"
_NO_MORE: Final = 40
"""Days off that are told one by one."""


def span(length: timedelta, language: Language) -> str:
    """A length of plain time: ``72 hours``, ``7 days``."""
    if length > _IN_HOURS and not length % _DAY:
        return format_unit(length // _DAY, "duration-day", locale=locale_of(language))
    return exact_length(length, language)


def target(wanted: Target, language: Language) -> str:
    """A target's length."""
    return span(wanted.duration, language) if wanted.duration else business_days(wanted.business_days or 1, language)


def share(part: float, language: Language) -> str:
    """A share as a percentage, with as many digits as it has."""
    return format_percent(part, locale=locale_of(language), decimal_quantization=False)


def listed(texts: Sequence[str], language: Language, *, style: str = "standard") -> str:
    """Several texts in one line; those that are messages in the reader's language."""
    said = [in_language(text, language) for text in texts]
    return format_list(said, style=style, locale=locale_of(language))  # type: ignore[arg-type]  # one of its literals


def capital(text: str) -> str:
    """The text with a capital at its beginning: it stands by itself."""
    return f"{text[:1].upper()}{text[1:]}"


def hours(calendar: PlanCalendar, language: Language) -> Iterator[str]:
    """When a calendar is open, its zone, and what does not count."""
    yield from openings(calendar, language)
    yield from closures(calendar, language)


def openings(calendar: PlanCalendar, language: Language) -> Iterator[str]:
    """When a calendar is open: its days, with those of the same hours together."""
    names = get_day_names("wide", locale=locale_of(language), context="format")
    by_hours = groupby(range(7), key=lambda day: tuple(calendar.weekly.get(WEEKDAYS[day], ())))
    for windows, group in by_hours:
        days = list(group)
        if windows:
            told = [f"{_clock(opens, language)}\u2013{_clock(closes, language)}" for opens, closes in windows]
            line = TIMES["on_days"].to(language, days=_days(days, names, language), hours=listed(told, language))
            yield capital(line)


def closures(calendar: PlanCalendar, language: Language) -> Iterator[str]:
    """The zone of a calendar, and the days that do not count."""
    own = calendar.time_zone == ACCOUNT_ZONE
    yield SENTENCES["account_zone" if own else "zone"].to(language, zone=calendar.time_zone)
    yield _closed(calendar, language)


def _days(days: Sequence[int], names: "dict[int, str] | object", language: Language) -> str:
    named = [names[day] for day in days]  # type: ignore[index]  # Babel's own mapping
    if len(named) <= 2:  # noqa: PLR2004  two days are no range
        return listed(named, language)
    return TIMES["days"].to(language, first=named[0], last=named[-1])


def _clock(at: str, language: Language) -> str:
    if at == _MIDNIGHT:
        return at
    return format_time(time.fromisoformat(at), "short", locale=locale_of(language))


def _closed(calendar: PlanCalendar, language: Language) -> str:
    holidays, locale = calendar.holidays, Locale.parse(locale_of(language))
    if holidays.country == ACCOUNT:
        return SENTENCES["own_holidays"].to(language)
    if holidays.country:
        country = locale.territories.get(holidays.country, holidays.country)
        place = f"{country} ({holidays.subdivision})" if holidays.subdivision else country
        return SENTENCES["holidays_of"].to(language, country=place)
    if not holidays.dates:
        return SENTENCES["holidays_count"].to(language)
    days = [day_of(day, "long", language) for day in sorted(holidays.dates)]
    more = ["…"] if len(days) > _NO_MORE else []
    return SENTENCES["days_off"].to(language, days=[*days[:_NO_MORE], *more])
