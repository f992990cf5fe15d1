"""Searching articles: what PostgreSQL's full text finds, ranked by how rare the words are that an article has.

The words of a query are read by the configuration of each language that there are articles in. Words that mean the
same count in their place, for somewhat less. Where no article has a word, so do those that begin alike or are spelt
nearly so, as the manual of pg_trgm suggests. The rarest words lead to at most some hundred articles, which are ranked
by all words; a query never reads more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.index import ALL, KNOWN_ERROR
from app.articles.models import KEYS
from app.articles.read.lexicon import Lexicon
from app.articles.wording import (
    MANY,
    MARKS,
    Weighed,
    any_of,
    configuration,
    keys_of,
    primary,
    product_key,
    rarest,
    weigh,
)
from app.core.auth import Principal
from app.core.db.session import driver
from app.core.db.tables import Row

_RANKED: Final = 50
ALL_REACHES: Final = ("public", "customers", "internal")
_OWN_LANGUAGE: Final = 1.1
"""What an article in the reader's language is worth, beside one in another."""
_UNDERSTOOD: Final = 2.0
"""Of an article in several languages, what those are worth that the reader reads or writes, when one is shown."""
_OWN_PRODUCT: Final = 1.2
"""What an article on the product that is asked about is worth, beside one on none; and one on another product, where
there are articles on the one that is asked about."""
_OTHER_PRODUCT: Final = 0.6

_TOTALS: Final = """
SELECT word AS language, sum(articles)::int AS articles FROM article_words
WHERE language = $1 AND reach = ANY ($2::text[]) GROUP BY word HAVING sum(articles) > 0
"""
RANKED: Final = f"""
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::float8[]) AS q (language, word, term, weight)
), queries AS MATERIALIZED (
    SELECT language, query::tsquery FROM unnest($8::text[], $9::text[]) AS q (language, query)
), found AS MATERIALIZED (
    SELECT article_id, slug, language, product, reach, words FROM article_texts
    WHERE {KEYS} && $5::text[] AND reach = ANY ($6::text[])
      AND ($7::text IS NULL OR product = $7 OR product IS NULL) LIMIT {MANY}
), near AS MATERIALIZED (
    SELECT f.* FROM found AS f JOIN queries AS q USING (language)
    ORDER BY ts_rank(f.words, q.query) DESC, f.article_id LIMIT {_RANKED}
), lexemes AS MATERIALIZED (
    SELECT n.article_id, n.language, u.* FROM near AS n CROSS JOIN LATERAL unnest(n.words) AS u
), terms AS (
    SELECT DISTINCT ON (u.article_id, q.term) u.article_id, q.word,
           q.weight * CASE WHEN 'A' = ANY (u.weights) THEN 1 WHEN 'B' = ANY (u.weights) THEN 0.9
                           ELSE 0.4 + 0.1 * least(cardinality(u.positions), 4) END AS score
    FROM lexemes AS u JOIN asked AS q ON q.language = u.language AND q.word = u.lexeme
    ORDER BY u.article_id, q.term, score DESC
), scores AS (
    SELECT article_id, sum(score) AS score, array_agg(word) AS words FROM terms GROUP BY article_id
)
SELECT n.article_id, n.slug, n.language, n.product, n.reach, s.score, s.words
FROM scores AS s JOIN near AS n USING (article_id)
"""  # noqa: S608  numbers of ours, and an expression
# PostgreSQL takes words of which it has no statistics for frequent, and many of them for a reason to read all articles.
BY_WORDS: Final = "SET LOCAL enable_seqscan = off"
_MARKED: Final = f"StartSel={MARKS[0]}, StopSel={MARKS[1]}"
_SHOWN: Final = f"""
SELECT t.article_id AS id, t.slug, coalesce(a.language, t.language) AS language, coalesce(a.title, t.title) AS title,
       a.product, a.tags, a.audience, CASE WHEN a.id IS NULL THEN t.plain END AS workaround,
       ts_headline(f.config::regconfig, coalesce(a.title, t.title), f.query::tsquery,
                   'HighlightAll=true, {_MARKED}') AS title_marked,
       ts_headline(f.config::regconfig, left(t.plain, 10000), f.query::tsquery,
                   'MaxFragments=2, MaxWords=30, MinWords=12, FragmentDelimiter=" … ", {_MARKED}') AS excerpt_marked
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS f (id, config, query, place)
JOIN article_texts AS t ON t.article_id = f.id LEFT JOIN articles AS a ON a.id = f.id ORDER BY f.place
"""  # noqa: S608  our own marks


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for, and among which articles. ``title`` counts more than ``text``.

    ``language``: the reader's. ``strict``: only articles on the product, and on none.
    """

    reaches: Sequence[str]
    title: str
    text: str = ""
    product: str | None = None
    language: str | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An article or known error that was found by these ``words``; ``score``: how good it is, mostly below 1.

    ``product``: the folded one that it is about.
    """

    article_id: str
    slug: str
    language: str
    score: float
    words: Sequence[str]
    is_article: bool = True
    product: str | None = None


