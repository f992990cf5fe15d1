"""Words of a search that nothing has, in the spelling of the newest texts that the caller sees."""

from collections import defaultdict
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.process.cooperative import in_turns
from app.search.finding import Asked, in_scope
from app.search.words import nearest, spelt

_NEWEST: Final = 400
"""Texts whose words are known: enough for what an account usually writes about."""
_BEGINNING: Final = 60
"""Words of each that are known, from its title on."""
_KNOWN: Final = 5_000
"""Words with which those of the search are compared, the most frequent ones."""
_ALIKE: Final = 0.25
"""How similar a word is, at least (pg_trgm), that is looked at: one of eight letters two of which are interchanged."""
_LONGER: Final = 2
"""Letters that a word may lack, or have too many."""
_CANDIDATES: Final = f"""
WITH newest AS MATERIALIZED (
    SELECT words FROM search_texts WHERE {{scope}} AND {{open}} ORDER BY at DESC, id DESC LIMIT (SELECT {_NEWEST})
), known AS MATERIALIZED (
    SELECT u.lexeme FROM newest CROSS JOIN LATERAL unnest(words) AS u
    WHERE u.positions[1] <= {_BEGINNING} AND u.lexeme ~ '^[a-z]+$'
    GROUP BY u.lexeme ORDER BY count(*) DESC, u.lexeme LIMIT {_KNOWN}
)
SELECT q.word, c.lexeme FROM unnest($2::text[]) AS q (word) CROSS JOIN LATERAL (
    SELECT lexeme FROM (SELECT lexeme, similarity(lexeme, q.word) AS alike FROM known
        WHERE length(lexeme) BETWEEN length(q.word) - {_LONGER} AND length(q.word) + {_LONGER} OFFSET 0
    ) AS k WHERE alike >= {_ALIKE} ORDER BY alike DESC, lexeme LIMIT 20
) AS c
"""  # noqa: S608  names and numbers of ours


async def corrections(session: AsyncSession, asked: Asked) -> dict[str, str]:
    """Words that are looked for in place of those that are searched for, by these.

    Only texts that the caller sees are read, by an index that has no others, and how many does not depend on the
    search: neither the answer nor its time tells what is hidden.
    """
    words = spelt(asked.text)
    if not words:
        return {}
    statement = in_scope(_CANDIDATES, asked)
    found = defaultdict[str, list[str]](list)
    for word, lexeme in await (await driver(session)).fetch(statement, asked.account_id, words):
        found[word].append(lexeme)
    chosen = {word: nearest(word, found[word]) async for word in in_turns(words)}
    return {word: other for word, other in chosen.items() if other}
