"""N3: engineers write what solved past problems and incidents, and customers find it by themselves."""

import asyncio
from typing import Any

import httpx
import pytest

from app.articles.schemas import NewArticle
from app.articles.usecases.importing import import_articles
from app.core.auth import Actor
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from tests.support.actors import make_key
from tests.support.articles import BACKUP, PDF, RUNBOOK, found, write
from tests.support.desk import fetch
from tests.support.identities import ORIGIN
from tests.support.stories import Begin, Caller


@pytest.mark.parametrize(
    ("q", "slug"),
    [
        ("exportación falla", "pdf-falla"),
        ("exportacion fala", "pdf-falla"),
        ("exportaciones fallando", "pdf-falla"),
        ("esportación", "pdf-falla"),
        ("blad lacznosci", "blad-lacznosci"),
        ("błędy łączności", "blad-lacznosci"),
        ("ZAPOREM", "blad-lacznosci"),
    ],
)
async def test_n3_a_customer_finds_the_solution(begin: Begin, q: str, slug: str) -> None:
    story = await begin("itil-native")
    await write(story.engineer, PDF, BACKUP, RUNBOOK)
    assert await found(story.customer, q) == [slug]


async def test_n3_an_article_is_read_by_those_for_whom_it_is(begin: Begin, sessions: Sessions) -> None:
    story = await begin("itil-native")
    pdf, backup, runbook = await write(story.engineer, PDF, BACKUP, RUNBOOK)
    key = await make_key(sessions, "widget", account_id=story.account.account_id, allowed_origins=[ORIGIN])
    guest, anybody = Caller(story.customer.client, key | {"Origin": ORIGIN}), Caller(story.customer.client, {})
    readers = ((story.engineer, [pdf, backup, runbook]), (story.customer, [pdf, backup]), (guest, [pdf]))
    for who, articles in readers:
        ids = {article["id"] for article in articles}
        assert {each["id"] for each in (await who.get("/v1/articles"))["items"]} == ids
        for article in (pdf, backup, runbook):
            shown = article["id"] in ids
            await who.get(f"/v1/articles/{article['id']}", 200 if shown else 404)
            assert await found(who, article["title"]) == ([article["slug"]] if shown else [])
    public = "/v1/public/articles"
    assert [each["id"] for each in (await anybody.get(public))["items"]] == [pdf["id"]]
    assert await found(anybody, PDF["title"], f"{public}/search") == ["pdf-falla"]
    assert await found(anybody, RUNBOOK["title"], f"{public}/search") == []
    assert (await anybody.get(f"{public}/{pdf['id']}"))["html"].startswith("<p>Reduzca el informe a <strong>")
    await anybody.get(f"{public}/{backup['id']}", 404)


async def test_n3_an_article_is_written_published_changed_and_archived(begin: Begin) -> None:
    story = await begin("itil-native")
    draft = await story.engineer.post("/v1/articles", 201, title="Export fails", body="Try again.\n\nThen wait.")
    path = f"/v1/articles/{draft['id']}"
    assert (draft["slug"], draft["status"], draft["audience"]) == ("export-fails", "draft", "customers")
    assert await found(story.customer, "export") == []
    published = await story.engineer.send("PATCH", path, {"status": "published"}, If_Match='"1"')
    assert published.headers["etag"] == '"2"'
    assert await found(story.customer, "export") == ["export-fails"]
    assert (await story.engineer.send("PATCH", path, {"body": "x"}, If_Match='"1"')).status_code == 412
    await story.engineer.patch(path, body="Try again.\n\nThen wait five minutes.")
    versions = (await story.engineer.get(f"{path}/versions", limit=2))["items"]
    assert [each["version"] for each in versions] == [1, 2]
    rest = await story.engineer.get(
        f"{path}/versions", cursor=(await story.engineer.get(f"{path}/versions", limit=2))["next_cursor"]
    )
    assert rest["items"][0]["diff"].splitlines()[-2:] == ["-Then wait.", "+Then wait five minutes."]
    await story.customer.get(f"{path}/versions", 403)
    await story.customer.patch(path, 403, body="Mine")
    await story.engineer.patch(path, status="archived")
    assert await found(story.customer, "export") == await found(story.engineer, "export") == []
    await story.customer.get(path, 404)
    told = (await story.engineer.get("/v1/events", types="article.*"))["items"]
    assert [(each["type"], each["account_id"], each["data"]["version"]) for each in told] == [
        ("article.published", None, 2),
        ("article.published", None, 3),
        ("article.withdrawn", None, 4),
    ]


