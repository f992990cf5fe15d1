"""The words that articles have, and which of them stand for the words of a query."""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from asyncpg import Connection

from app.articles.reading import READERS, Lexeme, Query, query_of
from app.articles.wording import LONGEST, SPELT, Kin, Span, Term, configuration, spans

_LEXEMES_READ: Final = 80
"""Words of a query that are read, by the configuration of each language."""
_MISTYPED: Final = 12
"""Words that are looked for in another spelling, in all languages together: those of the title first, and of one place
those of the query's language and of the reader's first."""
_ALIKE: Final = 0.45
"""How similar a spelling is, at least (pg_trgm): two words of seven letters that differ in one."""

_LEXEMES: Final = f"""
SELECT l.language, t.*
FROM unnest($1::text[], $2::text[]) AS l (language, config)
CROSS JOIN LATERAL (
    SELECT lexeme, 'A' = ANY (weights) AS titled, positions::int[] AS places
    FROM unnest(setweight(to_tsvector(l.config::regconfig, $3), 'A') || to_tsvector(l.config::regconfig, $4))
    ORDER BY titled DESC, positions[1] LIMIT {_LEXEMES_READ}
) AS t
"""  # noqa: S608  a number of ours
_COUNTED: Final = """
SELECT t.number, w.word, w.articles, t.worth
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::float8[]) AS t (number, language, low, high, worth)
CROSS JOIN LATERAL (
    SELECT word, sum(articles)::int AS articles FROM article_words
    WHERE language = t.language AND word >= t.low AND word <= t.high AND reach = ANY ($6::text[]) AND articles > 0
    GROUP BY word LIMIT 30
) AS w
"""
# By this setting the index leads to words that are similar enough; by its default, to ten times as many.
_NEARLY: Final = f"SET LOCAL pg_trgm.similarity_threshold = {_ALIKE}"
_AS_BEFORE: Final = "SET LOCAL pg_trgm.similarity_threshold TO DEFAULT"
_SPELT: Final = """
SELECT t.number, v.word, v.articles
FROM unnest($1::int[], $2::text[], $3::text[]) AS t (number, language, lexeme)
CROSS JOIN LATERAL (
    SELECT word, sum(articles)::int AS articles FROM article_words
    WHERE word % t.lexeme AND language = t.language AND reach = ANY ($4::text[]) AND articles > 0
    GROUP BY word ORDER BY similarity(word, t.lexeme) DESC, word LIMIT 3
) AS v
"""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of the articles for these audiences."""

    connection: "Connection[Any]"
    reaches: Sequence[str]

    async def query(self, asked: tuple[str, str], languages: Sequence[str], reader: str) -> Query:
        """A title and a text as each of these languages reads them, with the words that articles have of them.

        They are in the language of the reader, unless another one passes over more of their words.
        """
        read = [*languages, *(each for each in READERS if each not in languages)]
        texts = [each[:LONGEST] for each in asked]
        rows = await self.connection.fetch(_LEXEMES, read, [configuration(language) for language in read], *texts)
        query = query_of([Lexeme(*row) for row in rows], languages, reader)
        own = [Span(number, term.language, *term.bounds, 1.0) for number, term in enumerate(query.terms)]
        known = await self._between(own)
        terms = [
            replace(term, articles={word: kin.articles for word, kin in known.get(number, {}).items()})
            for number, term in enumerate(query.terms)
        ]
        return replace(query, terms=terms)

    async def kin(self, query: Query) -> Mapping[int, Mapping[str, Kin]]:
        """By the numbers of terms, other words that articles have in their place."""
        related = await self._between(spans(query.terms, query.languages))
        return related | await self._spelt(query.terms, related, query.languages)

    async def _between(self, wanted: Sequence[Span]) -> dict[int, dict[str, Kin]]:
        if not wanted:
            return {}
        found: dict[int, dict[str, Kin]] = {}
        columns = map(list, zip(*wanted, strict=True))
        for number, word, articles, worth in await self.connection.fetch(_COUNTED, *columns, self.reaches):
            words = found.setdefault(number, {})
            if word not in words or words[word].worth < worth:
                words[word] = Kin(worth, articles)
        return found

    async def _spelt(
        self, terms: Sequence[Term], related: Container[int], languages: Collection[str]
    ) -> dict[int, dict[str, Kin]]:
        """For terms that no article has, nor anything related to them: words that are spelt nearly so."""
        unknown = [
            (number, term)
            for number, term in enumerate(terms)
            if term.language in languages and term.may_be_mistyped and number not in related
        ]
        chosen = sorted(unknown, key=lambda each: (not each[1].titled, each[1].place))[:_MISTYPED]
        if not chosen:
            return {}
        columns = ([n for n, _ in chosen], [t.language for _, t in chosen], [t.lexeme for _, t in chosen])
        spelt: dict[int, dict[str, Kin]] = {}
        await self.connection.execute(_NEARLY)
        rows = await self.connection.fetch(_SPELT, *columns, self.reaches)
        await self.connection.execute(_AS_BEFORE)
        for number, word, articles in rows:
            spelt.setdefault(number, {})[word] = Kin(SPELT, articles)
        return spelt
