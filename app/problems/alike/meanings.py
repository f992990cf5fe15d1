"""Words of the help desk that mean the same in the languages that customers write. Pure.

One incident is reported in several languages and in many wordings, and its tickets have little in common but what they
mean. So the things that software is about, the ways in which it fails, and what people say when it fails for everybody,
are compared by their meaning. Each line of ``meanings.txt`` is a meaning, by its kind and name, followed by the words
that express it in English, Spanish, French, Polish and German: ``word`` is that word alone, ``word*`` each word that
begins so, ``two_words`` a phrase. Case and accents make no difference. The terms are those of support desks in general:
no line is about one product. The kinds:

- ``thing``: what software and its customers are about;
- ``sign``: how something fails;
- ``everybody``: that it fails for everybody, since a moment ago, and is thought to be an outage;
- ``asking``: that somebody asks or requests something;
- ``narrow``: that it concerns one of many, for a long time, or since something that the customer has done.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final, TypeAlias

from app.core.text.folding import folded

_LINES: Final = files(__package__).joinpath("meanings.txt").read_text(encoding="utf-8").splitlines()
Phrase: TypeAlias = tuple[tuple[str, ...], bool, str]
"""Words that follow each other, whether the last is the beginning of a word, and what they mean."""


def _read() -> tuple[dict[str, str], dict[str, str], dict[str, list[Phrase]]]:
    words: dict[str, str] = {}
    beginnings: dict[str, str] = {}
    phrases: dict[str, list[Phrase]] = {}
    for line in _LINES:
        name, terms = line.split(": ", 1)
        meaning = name.replace(" ", ":")
        for term in folded(terms).split():
            *first, last = term.rstrip("*").split("_")
            open_ended = term.endswith("*")
            if first:
                phrases.setdefault(first[0], []).append(((*first, last), open_ended, meaning))
            else:
                (beginnings if open_ended else words).setdefault(last, meaning)
    return words, beginnings, {first: sorted(each, key=_longest_first) for first, each in phrases.items()}


def _longest_first(phrase: Phrase) -> tuple[int, bool]:
    return -len(phrase[0]), phrase[1]


_WORDS, _BEGINNINGS, _PHRASES = _read()
_LONGEST: Final = max(map(len, _BEGINNINGS))
_SHORTEST: Final = min(map(len, _BEGINNINGS))


def meaning_of(word: str) -> str | None:
    """What a folded word means, as kind and name (``sign:fail``); None where the list does not know it."""
    if word in _WORDS:
        return _WORDS[word]
    for length in range(min(len(word), _LONGEST), _SHORTEST - 1, -1):
        if (meaning := _BEGINNINGS.get(word[:length])) is not None:
            return meaning
    return None


def phrase_at(words: Sequence[str], place: int) -> tuple[str, int] | None:
    """What the longest known phrase that begins at this place means, and its number of words."""
    for phrase, open_ended, meaning in _PHRASES.get(words[place], ()):
        *first, last = words[place : place + len(phrase)]
        if (*first,) == phrase[:-1] and (last.startswith(phrase[-1]) if open_ended else last == phrase[-1]):
            return meaning, len(phrase)
    return None
