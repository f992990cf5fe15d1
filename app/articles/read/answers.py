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
GOOD: Final = 0.23
"""How good an article is, at least, that may be a ticket's solution."""
_HIT: Final = ("id", "slug", "language", "title", "product", "tags", "audience")


async def search(session: AsyncSession, asked: Asked, limit: int) -> dict[str, Any]:
    """What a search has found."""
    found = [each for each in await find(session, asked, limit) if each.score >= LEAST]
    return {"items": [_hit(row, each) for row, each in await _pairs(session, found)]}


async def suggest(session: AsyncSession, asked: Asked, limit: int) -> list[dict[str, Any]]:
    """Articles that may solve what is asked, each with the reason, which is a message."""
    found = await good(session, asked, limit)
    return [_suggestion(row, each) for row, each in await _pairs(session, found)]


async def good(session: AsyncSession, asked: Asked, limit: int) -> list[Found]:
    """Articles that may solve what is asked."""
    return [each for each in await find(session, asked, limit) if each.score >= GOOD]


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
    matched = found_in((row["title_marked"], row["excerpt_marked"])) or list(found.words)[:5]
    reason = _("It mentions: {words}", words=[verbatim(word) for word in matched])
    return _hit(row, found) | {"reason": reason, "matched": matched}
