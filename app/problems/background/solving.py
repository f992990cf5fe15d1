"""Which articles may solve a ticket: two tickets that the same article solves are likely to be of one incident."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.read.answers import GOOD
from app.articles.read.search import ALL_REACHES, Asked, find
from app.core.text.folding import folded

_ARTICLES: Final = 6
"""Articles of one ticket."""
_NOTHING: Final = 0.15
"""How good an article is that says nothing about what it is asked for."""
_MOST: Final = 0.6
"""The share of what is found that one product's articles have, where the ticket is supposed to be about it."""


@dataclass(frozen=True, slots=True)
class Solved:
    """How good each article is that may solve a ticket, and the product that most of them are about, if any."""

    solutions: Mapping[str, float] = field(default_factory=dict)
    supposed: str = ""


async def look(session: AsyncSession, asked: Asked) -> Solved:
    """The articles that may solve what is asked."""
    found = await find(session, asked, _ARTICLES)
    return solved((each.slug, each.product, each.score) for each in found if each.is_article and each.score >= GOOD)


def asked_by(title: str, description: str, product: str | None, language: str | None) -> Asked:
    """What is asked of all articles, for support's own use."""
    return Asked(ALL_REACHES, title, description, product, language)


def solved(found: Iterable[tuple[str, str | None, float]]) -> Solved:
    """What these articles say of a ticket: each with its product and how good it is."""
    solutions: dict[str, float] = {}
    products: dict[str, float] = {}
    for slug, product, score in found:
        solutions[slug] = round(score - _NOTHING, 3)
        key = folded(product or "")
        products[key] = products.get(key, 0.0) + solutions[slug]
    best = max(products, key=lambda each: (products[each], each), default="")
    return Solved(solutions, best if products and products[best] > _MOST * sum(products.values()) else "")