async def test_n3_translations_are_of_one_article(begin: Begin) -> None:
    story = await begin("itil-native")
    spanish = PDF | {"body": "Exporte el PDF otra vez."}
    english = PDF | {"language": "en", "title": "Exporting a PDF fails", "body": "Export it again."}
    one, other = await write(story.engineer, spanish, english)
    await story.engineer.post("/v1/articles", 409, **english)
    assert [each["id"] for each in other["translations"]] == [one["id"]]
    hits = (await story.customer.get("/v1/articles/search", q="PDF", language="en"))["items"]
    assert [(hit["language"], hit["title_html"]) for hit in hits] == [("en", "Exporting a <mark>PDF</mark> fails")]
    assert [
        hit["language"] for hit in (await story.customer.get("/v1/articles/search", q="PDF", language="es"))["items"]
    ] == ["es"]
    french = PDF | {
        "language": "fr",
        "title": "L'export du PDF échoue",
        "body": "exportación, falla, exportar, PDF " * 9,
    }
    await write(story.engineer, french)
    question = {"title": "No puedo exportar", "description": "El PDF falla desde ayer por la tarde", "language": "pl"}
    items = (await story.customer.post("/v1/articles/suggest", **question))["items"]
    assert [each["language"] for each in items] == ["es"], (
        "in the language of who asks, whichever fits best by its words"
    )


async def test_n3_readers_say_whether_it_helped(begin: Begin) -> None:
    story = await begin("itil-native")
    (pdf,) = await write(story.engineer, PDF)
    path = f"/v1/articles/{pdf['id']}"
    assert (await story.customer.post(f"{path}/vote", helpful=True))["helpful"] == 1
    await story.product.post(f"{path}/vote", helpful=True)
    again = await story.customer.post(f"{path}/vote", helpful=False)
    assert (again["helpful"], again["unhelpful"], again["version"]) == (1, 1, 1)


async def test_n3_an_article_is_a_page_in_the_readers_language(begin: Begin) -> None:
    story = await begin("itil-native")
    english = PDF | {"language": "en", "title": "Exporting to PDF <fails>", "product": "Prism"}
    spanish, written, backup = await write(story.engineer, PDF, english, BACKUP)
    anybody = Caller(story.customer.client, {})

    async def shown(name: str, language: str) -> httpx.Response:
        return await anybody.send("GET", f"/help/articles/{name}", **{"Accept-Language": language})

    page = await shown("pdf-falla", "es-MX")
    assert page.status_code == 200
    assert (page.headers["content-type"], page.headers["vary"]) == ("text/html; charset=utf-8", "Accept-Language")
    assert f"<h1>{PDF['title']}</h1>" in page.text
    assert '<article lang="es" dir="auto"><p>Reduzca el informe a <strong>200 p' in page.text
    assert "<h2>En otros idiomas</h2>" in page.text
    assert f'<a href="{written["id"]}" hreflang="en" lang="en">Exporting to PDF &lt;fails&gt;</a>' in page.text
    assert "<h1>Exporting to PDF &lt;fails&gt;</h1>" in (await shown("pdf-falla", "pl")).text, (
        "English for want of Polish"
    )
    assert '<html lang="pl">' in (await shown(spanish["id"], "pl")).text
    for name in (backup["slug"], backup["id"], "none", "art_01k9z3v5q8e9rbn3wz4m6t7y2a"):
        assert (await shown(name, "pl")).status_code == 404
    own = await story.customer.send("GET", f"/v1/articles/{backup['id']}", Accept="text/html")
    assert f"<h1>{BACKUP['title']}</h1>" in own.text
    assert own.headers["cache-control"] == "no-store"
    assert "script-src" not in own.headers["content-security-policy"]
    runbook = (await write(story.engineer, RUNBOOK))[0]
    assert (await story.customer.send("GET", f"/v1/articles/{runbook['id']}", Accept="text/html")).status_code == 404


async def test_two_engineers_who_create_one_slug_at_once_have_an_article_each_or_are_told(begin: Begin) -> None:
    story = await begin("itil-native")

    async def both(**article: Any) -> list[httpx.Response]:
        whole = {"title": "One title", "body": "x", "language": "en"} | article
        return [*await asyncio.gather(*(story.engineer.send("POST", "/v1/articles", whole) for _ in range(4)))]

    named = [answer.status_code for answer in await both(slug="one-slug")]
    assert sorted(named) == [201, 409, 409, 409]
    unnamed = [answer.json() for answer in await both()]
    slugs = {each["slug"] for each in unnamed}
    assert len(slugs) == 4
    assert all(slug.startswith("one-title") for slug in slugs)


async def test_a_language_that_was_stored_in_another_case_is_the_same(begin: Begin, sessions: Sessions) -> None:
    story = await begin("itil-native")
    article = PDF | {"slug": "pdf-falha", "language": "pt-BR"}
    await write(story.engineer, article)
    await fetch(sessions, "UPDATE articles SET language = 'pt-br' WHERE slug = $1", "pdf-falha")
    for asked in ("pt-br", "pt-BR"):
        page = await story.engineer.get("/v1/articles", language=asked)
        assert [each["slug"] for each in page["items"]] == ["pdf-falha"]
        await story.engineer.post("/v1/articles", 409, **article | {"language": asked})
    async with transaction(sessions) as session:
        told = await import_articles(session, [NewArticle.model_validate(article)], Actor("service"), dry_run=True)
    assert [each.outcome for each in told] == ["unchanged"]
