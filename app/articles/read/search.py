"""Searching articles: what PostgreSQL's full text finds, ranked by how rare the words are that an article has.

The words of a query are read by the configuration of each language that there are articles in. Where no article has a
word, those that are spelt nearly like it count in its place, as the manual of pg_trgm suggests. The rarest words lead
to at most some hundred articles, which are ranked by all words; a query never reads more.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.index import ALL
from app.articles.wording import (
    LONGEST,
    MANY,
    MARKS,
    Term,
    Weighed,
    any_of,
    configuration,
    primary,
    product_key,
    rarest,
    weigh,
)
from app.core.auth import Principal
from app.core.db.session import driver
from app.core.db.tables import Row

_TERMS: Final = 80
"""Words of a query, in each language."""
_MISTYPED: Final = 5
"""Words that are looked for in another spelling, in each language."""
_ALIKE: Final = 0.45
"""How similar a spelling is, at least (pg_trgm): two words of seven letters that differ in one."""
_RANKED: Final = 50
ALL_REACHES: Final = ("public", "customers", "internal")
_OWN_LANGUAGE: Final = 1.25
"""What an article in the reader's language is worth, beside one in another."""
_OWN_PRODUCT: Final = 1.2
"""What an article on the product that is asked about is worth, beside one on none."""

