"""What the texts of a ticket say, as terms that are compared with those of other tickets. Pure.

A term is a meaning (``sign:fail``), a code (``nv-5030``), or the stem of any other word (``heade``). What every mail
says, such as greetings, is left out here; what a language passes over, PostgreSQL's dictionaries know.
"""

import re
from typing import Final

from app.core.text.folding import folded
from app.problems.alike.meanings import meaning_of, phrase_at

_STEM: Final = 5
"""Letters of a word that its other forms have too, in all languages."""
_SHORTEST: Final = 3
_MOST: Final = 80
"""Terms of one text that are looked at."""
_WORD: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_PARTS: Final = re.compile(r"[._-]")
_NEGATED: Final = re.compile(r"n['\u2019]t\b")
# Hours, dates and counts differ from ticket to ticket.
_NUMBER: Final = re.compile(r"\d{1,2}(?:h\d*|am|pm)?|\d{1,3}(?:[.]\d{3})+|\d{4}-\d\d-\d\d.*|[\d.-]{8,}")
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
    words = _words(text)
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
    return terms


def is_plain(term: str) -> bool:
    """Whether it is the stem of a word that may say nothing: no meaning, and no code."""
    return term.isalpha()


def kind_of(term: str) -> str:
    """``thing``, ``sign``, ``everybody``, ``asking``, ``narrow``; ``code``, or ``word`` for a plain one."""
    kind, colon, _ = term.partition(":")
    if colon:
        return kind
    return "word" if is_plain(term) else "code"


def _words(text: str) -> list[str]:
    words: list[str] = []
    for word in _WORD.findall(_NEGATED.sub("nt", folded(text))):
        words += [word] if _has_digit(word) else _PARTS.split(word)
    return words


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
