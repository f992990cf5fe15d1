"""A page of a long list of articles reads an index as far as the page reaches, whatever is asked."""

from typing import Final

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.articles.read.queries import REACH
from app.core.db.engine import Sessions
from tests.support import stories
from tests.support.articles import PDF, write
from tests.support.desk import fetch
from tests.support.explaining import count_rows, counting, explain, looked_at, nodes
from tests.support.stories import Caller, Story

MANY: Final = 20_000
COPIES: Final = """
INSERT INTO articles SELECT copy.* FROM articles AS a, generate_series(1, $1::int) AS n,
    jsonb_populate_record(a, jsonb_build_object('id', 'art_' || md5(n::text), 'slug', 'copy-' || n,
        'language', CASE WHEN n % 100 = 7 THEN 'pl' ELSE 'es' END,
        'product', CASE WHEN n % 100 = 9 THEN 'Vault' ELSE 'Prism' END,
        'tags', CASE WHEN n = $1 THEN '["last"]'::jsonb ELSE a.tags END,
        'audience', CASE WHEN n > $1 - 10 THEN 'public' ELSE 'internal' END,
        'created_at', a.created_at + n * interval '1 second')) AS copy
"""


@pytest.fixture
async def story(sessions: Sessions, client: httpx.AsyncClient, database: str, plans: None) -> Story:
    """A long list, at whose end stands what is public and what is tagged."""
    del plans
    story = await stories.begin(sessions, client, "itil-native")
    await write(story.engineer, PDF)
    await fetch(sessions, COPIES, MANY)
    await count_rows(database, "articles")
    return story


async def test_a_page_of_articles_is_bounded_whatever_is_asked(
    story: Story, sessions: Sessions, engine: AsyncEngine
) -> None:
    anybody = Caller(story.customer.client, {})
    for who, path, asked in (
        (story.engineer, "/v1/articles", {}),
        (story.engineer, "/v1/articles", {"slug": "copy-19000"}),
        (story.engineer, "/v1/articles", {"product": "Vault", "tag": "last"}),
        (story.engineer, "/v1/articles", {"language": "pl", "status": "draft"}),
        (story.engineer, "/v1/articles", {"tag": "last"}),
        (story.customer, "/v1/articles", {"product": "Prism"}),
        (story.customer, "/v1/articles", {}),
        (anybody, "/v1/public/articles", {}),
        (anybody, "/v1/public/articles", {"audience": "internal", "tag": "last"}),
    ):
        async with counting(engine) as sent:
            await who.get(path, **asked)
        ((statement, parameters),) = [each for each in sent if "FROM articles" in each[0]]
        plan = await explain(sessions, statement, *parameters)
        kinds = {node["Node Type"] for node in nodes(plan)}
        assert "Seq Scan" not in kinds, (path, asked, plan)
        assert looked_at(plan, "articles") <= 2 * REACH + 200, (path, asked)
        assert "Bitmap Heap Scan" not in kinds, (path, asked)


async def test_what_is_public_is_found_at_once_and_the_rest_page_by_page(story: Story) -> None:
    anybody = Caller(story.customer.client, {})
    assert len((await anybody.get("/v1/public/articles"))["items"]) == 11
    found: list[str] = []
    cursor: dict[str, str] = {}
    pages = 0
    while pages < 20:
        page = await story.engineer.get("/v1/articles", tag="last", **cursor)
        found += [each["slug"] for each in page["items"]]
        pages += 1
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (found, pages) == ([f"copy-{MANY}"], 11)
