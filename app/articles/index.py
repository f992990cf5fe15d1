"""What searches look at, kept in step with the articles in the transaction that changes them."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.models import ArticleRow
from app.articles.rendering import rendered_once
from app.articles.wording import UNDETERMINED, configuration, primary, product_key
from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.text.language import LANGUAGES

_WORDS: Final = "language, reach, to_jsonb(tsvector_to_array(words))::text AS words"
_DROP: Final = f"DELETE FROM article_texts WHERE article_id = $1 RETURNING {_WORDS}"  # noqa: S608  our own names
_KEEP: Final = f"""
INSERT INTO article_texts (article_id, slug, language, reach, product, title, plain, words)
VALUES ($1, $2, $3, $4, $5, $6, $7::text,
        setweight(to_tsvector($10::text::regconfig, $8::text), 'A')
        || setweight(to_tsvector($10::text::regconfig, $9::text), 'B') || to_tsvector($10::text::regconfig, $7::text))
RETURNING {_WORDS}
"""  # noqa: S608  our own names
# The language whose dictionary leaves out the most words, as saying nothing; none, where none leaves out many.
_LANGUAGE: Final = f"""
SELECT c.language FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS c (language, config, place)
ORDER BY length(to_tsvector(c.config::regconfig, $1)) * CASE WHEN c.language = '{UNDETERMINED}' THEN 0.85 ELSE 1 END,
         c.place LIMIT 1
"""  # noqa: S608  a language tag of ours
# All writers count in the same order, so that none waits for another one that waits for it. A text may have ten
# thousand words, so it is PostgreSQL that finds out which of them are new: this process only hands them on.
_COUNT: Final = """
INSERT INTO article_words AS w (language, word, reach, articles)
SELECT c.* FROM (
    SELECT k.language, k.word, t.reach, sum(t.articles) AS articles
    FROM jsonb_to_recordset($1::text::jsonb) AS t (language text, reach text, articles int, words text[])
    CROSS JOIN LATERAL (
        SELECT t.language, word FROM unnest(t.words) AS word UNION ALL SELECT '', t.language
    ) AS k
    GROUP BY k.language, k.word, t.reach HAVING sum(t.articles) <> 0
) AS c ORDER BY c.language COLLATE "C", c.word COLLATE "C", c.reach COLLATE "C"
ON CONFLICT (language, word, reach) DO UPDATE SET articles = w.articles + EXCLUDED.articles
"""
KNOWN_ERROR: Final = "known_error"
"""The reach of the known errors among what is searched: those see them who are no strangers."""
ALL: Final = ""
"""Stands for the language of the rows that count the articles of each language, which is their word."""
_Counted: TypeAlias = dict[str, Any]
"""A text with its language, its reach and its words, and how many there are more of it: one, or minus one."""


@dataclass(frozen=True, slots=True)
class KnownError:
    """What is behind several incidents, with what helps until it is solved."""

    number: str
    title: str
    product: str | None
    workaround: str


async def index(session: AsyncSession, *articles: ArticleRow) -> None:
    """Let searches find the articles as they are, if they are published."""
    counted: list[_Counted] = []
    for article in articles:
        is_published = article.status == "published"
        counted += await _replaced(session, article.id, await _text(session, article) if is_published else None)
    await _count(session, counted)


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


async def _replaced(session: AsyncSession, key: str, text: tuple[Any, ...] | None) -> list[_Counted]:
    """Put this text in the place of the one before: the texts that are fewer and more by it."""
    connection = await driver(session)
    counted = [_counted(row, -1) for row in await connection.fetch(_DROP, key)]
    if text:
        counted += [_counted(row, 1) for row in await connection.fetch(_KEEP, *text)]
    return counted


async def _count(session: AsyncSession, counted: list[_Counted]) -> None:
    if counted:
        await (await driver(session)).execute(_COUNT, orjson.dumps(counted).decode())


async def _text(session: AsyncSession, article: ArticleRow) -> tuple[Any, ...]:
    plain = (await rendered_once(session, article.body)).plain
    language = primary(article.language)
    own = (article.id, article.slug, language, article.audience, product_key(article.product), None)
    return (*own, plain, article.title, "\n".join(article.tags), configuration(language))


def _counted(row: Row, articles: int) -> _Counted:
    return {
        "language": row["language"],
        "reach": row["reach"],
        "articles": articles,
        "words": orjson.Fragment(row["words"]),
    }
