"""The language of texts that a person reads: chosen by ``Accept-Language`` (RFC 9110, 12.5.4). Pure."""

import re
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from app.core.text import catalogues

LANGUAGES: Final = catalogues.LANGUAGES
"""English first, then those of the catalogues."""
SOURCE: Final = catalogues.SOURCE

if TYPE_CHECKING:
    Language: TypeAlias = str
else:
    Language = Literal[LANGUAGES]
"""One of ``LANGUAGES``, which pydantic checks and the OpenAPI document lists."""

_ANY: Final = "*"
_MOST: Final = 200
"""Ranges that name a language of ours and are weighed; browsers send a tenth."""
_OURS: Final = "|".join({language.partition("-")[0].lower(): None for language in LANGUAGES})
_RANGE: Final = re.compile(
    rf"(?:^|,)\s*((?:{_OURS})(?:-[a-z0-9]{{1,8}}){{0,11}}|\*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{{0,3}})?|1(?:\.0{{0,3}})?)\s*)?(?=,|$)",
    re.ASCII | re.IGNORECASE,
)
"""A range (RFC 4647, 2.1) of one of our languages and its weight. Anything else counts for nothing.
A header of any length is read in one pass."""


def choose_language(wanted: str | None, *others: str | None) -> Language:
    """The language that suits best what is ``wanted``, or where nothing does, the first of the ``others`` that does.

    Each is written like ``Accept-Language``; a bare tag such as ``es-MX`` is one. English is the last resort. A
    language with the weight 0 is avoided as long as there is another one to give.
    """
    ranges = _ranges(wanted)
    refused = {language for tag, weight in ranges if not weight and (language := _spoken(tag))}
    for tag in _by_weight(ranges):
        if tag == _ANY:
            break
        if (language := _spoken(tag)) and language not in refused:
            return language
    fallbacks = [language for other in others for tag in _by_weight(_ranges(other)) if (language := _spoken(tag))]
    anything = LANGUAGES if _ANY in _by_weight(ranges) else ()
    return next((language for language in (*fallbacks, SOURCE, *anything) if language not in refused), SOURCE)


def language_for(known: Collection[str], *wanted: str | None) -> Language:
    """The language for a reader who knows these: the first that is ``wanted`` of them, else any of ours among them."""
    asked = [tag for each in wanted for tag in _by_weight(_ranges(each))]
    if not known:
        return choose_language(None, *wanted)
    ours = {language: None for language in LANGUAGES if any(_spoken(tag) == language for tag in known)}
    return next((language for tag in asked if (language := _spoken(tag)) in ours), next(iter(ours), SOURCE))


def _ranges(header: str | None) -> list[tuple[str, float]]:
    found = islice(_RANGE.finditer(header or ""), _MOST)
    return [(match[1].lower(), float(match[2] or 1)) for match in found]


def _by_weight(ranges: list[tuple[str, float]]) -> list[str]:
    return [tag for tag, weight in sorted(ranges, key=lambda each: -each[1]) if weight]


def _spoken(tag: str) -> Language | None:
    """Ours that this range means: itself, else what it narrows (``es-MX``: ``es``), else what narrows it."""
    parts = tag.split("-")
    for length in range(len(parts), 0, -1):
        cut = "-".join(parts[:length])
        for language in LANGUAGES:
            if language.lower() == cut:
                return language
    return next((language for language in LANGUAGES if language.lower().startswith(f"{tag}-")), None)
