"""Moments and lengths of time as people write them in their language, with the words of the CLDR. Pure.

Everything that is asked for again and again (a day's name, so many minutes) is remembered: Babel takes its time.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.units import format_unit

from app.core.text.language import Language

_MOMENTS: Final[dict[Language, str]] = {
    "en": "{day} at {time}",
    "es": "{day} a las {time}",
    "fr": "{day} à {time}",
    "pl": "{day}, godz. {time}",
}
_ONE_O_CLOCK: Final = "a la {time}"
"""Spanish, which says ``a la 1:30`` and ``a las 2:30``."""
_INSTANT: Final[dict[Language, str]] = {
    "en": "less than a second",
    "es": "menos de un segundo",
    "fr": "moins d'une seconde",
    "pl": "mniej niż sekunda",
}
_BUSINESS_DAYS: Final[dict[Language, dict[str, str]]] = {
    "en": {"one": "{n} business day", "other": "{n} business days"},
    "es": {"one": "{n} día hábil", "other": "{n} días hábiles"},
    "fr": {"one": "{n} jour ouvré", "other": "{n} jours ouvrés"},
    "pl": {"one": "{n} dzień roboczy", "few": "{n} dni robocze", "other": "{n} dni roboczych"},
}
_SECOND: Final = timedelta(seconds=1)


@lru_cache(maxsize=4096)
def moment(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """The day and the local time, to the minute; with the offset where the clocks show that time twice."""
    local = at.astimezone(zone)
    text = _moment(local.date(), local.time().replace(second=0, microsecond=0, fold=0), language)
    if local.replace(fold=1 - local.fold).utcoffset() == local.utcoffset():
        return text
    return f"{text} (UTC{local.isoformat()[-6:]})"


@lru_cache(maxsize=4096)
def _moment(day: date, at: time, language: Language) -> str:
    form = _MOMENTS[language]
    if language == "es" and at.hour == 1:
        form = form.replace("a las {time}", _ONE_O_CLOCK)
    return form.format(day=format_date(day, "full", language), time=format_time(at, "short", locale=language))


def length(span: timedelta, language: Language) -> str:
    """A length of time: hours and minutes, under an hour minutes and seconds; ``less than a second``."""
    if timedelta(0) < span < _SECOND:
        return _INSTANT[language]
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
    named = [format_unit(number, unit, locale=language) for number, unit in parts if number]
    return format_list(named or [format_unit(0, "duration-second", locale=language)], locale=language)


@lru_cache(maxsize=1024)
def business_days(count: int, language: Language) -> str:
    """So many business days."""
    forms = _BUSINESS_DAYS[language]
    form = forms.get(Locale(language).plural_form(count), forms["other"])
    return form.format(n=format_decimal(count, locale=language))
