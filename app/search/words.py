"""The words of texts and of what is searched for, and where a text has them. Pure.

Words are compared as ``folded`` spells them, by their beginnings: so a search finds other forms of a word in any
language. Addresses and references count as a whole, and so do their parts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from html import escape
from typing import Final

from app.core.text.folding import folded

_TOKEN: Final = re.compile(r"[a-z0-9]+(?:[._@+/-]+[a-z0-9]+)*")
_PART: Final = re.compile(r"[a-z0-9]+")
_SPELT: Final = re.compile(r"\w+(?:[._@+/-]+\w+)*")
_MOST: Final = 1_000
"""Words of one text that are kept."""
_LONGEST: Final = 60
"""Characters of a word that are kept."""
_SPELT_OUT: Final = 100_000
"""Characters of a text, as it is spelt, in which words are looked for: one sign may be spelt by eighteen."""
_TERMS: Final = 12
"""Words of a search that count."""
_BARE: Final = 7
"""Letters from which on a word has an ending that other forms of it have not."""
_STEM: Final = 5
_ENDING: Final = 3
OWN: Final = 12
"""Characters of the end of an account's id that tell it from others."""
_MISTYPED: Final = (4, 30)
"""Letters of the shortest word that may be mistyped, and of the longest: how long comparing takes grows with them."""
_NEAR: Final = 0.8
"""How much of two words is the same, at least, for one to be the other, mistyped."""
_EXCERPT: Final = 160
_BEFORE: Final = 40


def vector(title: str, references: Iterable[str], text: str) -> str:
    """The ``tsvector`` of a title (A), of names, addresses and references (B), and of a text (D)."""
    weights: dict[str, tuple[int, str]] = {}
    for weight, part in (("A", title), ("B", " ".join(references)), ("D", text)):
        for word in _words(part):
            if len(weights) == _MOST:
                break
            weights.setdefault(word, (len(weights) + 1, weight))
    return " ".join(f"'{word}':{place}{weight}" for word, (place, weight) in weights.items())


def _words(text: str) -> Iterator[str]:
    for token in _TOKEN.findall(folded(text)[:_SPELT_OUT]):
        yield token[:_LONGEST]
        parts = _PART.findall(token)
        if len(parts) > 1:
            yield from (part[:_LONGEST] for part in parts)


def terms(asked: str) -> list[str]:
    """The beginnings of words for which a search looks, at most 12."""
    found = dict.fromkeys(_beginning(token[:_LONGEST]) for token in _TOKEN.findall(folded(asked)))
    return list(found)[:_TERMS]


def _beginning(word: str) -> str:
    """What all forms of a word begin with; a reference or an address is looked for as it is."""
    if not word.isalpha() or len(word) < _BARE:
        return word
    return word[: max(_STEM, len(word) - _ENDING)]


def spelt(asked: str) -> list[str]:
    """The words of a search that may be mistyped: of letters alone, neither too short nor too long."""
    found = dict.fromkeys(token[:_LONGEST] for token in _TOKEN.findall(folded(asked)))
    shortest, longest = _MISTYPED
    return [word for word in list(found)[:_TERMS] if word.isalpha() and shortest <= len(word) <= longest]


def nearest(word: str, others: Sequence[str]) -> str | None:
    """The one of these of which the word is most likely a mistyped form, if any."""
    return next(iter(get_close_matches(word, others, n=1, cutoff=_NEAR)), None)


def corrected(asked: str, corrections: Mapping[str, str]) -> list[str]:
    """As ``terms``, with these words in place of those that are searched for."""
    return terms(" ".join(corrections.get(token, token) for token in _TOKEN.findall(folded(asked))))


def query(beginnings: Sequence[str], *, whole: bool = True) -> str:
    """The ``tsquery`` of texts that have all of these words, or, unless ``whole``, any of them."""
    return (" & " if whole else " | ").join(f"'{word}':*" for word in beginnings)


def own_query(account_id: str, beginnings: Sequence[str], *, internal: bool, whole: bool) -> str:
    """The ``tsquery`` of an account's own words, which stand behind the end of its id and a sign.

    ``internal``: what is support's own counts as well.
    """
    ends = [f"{account_id[-OWN:]}{sign}" for sign in ("+-" if internal else "+")]
    each = (" | ".join(f"'{end}{word}':*" for end in ends) for word in beginnings)
    return (" & " if whole else " | ").join(f"({one})" for one in each)


def rarest(counted: Sequence[tuple[int, str]], most: int, *, whole: bool) -> list[str]:
    """The words by which an index is asked, of those that at most ``most`` texts of a sample have.

    All of them lead to texts with any of them; to texts with the ``whole`` two do, the rarest.
    """
    rare = sorted((having, place, word) for place, (having, word) in enumerate(counted) if having <= most)
    return [word for _, _, word in (rare[:2] if whole else rare)]


def spelt_out(text: str) -> str:
    """The words of a text as ``has_all`` looks at them."""
    return f" {' '.join(_words(text))}"


def has_all(words: str, beginnings: Sequence[str]) -> bool:
    """Whether a text, which is spelt out, has all that is searched for."""
    return all(f" {beginning}" in words for beginning in beginnings)


def marked(text: str, beginnings: Sequence[str]) -> str:
    """The text as HTML, what is found in it between ``<mark>`` and ``</mark>``."""
    parts, end = [], 0
    for start, stop in _places(text, beginnings):
        parts += [escape(text[end:start]), f"<mark>{escape(text[start:stop])}</mark>"]
        end = stop
    return "".join([*parts, escape(text[end:])])


def excerpt(text: str, beginnings: Sequence[str]) -> str | None:
    """The part of a text around the first word that is found, as HTML; None where there is none."""
    if not _may_have(text, beginnings):
        return None
    plain = " ".join(text.split())
    first = next(_places(plain, beginnings), None)
    if first is None:
        return None
    start = max(0, first[0] - _BEFORE)
    start = plain.find(" ", start) + 1 if start else 0
    shown = plain[min(start, first[0]) :]
    cut = shown[:_EXCERPT]
    if len(shown) > _EXCERPT:
        cut = f"{cut.rpartition(' ')[0] or cut}…"
    return ("…" if start else "") + marked(cut, beginnings)


def _may_have(text: str, beginnings: Sequence[str]) -> bool:
    """Whether any of these begins a word of the text, which is told of the whole in a fiftieth of the time."""
    return bool(re.search(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, beginnings))})", folded(text)))


def _places(text: str, beginnings: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where words of the text begin and end that a search has found."""
    wanted = tuple(beginnings)
    for match in _SPELT.finditer(text):
        if folded(match[0]).startswith(wanted):
            yield match.span()
        elif not match[0].isalnum():
            for part in re.finditer(r"[^\W_]+", match[0]):
                if folded(part[0]).startswith(wanted):
                    yield match.start() + part.start(), match.start() + part.end()
