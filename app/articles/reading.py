"""In which language a query is, and which of its words say something. Pure.

A query is read by the configuration of each language that there are articles in. Each passes over the words that say
nothing in its own language alone; so in the others, those of the query's language would pass for rare words that no
article has. What the query's own language passes over is left out of all readings.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from app.articles.wording import PLAIN, UNDETERMINED, Term, configuration

READERS: Final = ("en", "es", "fr", "de", UNDETERMINED)
"""The languages that a query may be told to be in by the words that they pass over; the last one passes over none."""
_SAYS_NOTHING: Final = frozenset(files(__package__).joinpath("polish.txt").read_text(encoding="utf-8").split())
"""Polish words that say nothing: PostgreSQL has no list of them."""
_TERMS: Final = 50
"""Words of a query, in each language."""
_FEW: Final = 0.85
"""A language that passes over less than the rest of this share of a text is not the one that it is in."""
_READER: Final = 0.1
"""The share of a text by which the reader's language may pass over less than another one and still be that of the
text: a few words tell little."""


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A word of a text as a language reads it, at its places; ``titled``: whether it is in the title."""

    language: str
    lexeme: str
    titled: bool
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: the words that say something, the languages that they may be in, and the one that they are.

    ``terms``: those in the reader's language first. ``own``: empty, where that cannot be told.
    """

    terms: Sequence[Term]
    languages: Collection[str]
    own: str = ""


def query_of(lexemes: Sequence[Lexeme], languages: Collection[str], reader: str) -> Query:
    """The query that is read like this, as words in ``languages``; ``reader`` is the language of who asks, or empty.

    The words are in the order of the languages: that of the query, then the reader's, then the others.
    """
    readings: dict[str, dict[tuple[bool, int], str]] = {}
    for each in lexemes:
        reading = readings.setdefault(each.language, {})
        reading.update({(each.titled, place): each.lexeme for place in each.places})
    own = _language_of(readings, reader)
    says = _telling(readings, own)
    terms: list[Term] = []
    for language in sorted(languages, key=lambda each: (each != own, each != reader, each)):
        kept = [each for each in lexemes if each.language == language and _is_said(each, says)][:_TERMS]
        terms += [_term(each, says) for each in kept]
    return Query(terms, {own or reader, reader, *(() if own else languages)} - {""}, own)


def _is_said(lexeme: Lexeme, says: Mapping[tuple[bool, int], str]) -> bool:
    return any((lexeme.titled, place) in says for place in lexeme.places)


def _term(lexeme: Lexeme, says: Mapping[tuple[bool, int], str]) -> Term:
    place = lexeme.places[0]
    return Term(lexeme.language, lexeme.lexeme, lexeme.titled, place, own=says.get((lexeme.titled, place), ""))


def _language_of(readings: Mapping[str, Mapping[tuple[bool, int], str]], reader: str) -> str:
    """The language whose list passes over the most words; empty, where none passes over many."""
    plain = readings.get(UNDETERMINED, {})
    every = len(plain)
    left = {language: len(readings[language]) for language in READERS if language in readings}
    left["pl"] = sum(word not in _SAYS_NOTHING for word in plain.values())
    best = min(left, key=lambda language: left[language])
    if left[best] >= _FEW * every:
        return ""
    return reader if left.get(reader, every) <= left[best] + _READER * every else best


def _telling(readings: Mapping[str, Mapping[tuple[bool, int], str]], own: str) -> Mapping[tuple[bool, int], str]:
    """The words that say something, by their places, as their own language reads them."""
    if own == "pl":
        plain = readings.get(UNDETERMINED, {})
        return {place: word for place, word in plain.items() if word not in _SAYS_NOTHING}
    if configuration(own) != PLAIN and own in readings:
        return readings[own]
    return readings.get(UNDETERMINED, {})
