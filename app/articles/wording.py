"""How PostgreSQL reads texts of a language, and what the words of a query are worth. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import log
from types import MappingProxyType
from typing import Final, NamedTuple

from app.articles.thesaurus import meanings_of, words_for
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
UNDETERMINED: Final = "und"
"""The language tag of a text of which nobody has said in what language it is (ISO 639-2)."""
LONGEST: Final = 3_000
"""Characters of a text that are searched for."""
MANY: Final = 400
"""Articles that are ranked for one query: those with its rarest words."""
_SHORTEST: Final = 4
"""Letters that words of a language without stems have in common, at least, to be taken for forms of one word."""
_ENDING: Final = 3
"""Letters of a word that may be its ending."""
_SAME_FORM: Final = 0.8
"""What a word is worth that is found as another form of it; the next ones: one that means the same, one that is its
translation, one that is spelt nearly so, and one that only begins alike, as words of two languages do."""
SAME_MEANING: Final = 0.7
TRANSLATED: Final = 0.85
SPELT: Final = 0.7
_COGNATE: Final = 0.6
_COGNATES: Final = (6, 5)
"""Letters of the shortest word that is looked for by its beginning, and those of the shortest beginning."""
_MEANT: Final = 40
"""Words of a query that are looked for by what they mean, in each language."""
_IN_TITLE: Final = 2.0
"""What a word of the title of what is searched for is worth, beside one of its text."""
_SHARE: Final = 0.7
"""How much the share of what is asked counts, of 1; the rest is how much of it an article has."""
_WHOLE: Final = 0.5
"""What an article is worth that has all of a query, which is a single rare word."""
_UNKNOWN: Final = 0.5
_UNTRANSLATED: Final = 0.2
"""What a word is worth that no article has, beside one that a single article has; and where the articles are in another
language than the query."""
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
    """A word of a query as the configuration of a language reads it; ``articles``: how many have it, by word found.

    ``own``: the word as the language reads it in which the query is.
    """

    language: str
    lexeme: str
    titled: bool
    place: int
    articles: Mapping[str, int] = field(default_factory=dict)
    own: str = ""

    @property
    def may_be_mistyped(self) -> bool:
        """Whether it is a word that no article has."""
        return not self.articles and len(self.lexeme) >= _TYPED and self.lexeme.isalpha()

    @property
    def bounds(self) -> tuple[str, str]:
        """Between which words, in the order of bytes, those are that count as forms of it."""
        if configuration(self.language) != PLAIN or len(self.lexeme) <= _SHORTEST or not self.lexeme.isalpha():
            return self.lexeme, self.lexeme
        return _beginning(self.lexeme, _SHORTEST)


def _beginning(word: str, shortest: int) -> tuple[str, str]:
    """Between which words those are that begin like this one, but for its ending."""
    stem = word[: max(shortest, len(word) - _ENDING)]
    return stem, f"{stem}~"


class Span(NamedTuple):
    """The words of a language from ``low`` to ``high``, in the order of bytes, which may stand for a term.

    ``number``: the term's; ``worth``: of finding one of them, beside finding the term itself.
    """

    number: int
    language: str
    low: str
    high: str
    worth: float


@dataclass(frozen=True, slots=True)
class Kin:
    """A word that stands for a term that an article may have in its place, and how many articles have it."""

    worth: float
    articles: int


def spans(terms: Sequence[Term], languages: Collection[str]) -> list[Span]:
    """Where words are that mean the same as terms of a query, which is in one of these languages.

    Terms that no article has are also looked for by their beginnings: so are ``exportation`` and ``exportación`` found
    by each other.
    """
    found = []
    looked_up: Counter[str] = Counter()
    for number, term in enumerate(terms):
        if not term.articles and len(term.lexeme) >= _COGNATES[0] and term.lexeme.isalpha():
            found.append(Span(number, term.language, *_beginning(term.lexeme, _COGNATES[1]), _COGNATE))
        meanings = meanings_of(term.lexeme, languages) | (meanings_of(term.own, languages) if term.own else set())
        looked_up[term.language] += bool(meanings)
        if looked_up[term.language] <= _MEANT:
            found += [
                Span(number, term.language, low, high, SAME_MEANING if term.language in languages else TRANSLATED)
                for meaning in sorted(meanings)
                for low, high in words_for(meaning, term.language)
            ]
    return found


@dataclass(frozen=True, slots=True)
class Weighed:
    """A word that articles of a language have, the number of the term that it stands for, and what finding it is worth.

    ``rarity``: in how many articles the word is.
    """

    language: str
    word: str
    term: int
    weight: float
    rarity: int


def weigh(
    terms: Sequence[Term],
    counted: Mapping[str, int],
    kin: Mapping[int, Mapping[str, Kin]] = MappingProxyType({}),
    languages: Collection[str] = (),
) -> list[Weighed]:
    """What each word is worth. ``counted``: how many articles each language has; ``kin``: by the numbers of terms.

    ``languages``: those in which the query may be; any, where there are none.
    The weights of the words that an article has add up to how good it is: by the share of what is asked that it has,
    and, less so, by how much that is. A long text has much that no article has, so its share alone says too little;
    and a single rare word says less than three.
    """
    worth = [
        _worth(term, counted.get(term.language, 0), kin.get(number, {}), languages) for number, term in enumerate(terms)
    ]
    totals: dict[str, float] = {}
    for term, own in zip(terms, worth, strict=True):
        totals[term.language] = totals.get(term.language, 0) + own
    scales = {
        language: _WHOLE / (total**_SHARE * _rarity(1, counted.get(language, 0)) ** (1 - _SHARE))
        for language, total in totals.items()
        if total
    }
    return [
        Weighed(term.language, word, number, worth[number] * factor * scales[term.language], articles)
        for number, term in enumerate(terms)
        for word, factor, articles in _forms(term, kin.get(number, {}))
    ]


def _worth(term: Term, total: int, kin: Mapping[str, Kin], languages: Collection[str]) -> float:
    """By how rare the term is, and whether it is in the title."""
    most = max([*term.articles.values(), *(each.articles for each in kin.values())], default=0)
    unknown = _UNKNOWN if not languages or term.language in languages else _UNTRANSLATED
    return _rarity(most, total) * (_IN_TITLE if term.titled else 1) * (1 if most else unknown)


def _rarity(articles: int, total: int) -> float:
    """The inverse document frequency of a word that so many articles have."""
    known = max(articles, 1)
    return log(1 + (max(total - known, 0) + 0.5) / (known + 0.5))


def _forms(term: Term, kin: Mapping[str, Kin]) -> Iterator[tuple[str, float, int]]:
    for word, articles in term.articles.items():
        yield word, 1.0 if word == term.lexeme else _SAME_FORM, articles
    for word, one in kin.items():
        if word not in term.articles:
            yield word, one.worth, one.articles


def rarest(words: Iterable[Weighed]) -> dict[str, list[str]]:
    """The words by which articles are looked for, by language: the rarest, until ``MANY`` articles may have them."""
    rarity = {(each.language, each.word): each.rarity for each in words}
    chosen: dict[str, list[str]] = {}
    found = 0
    for language, word in sorted(rarity, key=lambda each: rarity[each]):
        if chosen and found + rarity[language, word] > MANY:
            break
        found += rarity[language, word]
        chosen.setdefault(language, []).append(word)
    return chosen


def keys_of(words: Mapping[str, Sequence[str]], reaches: Iterable[str]) -> list[str]:
    """The keys by which the index leads to articles for these audiences with any of these words, given by language."""
    return [f"{language}.{reach[0]}{word}" for reach in reaches for language, own in words.items() for word in own]


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
        for word in re.findall("{0}([^{0}{1}]*){1}".format(*MARKS), text):
            words.setdefault(word.casefold(), word)
    return list(words.values())[:most]
