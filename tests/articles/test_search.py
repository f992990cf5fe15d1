"""What a search reads, and what it gives away."""

from typing import Any, Final

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.articles.read.answers import search
from app.articles.read.lexicon import Lexicon
from app.articles.read.search import BY_WORDS, RANKED, Asked, arguments, find
from app.articles.wording import Weighed
from app.core.db.engine import Sessions
from app.core.db.session import driver, glance, transaction
from tests.support import stories
from tests.support.articles import PDF, RUNBOOK, found, write
from tests.support.explaining import counting, explain, nodes, root
from tests.support.stories import Story

MANY: Final = 3_000
COPIES: Final = """
INSERT INTO article_texts (article_id, slug, language, reach, plain, words)
SELECT 'art_' || n, 'copy-' || n, 'en', 'public', repeat('x', 600),
       to_tsvector('heliodesk_english', 'common words ' || md5(n::text))
FROM generate_series(1, $1::int) AS n
"""

CROWD: Final = """
INSERT INTO article_texts (article_id, slug, language, reach, plain, words)
SELECT 'art_' || $1 || n, 'crowd-' || $1 || n, $1, $2, 'x', to_tsvector('heliodesk_simple', 'cop')
FROM generate_series(1, $3::int) AS n
"""

SPELT_ALIKE: Final = """
INSERT INTO article_words (language, word, reach, articles)
SELECT $1, 'x' || substr(word, 2), 'public', 1 FROM unnest($2::text[]) AS word
"""

THRESHOLD: Final = "SHOW pg_trgm.similarity_threshold"


@pytest.fixture
async def story(sessions: Sessions, client: httpx.AsyncClient, plans: None) -> Story:
    """Nobody opens tickets here."""
    del plans
    return await stories.begin(sessions, client, "itil-native")


async def words(sessions: Sessions) -> dict[tuple[str, str, str], int]:
    async with sessions() as session:
        rows = await (await driver(session)).fetch("SELECT * FROM article_words WHERE articles <> 0")
    return {(row["language"], row["word"], row["reach"]): row["articles"] for row in rows}


async def counted(sessions: Sessions) -> dict[tuple[str, str, str], int]:
    """What the counts are to be, by what PostgreSQL itself counts."""
    statement = """
        SELECT l.language, w.word, l.reach, w.ndoc
        FROM (SELECT DISTINCT language, reach FROM article_texts) AS l, LATERAL ts_stat(format(
            'SELECT words FROM article_texts WHERE language = %L AND reach = %L', l.language, l.reach)) AS w
        UNION ALL SELECT '', language, reach, count(*) FROM article_texts GROUP BY language, reach
    """
    async with sessions() as session:
        return {tuple(row)[:3]: row["ndoc"] for row in await (await driver(session)).fetch(statement)}


async def test_words_are_counted_with_each_change(story: Story, sessions: Sessions) -> None:
    first, second = await write(story.engineer, PDF, PDF | {"slug": "other", "title": "La exportación es lenta"})
    assert await words(sessions) == await counted(sessions) != {}
    await story.engineer.patch(f"/v1/articles/{first['id']}", title="El PDF no sale", audience="customers")
    assert await words(sessions) == await counted(sessions)
    for article in (first, second):
        await story.engineer.patch(f"/v1/articles/{article['id']}", status="archived")
    assert await words(sessions) == {}


async def test_the_words_of_internal_articles_change_nothing_for_others(story: Story, sessions: Sessions) -> None:
    await write(story.engineer, PDF)
    asked = [Asked(("public", "customers"), q) for q in ("refund exportación", "runbok", "PDF")]

    async def answers() -> list[Any]:
        async with sessions() as session:
            return [await search(session, each, 10) for each in asked]

    before = await answers()
    await write(
        story.engineer, RUNBOOK, RUNBOOK | {"slug": "pdf-runbook", "title": "PDF exportación", "language": "es"}
    )
    assert await answers() == before
    assert await found(story.engineer, "runbok") == ["refund-runbook"]


async def test_words_of_the_readers_language_are_corrected_before_those_of_others(sessions: Sessions) -> None:
    """Three mistyped words may be in five languages: together, more than are looked for."""
    async with transaction(sessions) as session:
        connection = await driver(session)
        await connection.execute("INSERT INTO article_words VALUES ('pl', 'naklejka', 'public', 1)")
        lexicon = Lexicon(connection, ["public"])
        query = await lexicon.query(("qwertyx zxcvbny nxklejka", ""), ["de", "en", "es", "fr", "pl"], "pl")
        kin = await lexicon.kin(query)
    assert [(query.terms[number].language, *found) for number, found in kin.items()] == [("pl", "naklejka")]


