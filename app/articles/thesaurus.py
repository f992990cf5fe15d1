"""Words of support that mean the same: in one language, and in the languages that customers and articles have. Pure.

A customer writes "I was charged twice" and the article says "double billing"; or the article is in another language.
Each line of ``thesaurus.txt`` is a meaning, with its words in English, Spanish, French, Polish and German: folded, and
cut where their endings differ (``invoic-``). It is a vocabulary of help desks, not of any product: what customers call
a product's own things stands in its articles, as tags.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final

LANGUAGES: Final = ("en", "es", "fr", "pl", "de")
"""The columns of the lines."""
_LEAST: Final = 3
"""Letters of the shortest stem."""
_SHORTEST: Final = 4
"""Letters that are left of a word that is cut more than it is here, and how many it may have less."""
_CUT: Final = 3
_LINES: Final = files(__package__).joinpath("thesaurus.txt").read_text(encoding="utf-8").splitlines()


def _meanings() -> Iterator[tuple[int, str, str, bool]]:
    """Each word with the number of its meaning and its language, and whether it is a stem."""
    for number, line in enumerate(_LINES):
        for language, words in zip(LANGUAGES, line.split(" | "), strict=True):
            for word in words.split():
                yield number, language, word.removesuffix("-"), word.endswith("-")


def _shortened(word: str) -> list[str]:
    """A word as PostgreSQL may have cut it: its stemmers cut some words more than we do."""
    return [word[:length] for length in range(max(_SHORTEST, len(word) - _CUT), len(word))]


def _index() -> tuple[dict[tuple[str, str], set[int]], dict[tuple[str, str], set[int]]]:
    whole: dict[tuple[str, str], set[int]] = {}
    stems: dict[tuple[str, str], set[int]] = {}
    for number, language, word, is_stem in _meanings():
        for form in (word, *_shortened(word)):
            whole.setdefault((language, form), set()).add(number)
        if is_stem:
            stems.setdefault((language, word), set()).add(number)
    return whole, stems


_WHOLE, _STEMS = _index()


def meanings_of(lexeme: str, languages: Iterable[str]) -> set[int]:
    """The numbers of what a word may mean in these languages, as PostgreSQL has read it in any."""
    found: set[int] = set()
    for language in languages:
        found |= _WHOLE.get((language, lexeme), set())
        for length in range(_LEAST, len(lexeme)):
            found |= _STEMS.get((language, lexeme[:length]), set())
    return found


def _spans() -> dict[tuple[int, str], list[tuple[str, str]]]:
    spans: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for number, language, word, is_stem in _meanings():
        one = spans.setdefault((number, language), [])
        one.append((word, f"{word}~" if is_stem else word))
        one += [(form, form) for form in _shortened(word)]
    return {key: list(dict.fromkeys(found)) for key, found in spans.items()}


_BETWEEN: Final[Mapping[tuple[int, str], Sequence[tuple[str, str]]]] = _spans()


def words_for(meaning: int, language: str) -> Sequence[tuple[str, str]]:
    """Between which words, in the order of bytes, those of a language are that have this meaning."""
    return _BETWEEN.get((meaning, language), ())