def reaches_of(principal: Principal | None) -> tuple[str, ...]:
    """Articles for which audiences a caller may read; None: nobody known.

    Support reads all, known customers theirs, and a sandbox's engineers what its customers do.
    """
    if principal is None or principal.is_unknown:
        return ("public",)
    return ALL_REACHES if principal.spans_accounts else ("public", "customers")


def suggested_to(principal: Principal | None) -> tuple[str, ...]:
    """What is suggested to a caller: the articles that they may read and, to those who are known, known errors."""
    reaches = reaches_of(principal)
    return (*reaches, KNOWN_ERROR) if "customers" in reaches else reaches


async def are_there_any(session: AsyncSession) -> bool:
    """Whether there are published articles, or known errors."""
    return bool(await (await driver(session)).fetch(_TOTALS, ALL, (*ALL_REACHES, KNOWN_ERROR)))


async def find(session: AsyncSession, asked: Asked, limit: int) -> list[Found]:
    """The best articles, each in the language that suits best, and the best of them first."""
    connection = await driver(session)
    totals = {row["language"]: row["articles"] for row in await connection.fetch(_TOTALS, ALL, asked.reaches)}
    lexicon = Lexicon(connection, asked.reaches)
    query = await lexicon.query((asked.title, asked.text), list(totals), primary(asked.language or ""))
    words = weigh(query.terms, totals, await lexicon.kin(query), query.languages)
    return _best(await _ranked(connection, asked, words), asked, query.own, limit) if words else []


async def shown(session: AsyncSession, found: Sequence[Found]) -> Sequence[Row]:
    """What was found as it is shown, with ``MARKS`` around the words by which it was."""
    columns = (
        [each.article_id for each in found],
        [configuration(each.language) for each in found],
        [any_of(each.words) for each in found],
    )
    return await (await driver(session)).fetch(_SHOWN, *columns) if found else []


async def _ranked(connection: "Connection[Any]", asked: Asked, words: Sequence[Weighed]) -> Sequence[Row]:
    product = product_key(asked.product) if asked.strict else None
    await connection.execute(BY_WORDS)
    ranked: Sequence[Row] = await connection.fetch(RANKED, *arguments(words, asked.reaches, product))
    await connection.execute("SET LOCAL enable_seqscan = on")
    return ranked


def arguments(words: Sequence[Weighed], reaches: Sequence[str], product: str | None) -> tuple[object, ...]:
    """What ``RANKED`` is asked: all words with their worth, and the rarest of each language."""
    rare = rarest(words)
    return (
        [each.language for each in words],
        [each.word for each in words],
        [each.term for each in words],
        [each.weight for each in words],
        keys_of(rare, reaches),
        reaches,
        product,
        list(rare),
        [any_of(own) for own in rare.values()],
    )


def _best(ranked: Sequence[Row], asked: Asked, written: str, limit: int) -> list[Found]:
    """Each article once, as good as the best of its translations, in the language that suits best.

    ``written``: the language that is asked in.
    """
    own, product = primary(asked.language or ""), product_key(asked.product)
    other = _OTHER_PRODUCT if product in {row["product"] for row in ranked} else 1.0
    best: dict[str, tuple[float, Found]] = {}
    for row in ranked:
        score = row["score"] * (_OWN_LANGUAGE if row["language"] == own else 1)
        if product and row["product"]:
            score *= _OWN_PRODUCT if row["product"] == product else other
        is_article = row["reach"] != KNOWN_ERROR
        found = Found(row["article_id"], row["slug"], row["language"], score, row["words"], is_article, row["product"])
        suits = score * (_UNDERSTOOD if row["language"] in (own, written) else 1)
        before, chosen = best.get(found.slug, (suits, found))
        if suits > before:
            before, chosen = suits, replace(found, score=max(score, chosen.score))
        elif score > chosen.score:
            chosen = replace(chosen, score=score)
        best[found.slug] = before, chosen
    every = [found for _, found in best.values()]
    return sorted(every, key=lambda each: (-each.score, each.article_id))[:limit]