async def test_what_is_found_is_shown_as_text(story: Story) -> None:
    attack = "<script>alert('export')</script>"
    await write(story.engineer, PDF | {"title": f"Export {attack}", "body": f"Export {attack} export"})
    (hit,) = (await story.customer.get("/v1/articles/search", q="export"))["items"]
    for member in ("title_html", "excerpt_html"):
        assert "<script" not in hit[member]
        assert "<mark>Export</mark>" in hit[member]


@pytest.mark.parametrize("q", ["'", "\\", "a | b & !c", "<->", "%", "***", "日本語", "x" * 500, "-", ":*", "e'"])
async def test_whatever_is_asked_is_answered(story: Story, q: str) -> None:
    await write(story.engineer, PDF)
    await story.customer.get("/v1/articles/search", q=q)
    await story.customer.post("/v1/articles/suggest", title=q[:300], description=q * 20)


async def test_a_search_reads_the_index_of_words(sessions: Sessions, story: Story) -> None:
    del story
    async with transaction(sessions) as session:
        connection = await driver(session)
        await connection.execute(COPIES, MANY)
        await connection.execute("ANALYZE article_texts")
    rare = Weighed("en", "c4ca4238a0b923820dcc509a6f75849b", 0, 1.0, 1)
    plan = await explain(sessions, RANKED, *arguments([rare], ["public"], None))
    assert "ix_article_texts_keys" in {node.get("Index Name") for node in nodes(plan)}
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}


async def test_many_words_are_looked_up_in_the_index_too(sessions: Sessions, story: Story, engine: AsyncEngine) -> None:
    await write(story.engineer, PDF)
    async with counting(engine) as sent, sessions() as session:
        await find(session, Asked(("public",), "exportación falla PDF"), 3)
    statements = [statement for statement, _ in sent]
    assert statements[statements.index(RANKED) - 1] == BY_WORDS
    many = arguments([Weighed("en", f"word{n}", 0, 1.0, 1) for n in range(200)], ["public"], None)
    async with sessions() as session:
        connection = await driver(session)
        await connection.execute(BY_WORDS)
        plan = root(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {RANKED}", *many))
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}


async def test_words_of_other_languages_and_audiences_crowd_nothing_out(sessions: Sessions, story: Story) -> None:
    """A word is rare in French: the English and the internal articles that have it as well are not looked at."""
    await write(story.engineer, PDF | {"slug": "ours", "language": "fr", "title": "Une copie de secours"})
    ours = arguments([Weighed("fr", "cop", 0, 1.0, 1)], ["public", "customers"], None)
    async with transaction(sessions) as session:
        connection = await driver(session)
        await connection.execute(CROWD, "en", "public", MANY)
        await connection.execute(CROWD, "fr", "internal", MANY)
        found = await connection.fetch(RANKED, *ours)
    assert [row["slug"] for row in found] == ["ours"]


async def test_mistyped_words_are_looked_for_in_the_readers_language_first(sessions: Sessions) -> None:
    """Three words in five languages are more than are looked for."""
    async with transaction(sessions) as session:
        lexicon = Lexicon(connection := await driver(session), ("public",))
        asked = ("exportazion impresorra kalendarrio", "")
        query = await lexicon.query(asked, ["de", "en", "fr", "pl", "es"], "es")
        spanish = {number: term.lexeme for number, term in enumerate(query.terms) if term.language == "es"}
        await connection.execute(SPELT_ALIKE, "es", list(spanish.values()))
        kin = await lexicon.kin(query)
    assert (len(kin), kin.keys()) == (3, spanish.keys())


async def test_a_spelling_is_found_that_is_just_similar_enough_and_the_threshold_stays(sessions: Sessions) -> None:
    """The first word has 5 of 11 trigrams in common with what is asked for, and the second one 4 of 10."""
    async with glance(sessions) as session:
        connection = await driver(session)
        before = await connection.fetchval(THRESHOLD)
        async with connection.transaction():
            await connection.execute(SPELT_ALIKE, "en", ["webhook", "export"])
            lexicon = Lexicon(connection, ("public",))
            kin = await lexicon.kin(await lexicon.query(("xedhook xxpurt", ""), ["en"], "en"))
            assert [list(words) for words in kin.values()] == [["xebhook"]]
            assert await connection.fetchval(THRESHOLD) == before
        assert await connection.fetchval(THRESHOLD) == before


async def test_a_query_of_a_thousand_words_asks_for_a_bounded_number(sessions: Sessions, story: Story) -> None:
    await write(story.engineer, PDF)
    text = " ".join(f"palabra{n}" for n in range(1_000))
    async with sessions() as session:
        (hit,) = await find(session, Asked(("public",), "exportación falla PDF", text), 3)
    assert hit.slug == "pdf-falla"
