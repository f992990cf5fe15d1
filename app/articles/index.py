"""What searches look at, kept in step with the articles in the transaction that changes them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.markdown import plain
from app.articles.models import ArticleRow
from app.articles.wording import configuration, primary, product_key
from app.core.db.session import driver
from app.core.db.tables import Row

_DROP: Final = (
    "DELETE FROM article_texts WHERE article_id = $1 RETURNING language, reach, tsvector_to_array(words) AS words"
)
_KEEP: Final = """
INSERT INTO article_texts (article_id, slug, language, reach, product, plain, words)
VALUES ($1, $2, $3, $4, $5, $6::text,
        setweight(to_tsvector($9::text::regconfig, $7::text), 'A')
        || setweight(to_tsvector($9::text::regconfig, $8::text), 'B') || to_tsvector($9::text::regconfig, $6::text))
RETURNING language, reach, tsvector_to_array(words) AS words
"""
# All writers count in the same order, so that none waits for another one that waits for it.
_COUNT: Final = """
INSERT INTO article_words AS w (language, word, reach, articles)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[])
ON CONFLICT (language, word, reach) DO UPDATE SET articles = w.articles + EXCLUDED.articles
"""
ALL: Final = ""
"""Stands for the language of the rows that count the articles of each language, which is their word."""


async def index(session: AsyncSession, article: ArticleRow) -> None:
    """Let searches find the article as it is, if it is published."""
    connection = await driver(session)
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in await connection.fetch(_DROP, article.id):
        counts.subtract(_words(row))
    if article.status == "published":
        counts.update(_words(await connection.fetchrow(_KEEP, *_text(article))))
    changed = sorted((key, number) for key, number in counts.items() if number)
    if changed:
        columns = zip(*((*key, number) for key, number in changed), strict=True)
        await connection.execute(_COUNT, *map(list, columns))


def _text(article: ArticleRow) -> tuple[Any, ...]:
    language = primary(article.language)
    tags, product = "\n".join(article.tags), product_key(article.product)
    text = plain(article.body)
    return (
        *(article.id, article.slug, language, article.audience, product, text),
        *(article.title, tags, configuration(language)),
    )


def _words(row: Row | None) -> Iterator[tuple[str, str, str]]:
    if row is not None:
        yield ALL, row["language"], row["reach"]
        yield from ((row["language"], word, row["reach"]) for word in row["words"])
