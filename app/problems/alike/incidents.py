"""Tickets and groups of them, as they are compared. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from app.problems.alike.reading import kind_of

_SAYING: Final = ("thing", "sign", "code", "word")
"""Kinds of terms that say what a ticket is about."""
_ERROR: Final = re.compile(r"[a-z]{1,5}[-_]?\d{2,5}")


@dataclass(frozen=True)
class Incident:
    """A ticket as it is compared: its product (folded, or empty), the minute at which it was opened, and its terms.

    ``solutions``: how good each article is that may solve it; ``supposed``: the product that these are about, if any.
    """

    ticket_id: str
    product: str
    minute: float
    title: frozenset[str]
    terms: frozenset[str]
    solutions: Mapping[str, float] = field(default_factory=dict)
    supposed: str = ""

    @cached_property
    def by_kind(self) -> Mapping[str, frozenset[str]]:
        """The terms of the whole text."""
        kinds: dict[str, set[str]] = {}
        for term in self.terms:
            kinds.setdefault(kind_of(term), set()).add(term)
        return {kind: frozenset(terms) for kind, terms in kinds.items()}

    @cached_property
    def about(self) -> frozenset[str]:
        """What it is about, and how that fails."""
        return self.of("thing") | self.of("sign")

    @cached_property
    def saying(self) -> frozenset[str]:
        """All terms that say what it is about."""
        return frozenset(term for kind in _SAYING for term in self.of(kind))

    @cached_property
    def telling(self) -> frozenset[str]:
        """All that say what it is about, by the thesaurus of the articles too."""
        return self.saying | self.of("topic")

    @cached_property
    def heading(self) -> frozenset[str]:
        """Those of the title."""
        return self.title & self.saying

    @cached_property
    def errors(self) -> frozenset[str]:
        """The codes in it that are written as codes of errors are."""
        return errors_of(self.of("code"))

    @cached_property
    def is_asking(self) -> bool:
        """Whether it asks for something, and nothing in it fails."""
        return bool(self.of("asking")) and not self.of("sign")

    @cached_property
    def is_sudden(self) -> bool:
        """Whether it says since when: since this morning, or since an hour of the clock."""
        return self.says("everybody:since") or bool(self.of("hour"))

    def of(self, kind: str) -> frozenset[str]:
        """The terms of one kind."""
        return self.by_kind.get(kind, frozenset())

    def says(self, term: str) -> bool:
        """Whether it says this."""
        return term in self.terms


@dataclass(slots=True)
class Group:
    """Tickets of one incident, the oldest first; ``key`` is of what it is known by, None of a new one."""

    key: str | None
    members: list[Incident] = field(default_factory=list)

    @property
    def product(self) -> str:
        """The product that most members name; empty where none does."""
        named = Counter(member.product for member in self.members if member.product)
        return max(named, key=lambda each: (named[each], each), default="")


def errors_of(codes: Iterable[str]) -> frozenset[str]:
    """Those of these codes that are written as codes of errors are."""
    return frozenset(code for code in codes if _ERROR.fullmatch(code))