_TOTALS: Final = """
SELECT word AS language, sum(articles)::int AS articles FROM article_words
WHERE language = $1 AND reach = ANY ($2::text[]) GROUP BY word HAVING sum(articles) > 0
"""
_LEXEMES: Final = f"""
SELECT l.language, t.*
FROM unnest($1::text[], $2::text[]) AS l (language, config)
CROSS JOIN LATERAL (
    SELECT lexeme, 'A' = ANY (weights) AS titled, positions[1]::int AS place
    FROM unnest(setweight(to_tsvector(l.config::regconfig, $3), 'A') || to_tsvector(l.config::regconfig, $4))
    ORDER BY titled DESC, place LIMIT {_TERMS}
) AS t
"""  # noqa: S608  a number of ours
_COUNTED: Final = """
SELECT t.number, w.word, w.articles
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[]) AS t (number, language, low, high)
CROSS JOIN LATERAL (
    SELECT word, sum(articles)::int AS articles FROM article_words
    WHERE language = t.language AND word >= t.low AND word <= t.high AND reach = ANY ($5::text[]) AND articles > 0
    GROUP BY word LIMIT 30
) AS w
"""
_SPELT: Final = """
SELECT t.number, v.word, v.articles
FROM unnest($1::int[], $2::text[], $3::text[]) AS t (number, language, lexeme)
CROSS JOIN LATERAL (
    SELECT word, sum(articles)::int AS articles FROM article_words
    WHERE word % t.lexeme AND similarity(word, t.lexeme) >= $5::float8
      AND language = t.language AND reach = ANY ($4::text[]) AND articles > 0
    GROUP BY word ORDER BY similarity(word, t.lexeme) DESC, word LIMIT 3
) AS v
"""
RANKED: Final = f"""
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::float8[]) AS q (language, word, term, weight)
), found AS MATERIALIZED (
    SELECT article_id, slug, language, product, words FROM article_texts
    WHERE words @@ $5::text::tsquery AND reach = ANY ($6::text[])
      AND ($7::text IS NULL OR product = $7 OR product IS NULL) LIMIT {MANY}
), near AS MATERIALIZED (
    SELECT * FROM found ORDER BY ts_rank(words, $5::text::tsquery) DESC, article_id LIMIT {_RANKED}
)
SELECT n.article_id, n.slug, n.language, n.product, sum(t.score) AS score, array_agg(t.word) AS words
FROM near AS n CROSS JOIN LATERAL (
    SELECT DISTINCT ON (q.term) q.word,
           q.weight * CASE WHEN 'A' = ANY (u.weights) THEN 1 WHEN 'B' = ANY (u.weights) THEN 0.9
                           ELSE 0.5 + 0.1 * least(cardinality(u.positions), 4) END AS score
    FROM unnest(n.words) AS u JOIN asked AS q ON q.language = n.language AND q.word = u.lexeme
    ORDER BY q.term, score DESC
) AS t
GROUP BY n.article_id, n.slug, n.language, n.product
"""  # noqa: S608  numbers of ours
_MARKED: Final = f"StartSel={MARKS[0]}, StopSel={MARKS[1]}"
_SHOWN: Final = f"""
SELECT a.id, a.slug, a.language, a.title, a.product, a.tags, a.audience,
       ts_headline(f.config::regconfig, a.title, f.query::tsquery, 'HighlightAll=true, {_MARKED}') AS title_marked,
       ts_headline(f.config::regconfig, left(t.plain, 10000), f.query::tsquery,
                   'MaxFragments=2, MaxWords=30, MinWords=12, FragmentDelimiter=" … ", {_MARKED}') AS excerpt_marked
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS f (id, config, query, place)
JOIN articles AS a ON a.id = f.id JOIN article_texts AS t ON t.article_id = a.id ORDER BY f.place
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
    """An article that was found, by these ``words``; ``score``: about the share of what was asked that it has."""

    article_id: str
    slug: str
    language: str
    score: float
    words: Sequence[str]


def reaches_of(principal: Principal | None) -> tuple[str, ...]:
    """Articles for which audiences a caller may read; None: nobody known.

    Support reads all, known customers theirs, and a sandbox's engineers what its customers do.
    """
    if principal is None or principal.is_unknown:
        return ("public",)
    return ALL_REACHES if principal.spans_accounts else ("public", "customers")


async def are_there_any(session: AsyncSession) -> bool:
    """Whether there are published articles."""
    return bool(await (await driver(session)).fetch(_TOTALS, ALL, ALL_REACHES))


async def find(session: AsyncSession, asked: Asked, limit: int) -> list[Found]:
    """The best articles, each in the language that suits best, and the best of them first."""
    connection = await driver(session)
    totals = {row["language"]: row["articles"] for row in await connection.fetch(_TOTALS, ALL, asked.reaches)}
    terms = await _counted(connection, await _terms(connection, asked, list(totals)), asked.reaches)
    words = weigh(terms, totals, await _spelt(connection, terms, asked))
    if not words:
        return []
    return _best(await _ranked(connection, asked, words), asked, limit)


async def shown(session: AsyncSession, found: Sequence[Found]) -> Sequence[Row]:
    """What was found as it is shown, with ``MARKS`` around the words by which it was."""
    columns = (
        [each.article_id for each in found],
        [configuration(each.language) for each in found],
        [any_of(each.words) for each in found],
    )
    return await (await driver(session)).fetch(_SHOWN, *columns) if found else []


async def _terms(connection: "Connection[Any]", asked: Asked, languages: Sequence[str]) -> list[Term]:
    configurations = [configuration(language) for language in languages]
    texts = (asked.title[:LONGEST], asked.text[:LONGEST])
    return [Term(*row) for row in await connection.fetch(_LEXEMES, languages, configurations, *texts)]


async def _counted(connection: "Connection[Any]", terms: Sequence[Term], reaches: Sequence[str]) -> list[Term]:
    """The terms with the words that articles have of them."""
    columns = [
        list(range(len(terms))),
        [term.language for term in terms],
        [term.bounds[0] for term in terms],
        [term.bounds[1] for term in terms],
    ]
    known: dict[int, dict[str, int]] = {}
    for number, word, articles in await connection.fetch(_COUNTED, *columns, reaches):
        known.setdefault(number, {})[word] = articles
    return [replace(term, articles=known.get(number, {})) for number, term in enumerate(terms)]


async def _spelt(connection: "Connection[Any]", terms: Sequence[Term], asked: Asked) -> Mapping[int, Mapping[str, int]]:
    """For terms that no article has, by their numbers: words that are spelt nearly so.

    Only in the language of the reader and in that of the query, which is the one that knows most of its words.
    """
    languages = {primary(asked.language or ""), _language_of(terms)}
    unknown = [
        (number, term) for number, term in enumerate(terms) if term.language in languages and term.may_be_mistyped
    ]
    chosen = [each for language in sorted(languages) for each in _of(unknown, language)[:_MISTYPED]]
    if not chosen:
        return {}
    columns = ([n for n, _ in chosen], [t.language for _, t in chosen], [t.lexeme for _, t in chosen])
    spelt: dict[int, dict[str, int]] = {}
    for number, word, articles in await connection.fetch(_SPELT, *columns, asked.reaches, _ALIKE):
        spelt.setdefault(number, {})[word] = articles
    return spelt


def _of(numbered: Iterable[tuple[int, Term]], language: str) -> list[tuple[int, Term]]:
    return [each for each in numbered if each[1].language == language]


def _language_of(terms: Collection[Term]) -> str:
    known: dict[str, int] = {}
    for term in terms:
        known[term.language] = known.get(term.language, 0) + bool(term.articles)
    return max(known, key=lambda language: known[language], default="")


async def _ranked(connection: "Connection[Any]", asked: Asked, words: Sequence[Weighed]) -> Sequence[Row]:
    columns = (
        [each.language for each in words],
        [each.word for each in words],
        [each.term for each in words],
        [each.weight for each in words],
    )
    product = product_key(asked.product) if asked.strict else None
    ranked: Sequence[Row] = await connection.fetch(RANKED, *columns, any_of(rarest(words)), asked.reaches, product)
    return ranked


def _best(ranked: Iterable[Row], asked: Asked, limit: int) -> list[Found]:
    own, product = primary(asked.language or ""), product_key(asked.product)
    best: dict[str, Found] = {}
    for row in ranked:
        score = row["score"] * (_OWN_LANGUAGE if row["language"] == own else 1)
        score *= _OWN_PRODUCT if product and row["product"] == product else 1
        found = Found(row["article_id"], row["slug"], row["language"], score, row["words"])
        if found.slug not in best or best[found.slug].score < score:
            best[found.slug] = found
    return sorted(best.values(), key=lambda each: (-each.score, each.article_id))[:limit]
