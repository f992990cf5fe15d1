"""What the texts of a ticket say, as terms that are compared with those of other tickets. Pure.

A term is a meaning (``sign:fail``), a code (``nv-5030``), or the stem of any other word (``heade``). Beside these
stand what words mean by the thesaurus of the articles (``topic:12``), and the hours of the clock that a text names
(``hour:2``). What every mail says, such as greetings, is left out here; what a language passes over, PostgreSQL's
dictionaries know.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from app.articles.thesaurus import LANGUAGES, meanings_of
from app.core.text.folding import folded
from app.problems.alike.meanings import meaning_of, phrase_at

_STEM: Final = 5
"""Letters of a word that its other forms have too, in all languages."""
_SHORTEST: Final = 3
_MOST: Final = 80
"""Terms of one text that are looked at."""
_READ: Final = 160
"""Words of one text whose meanings are looked up."""
_LOOKED_AT: Final = 10_000
"""Characters of a text that are looked at: more than its terms take."""
_LONGEST: Final = 60
"""Characters of a word that are looked at."""
_WORD: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_PARTS: Final = re.compile(r"[._-]")
_NEGATED: Final = re.compile(r"n['\u2019]t\b")
# Hours, dates and counts differ from ticket to ticket.
_NUMBER: Final = re.compile(r"\d{1,2}(?:h\d*|am|pm)?|\d{1,3}(?:[.]\d{3})+|\d{4}-\d\d-\d\d.*|[\d.-]{8,}")
_HOURS: Final = (
    re.compile(
        r"\b(?:since|about|around|from|at|las|od|ok\.?|o|vers|depuis|a|des|environ|seit|ab|gegen)\s+"
        r"(?:okolo |ok\. |about |environ |roughly |early |etwa )?(\d{1,2})(?:[:h. ]{1,3}\d\d)?\b"
    ),
    re.compile(r"\b(\d{1,2})(?::\d\d|\s?h(?:\d\d)?)\b"),
)
_DAY: Final = 24
# Polish has no dictionary in PostgreSQL.
_SAYS_NOTHING: Final = frozenset(
    folded(
        "hello dear thank thanks regards best kind please help urgent sincerely yours team company office support "
        "bonjour merci cordialement bonne journée madame monsieur hola buenos buenas días tardes gracias saludo "
        "saludos cordiales hallo danke bitte gruß grüßen bardzo bez był była było być czy dla dobry dzień dziękuję "
        "gdy ich jak jego jej jest jeszcze jestem już kiedy kto lub mam mamy mnie może można moja moje mój nad nam "
        "nami nas nasz nasza nasze naszych nie oraz państwa państwo pod pomoc pozdrawiam poważaniem proszę prosimy "
        "przed przez przy się są tak tego tej ten też tylko tym tych witam wszystko"
    ).split()
)


def terms_of(text: str) -> dict[str, str]:
    """The terms of a text, and how each is spelt where it comes first; of a long text, the first ones."""
    start = folded(text[:_LOOKED_AT])[:_LOOKED_AT]
    words = _words(start)
    terms: dict[str, str] = {}
    place = 0
    while place < len(words) and len(terms) < _MOST:
        found = phrase_at(words, place)
        if found is None:
            term = _term(words[place])
            length = 1
        else:
            term, length = found
        if term is not None:
            terms.setdefault(term, " ".join(words[place : place + length]))
        place += length
    return {**dict(_topics(words[:_READ])), **dict(_hours(start)), **terms}


def may_say_nothing(term: str) -> bool:
    """Whether it is of a word that languages may pass over: no meaning of ours, and no code."""
    return term.isalpha() or term.startswith("topic:")


def kind_of(term: str) -> str:
    """``thing``, ``sign``, ``everybody``, ``asking``, ``narrow``, ``topic``, ``hour``; ``code``, or ``word``."""
    kind, colon, _ = term.partition(":")
    if colon:
        return kind
    return "word" if term.isalpha() else "code"


def _topics(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        if len(word) >= _SHORTEST and word not in _SAYS_NOTHING:
            yield from ((f"topic:{number}", word) for number in sorted(meanings_of(word, LANGUAGES)))


def _hours(text: str) -> Iterator[tuple[str, str]]:
    """Hours of a clock of twelve: nobody's time zone is known, but the hour itself is said alike."""
    for hours in _HOURS:
        for match in hours.finditer(text):
            if int(match[1]) <= _DAY:
                yield f"hour:{int(match[1]) % 12}", match[1]


def _words(text: str) -> list[str]:
    words: list[str] = []
    for word in _WORD.findall(_NEGATED.sub("nt", text)):
        words += [word] if _has_digit(word) else _PARTS.split(word)
    return [word[:_LONGEST] for word in words]


def _term(word: str) -> str | None:
    meaning = meaning_of(word)
    if meaning is not None:
        return meaning
    if len(word) < _SHORTEST or word in _SAYS_NOTHING:
        return None
    if _has_digit(word):
        return None if _NUMBER.fullmatch(word) else word
    return word[:_STEM]


def _has_digit(word: str) -> bool:
    return any(each.isdigit() for each in word)
