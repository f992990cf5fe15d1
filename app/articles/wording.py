"""How PostgreSQL reads texts of a language, and what the words of a query are worth. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import log
from typing import Final

from app.core.text.folding import folded

CONFIGURATIONS: Final[Mapping[str, str]] = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nb": "norwegian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "sv": "swedish",
}
"""The languages whose words PostgreSQL brings back to their stems. In any other one, words are taken as they are."""
PLAIN: Final = "heliodesk_simple"
LONGEST: Final = 10_000
"""Characters of a text that are searched for."""
MANY: Final = 800
"""Articles that are ranked for one query: those with its rarest words."""
_SHORTEST: Final = 4
"""Letters that words of a language without stems have in common, at least, to be taken for forms of one word."""
_ENDING: Final = 3
"""Letters of a word that may be its ending."""
_SAME_FORM: Final = 0.8
"""What a word is worth that is found as another form of it, and one that is found in another spelling, below."""
_SPELT: Final = 0.7
_IN_TITLE: Final = 2.0
"""What a word of the title of what is searched for is worth, beside one of its text."""
_UNKNOWN: Final = 0.5
"""What a word is worth that no article has, beside one that a single article has."""
_TYPED: Final = 3
"""Letters of the shortest word that is looked for in another spelling."""
MARKS: Final = ("\ue000", "\ue001")
"""Stand around what is found in a text until it is escaped: no text of ours has these characters."""


def configuration(language: str) -> str:
    """The name of the text search configuration for a language tag (BCP 47)."""
    name = CONFIGURATIONS.get(primary(language))
    return f"heliodesk_{name}" if name else PLAIN


def primary(language: str) -> str:
    """The language of a tag without region and script: ``es`` of ``es-MX``."""
    return language.partition("-")[0]


def slug_of(title: str) -> str:
    """A slug that a title suggests: ``La exportación falla`` becomes ``la-exportacion-falla``."""
    return re.sub(r"[^a-z0-9]+", "-", folded(title))[:80].strip("-") or "article"


def product_key(product: str | None) -> str | None:
    """A product's name as it is compared."""
    return folded(product) if product else None


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a query as the configuration of a language reads it; ``articles``: how many have it, by word found."""

    language: str
    lexeme: str
    titled: bool
    place: int
    articles: Mapping[str, int] = field(default_factory=dict)

    @property
    def known(self) -> int:
        """In how many articles it is, in whichever form."""
        return sum(self.articles.values())

    @property
    def may_be_mistyped(self) -> bool:
        """Whether it is a word that no article has."""
        return not self.articles and len(self.lexeme) >= _TYPED and self.lexeme.isalpha()

    @property
    def bounds(self) -> tuple[str, str]:
        """Between which words, in the order of bytes, those are that count as forms of it."""
        return _bounds(self.language, self.lexeme)


def _bounds(language: str, lexeme: str) -> tuple[str, str]:
    if configuration(language) != PLAIN or len(lexeme) <= _SHORTEST or not lexeme.isalpha():
        return lexeme, lexeme
    stem = lexeme[: max(_SHORTEST, len(lexeme) - _ENDING)]
    return stem, f"{stem}~"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A word that articles of a language have, the number of the term that it stands for, and what finding it is worth.

    ``rarity``: in how many articles the term is.
    """

    language: str
    word: str
    term: int
    weight: float
    rarity: int


def weigh(terms: Sequence[Term], counted: Mapping[str, int], spelt: Mapping[int, Mapping[str, int]]) -> list[Weighed]:
    """What each word is worth, so that all terms of a language are worth 1 together.

    ``counted``: how many articles each language has. ``spelt``: by the numbers of terms that no article has, the words
    for which they may be meant.
    """
    worth = {number: _worth(term, counted.get(term.language, 0)) for number, term in enumerate(terms)}
    totals: dict[str, float] = {}
    for number, term in enumerate(terms):
        totals[term.language] = totals.get(term.language, 0) + worth[number]
    return [
        Weighed(term.language, word, number, worth[number] * factor / totals[term.language], articles)
        for number, term in enumerate(terms)
        for word, factor, articles in _forms(term, spelt.get(number, {}))
    ]


def _worth(term: Term, total: int) -> float:
    """By how rare the term is (its inverse document frequency), and whether it is in the title."""
    rare = log(1 + (total - min(term.known, total) + 0.5) / (max(term.known, 1) + 0.5))
    return rare * (_IN_TITLE if term.titled else 1) * (1 if term.known else _UNKNOWN)


def _forms(term: Term, spelt: Mapping[str, int]) -> Iterator[tuple[str, float, int]]:
    for word in term.articles:
        yield word, 1.0 if word == term.lexeme else _SAME_FORM, term.known
    for word, articles in spelt.items():
        yield word, _SPELT, articles


def rarest(words: Iterable[Weighed]) -> list[str]:
    """The words by which articles are looked for: the rarest first, until ``MANY`` articles may have them."""
    chosen: list[str] = []
    articles = 0
    for word in sorted(words, key=lambda each: (each.rarity, each.term)):
        if chosen and articles + word.rarity > MANY:
            break
        articles += word.rarity
        chosen.append(word.word)
    return chosen


def any_of(words: Iterable[str]) -> str:
    """A ``tsquery`` that finds texts with any of these words."""
    return " | ".join(f"'{_quoted(word)}'" for word in dict.fromkeys(words))


def _quoted(word: str) -> str:
    return word.replace("\\", "\\\\").replace("'", "''")


def marked(text: str) -> str:
    """A text with ``MARKS``, as HTML in which ``<mark>`` stands around what was found."""
    begin, end = MARKS
    return escape(text).replace(begin, "<mark>").replace(end, "</mark>")


def found_in(texts: Collection[str], most: int = 5) -> list[str]:
    """The words between ``MARKS``, each once, in their order."""
    words: dict[str, str] = {}
    for text in texts:
        for word in re.findall("{}(.*?){}".format(*MARKS), text):
            words.setdefault(word.casefold(), word)
    return list(words.values())[:most]
