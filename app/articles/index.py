"""What searches look at, kept in step with the articles in the transaction that changes them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.models import ArticleRow
from app.articles.rendering import rendered_once
from app.articles.wording import UNDETERMINED, configuration, primary, product_key
from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.text.language import LANGUAGES

_DROP: Final = (
    "DELETE FROM article_texts WHERE article_id = $1 RETURNING language, reach, tsvector_to_array(words) AS words"
)
_KEEP: Final = """
INSERT INTO article_texts (article_id, slug, language, reach, product, title, plain, words)
VALUES ($1, $2, $3, $4, $5, $6, $7::text,
        setweight(to_tsvector($10::text::regconfig, $8::text), 'A')
        || setweight(to_tsvector($10::text::regconfig, $9::text), 'B') || to_tsvector($10::text::regconfig, $7::text))
RETURNING language, reach, tsvector_to_array(words) AS words
"""
# The language whose dictionary leaves out the most words, as saying nothing; none, where none leaves out many.
_LANGUAGE: Final = f"""
SELECT c.language FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS c (language, config, place)
ORDER BY length(to_tsvector(c.config::regconfig, $1)) * CASE WHEN c.language = '{UNDETERMINED}' THEN 0.85 ELSE 1 END,
         c.place LIMIT 1
"""  # noqa: S608  a language tag of ours
# All writers count in the same order, so that none waits for another one that waits for it.
_COUNT: Final = """
INSERT INTO article_words AS w (language, word, reach, articles)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[])
ON CONFLICT (language, word, reach) DO UPDATE SET articles = w.articles + EXCLUDED.articles
"""
KNOWN_ERROR: Final = "known_error"
"""The reach of the known errors among what is searched: those see them who are no strangers."""
ALL: Final = ""
"""Stands for the language of the rows that count the articles of each language, which is their word."""
_Counted: TypeAlias = tuple[str, str, str]
"""A language, a word of it, and the reach of the texts that have it."""


@dataclass(frozen=True, slots=True)
class KnownError:
    """What is behind several incidents, with what helps until it is solved."""

    number: str
    title: str
    product: str | None
    workaround: str


async def index(session: AsyncSession, *articles: ArticleRow) -> None:
    """Let searches find the articles as they are, if they are published."""
    counts: Counter[_Counted] = Counter()
    for article in articles:
        is_published = article.status == "published"
        counts.update(await _replaced(session, article.id, await _text(session, article) if is_published else None))
    await _count(session, counts)


async def index_known_error(session: AsyncSession, problem_id: str, error: KnownError | None) -> None:
    """Let suggestions find a known error beside articles; None: no more."""
    if error is None:
        await _count(session, await _replaced(session, problem_id, None))
        return
    connection, whole = await driver(session), f"{error.title} {error.workaround}"
    languages = [*map(primary, LANGUAGES), UNDETERMINED]
    language = await connection.fetchval(_LANGUAGE, whole, languages, [configuration(each) for each in languages])
    own = (problem_id, error.number, language, KNOWN_ERROR, product_key(error.product), error.title, error.workaround)
    text = (*own, error.title, error.product or "", configuration(language))
    await _count(session, await _replaced(session, problem_id, text))


async def _replaced(session: AsyncSession, key: str, text: tuple[Any, ...] | None) -> Counter[_Counted]:
    """Put this text in the place of the one before; in how many more texts each word is now."""
    connection = await driver(session)
    counts: Counter[_Counted] = Counter()
    for row in await connection.fetch(_DROP, key):
        counts.subtract(_words(row))
    if text:
        counts.update(_words(await connection.fetchrow(_KEEP, *text)))
    return counts


async def _count(session: AsyncSession, counts: Counter[_Counted]) -> None:
    changed = sorted((key, number) for key, number in counts.items() if number)
    if changed:
        columns = zip(*((*key, number) for key, number in changed), strict=True)
        await (await driver(session)).execute(_COUNT, *map(list, columns))


async def _text(session: AsyncSession, article: ArticleRow) -> tuple[Any, ...]:
    plain = (await rendered_once(session, article.body)).plain
    language = primary(article.language)
    own = (article.id, article.slug, language, article.audience, product_key(article.product), None)
    return (*own, plain, article.title, "\n".join(article.tags), configuration(language))


def _words(row: Row | None) -> Iterator[_Counted]:
    if row is not None:
        yield ALL, row["language"], row["reach"]
        yield from ((row["language"], word, row["reach"]) for word in row["words"])
