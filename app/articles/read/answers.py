"""What a search and a suggestion answer."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.read.search import Asked, Found, find, shown
from app.articles.wording import found_in, marked
from app.core.db.tables import Row
from app.core.text.messages import _, verbatim

LEAST: Final = 0.08
"""How good an article is, at least, that a search finds."""
_BESIDE: Final = 0.55
"""How good it is at least beside the best one: one that has half of the words is no answer beside one that
has all of them."""
GOOD: Final = 0.23
KNOWN: Final = 0.3
"""How good an article is, at least, that may be a ticket's solution, and one that makes it a ticket that has one: a
further suggestion costs a glance, but it is not worth more than that."""
_FURTHER: Final = 0.17
"""How good it is, at least, where a good one stands before it: who looks at one looks at three."""
_ALL: Final = 50
"""Of what is found, that which is looked through for articles and known errors."""
_ERRORS: Final = 3
_HIT: Final = ("id", "slug", "language", "title", "product", "tags", "audience")


async def search(session: AsyncSession, asked: Asked, limit: int) -> dict[str, Any]:
    """What a search has found."""
    found = await find(session, asked, limit)
    least = max(LEAST, _BESIDE * found[0].score) if found else LEAST
    found = [each for each in found if each.score >= least]
    return {"items": [_hit(row, each) for row, each in await _pairs(session, found)]}


async def suggest(session: AsyncSession, asked: Asked, limit: int) -> dict[str, Any]:
    """Articles that may solve what is asked, and known errors that may be behind it, each with the reason: a message.

    A known error whose workaround is an article that has been found is not said twice.
    """
    found = await find(session, asked, _ALL)
    if not found or found[0].score < GOOD:
        return {"items": [], "known_errors": []}
    found = [each for each in found if each.score >= _FURTHER]
    articles = [each for each in found if each.is_article][:limit]
    said = {each.slug for each in articles}
    errors = [each for each in found if not each.is_article and each.slug.lower() not in said][:_ERRORS]
    shown = await _pairs(session, articles + errors)
    return {
        "items": [_suggestion(row, each) for row, each in shown if each.is_article],
        "known_errors": [_known_error(row, each) for row, each in shown if not each.is_article],
    }


async def is_known(session: AsyncSession, asked: Asked) -> bool:
    """Whether an article, or a known error where ``asked`` reaches them, is likely to solve what is asked."""
    return any(each.score >= KNOWN for each in await find(session, asked, 1))


async def _pairs(session: AsyncSession, found: Sequence[Found]) -> list[tuple[Row, Found]]:
    by_id = {each.article_id: each for each in found}
    return [(row, by_id[row["id"]]) for row in await shown(session, found)]


def _hit(row: Row, found: Found) -> dict[str, Any]:
    return {name: row[name] for name in _HIT} | {
        "title_html": marked(row["title_marked"]),
        "excerpt_html": marked(row["excerpt_marked"]),
        "score": round(min(1.0, found.score), 3),
    }


def _suggestion(row: Row, found: Found) -> dict[str, Any]:
    return _hit(row, found) | _reason(row, found)


def _known_error(row: Row, found: Found) -> dict[str, Any]:
    own = {"number": row["slug"], "title": row["title"], "title_html": marked(row["title_marked"])}
    return own | {"workaround": row["workaround"], "score": round(min(1.0, found.score), 3)} | _reason(row, found)


def _reason(row: Row, found: Found) -> dict[str, Any]:
    matched = found_in((row["title_marked"], row["excerpt_marked"])) or list(found.words)[:5]
    return {"reason": _("It mentions: {words}", words=[verbatim(word) for word in matched]), "matched": matched}
