"""Moments and lengths of time as people write them in their language, with the words of the CLDR. Pure.

Everything that is asked for again and again (a day's name, so many minutes) is remembered: Babel takes its time.
"""

import re
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.units import format_unit

from app.core.text.language import Language
from app.core.text.messages import Message, _, locale_of, ngettext

_SECOND: Final = timedelta(seconds=1)
_FIRST: Final = re.compile(r"\b1 (?=\D)")


@lru_cache(maxsize=4096)
def moment(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """The day and the local time, to the minute; with the offset where the clocks show that time twice."""
    local = at.astimezone(zone)
    text = _moment(local.date(), local.time().replace(second=0, microsecond=0, fold=0), language)
    if local.replace(fold=1 - local.fold).utcoffset() == local.utcoffset():
        return text
    return f"{text} (UTC{local.isoformat()[-6:]})"


def moment_short(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """The day and the local time to the minute in a few characters, for tables."""
    local, locale = at.astimezone(zone), locale_of(language)
    return f"{format_date(local, 'medium', locale)}, {format_time(local, 'short', locale=locale)}"


def moment_in(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """The same with the name of the zone, for a reader who may be anywhere."""
    return f"{moment(at, zone, language)} ({zone.key})"


def time_in(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """The local time to the second, with the name of the zone."""
    return f"{format_time(at.astimezone(zone), 'medium', locale=locale_of(language))} ({zone.key})"


@lru_cache(maxsize=4096)
def _moment(day: date, at: time, language: Language) -> str:
    locale = locale_of(language)
    local = {"day": day_of(day, "full", language), "time": format_time(at, "short", locale=locale)}
    # Counted, because Spanish says "a la 1:30" and "a las 2:30".
    return ngettext("{day} at {time}", "{day} at {time}", at.hour, **local).to(language)


def day_of(day: date, width: Literal["long", "full"], language: Language) -> str:
    """A day in words. The first of a month has its ordinal in French, which Babel leaves out."""
    text = format_date(day, width, locale_of(language))
    return _FIRST.sub("1er ", text) if language == "fr" and day.day == 1 else text


def length(span: timedelta, language: Language) -> str:
    """A length of time: hours and minutes, under an hour minutes and seconds; ``less than a second``."""
    if timedelta(0) < span < _SECOND:
        return _("less than a second").to(language)
    seconds = span // _SECOND
    return _length(seconds - seconds % 60 if seconds >= 3600 else seconds, language)  # noqa: PLR2004  an hour


def exact_length(span: timedelta, language: Language) -> str:
    """The same with every unit, for what a plan promises."""
    return _length(span / _SECOND if span % _SECOND else span // _SECOND, language)


@lru_cache(maxsize=4096)
def _length(seconds: float, language: Language) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = ((hours, "duration-hour"), (minutes, "duration-minute"), (rest, "duration-second"))
    locale = locale_of(language)
    named = [format_unit(number, unit, locale=locale) for number, unit in parts if number]
    return format_list(named or [format_unit(0, "duration-second", locale=locale)], locale=locale)


@lru_cache(maxsize=1024)
def business_days(count: int, language: Language) -> str:
    """So many business days."""
    return ngettext("{n} business day", "{n} business days", count).to(language)


def and_more(number: int) -> Message:
    """That so many others are left out of a list."""
    return ngettext("and {n} more", "and {n} more", number)


@cache
def own_name(language: Language) -> str:
    """What a language is called in itself."""
    return str(Locale.parse(locale_of(language)).get_display_name()).capitalize()
