"""``/help/articles/{id or slug}``: a public article as a page, for whoever has a browser and no key."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.routing import Route

from app.articles.models import ArticleRow
from app.articles.page import POLICY, article_page
from app.articles.read.queries import article_by_id, article_document
from app.articles.wording import primary
from app.core.problems import NotFound
from app.core.state import State
from app.core.text.language import SOURCE
from app.core.web.callers import language_of

_ID: Final = "art_"
_KEPT: Final = {"Vary": "Accept-Language", "Cache-Control": "public, max-age=60"}


def serve_articles(app: FastAPI) -> None:
    """Answer with the pages of articles."""
    app.router.routes.append(Route("/help/articles/{name}", _show, include_in_schema=False))


async def _show(request: Request) -> Response:
    """The article of this id, or that of this slug whose language suits the reader best. 404 unless it is public."""
    state: State = request.app.state.heliodesk
    name, language = request.path_params["name"], language_of(request.scope)
    async with state.sessions() as session:
        article_id = name if name.startswith(_ID) else await _of_slug(session, name, language)
        article = await article_by_id(session, None, article_id)
        document = await article_document(session, None, article)
    return html_page(document, request, _KEPT)


async def _of_slug(session: AsyncSession, slug: str, language: str) -> str:
    public = (ArticleRow.status == "published", ArticleRow.audience == "public")
    found = await session.execute(select(ArticleRow.language, ArticleRow.id).where(ArticleRow.slug == slug, *public))
    by_language: dict[str, str] = {row.language: row.id for row in found}
    if not by_language:
        raise NotFound
    return by_language[min(by_language, key=lambda each: (primary(each) != language, primary(each) != SOURCE, each))]


def html_page(document: Mapping[str, Any], request: Request, headers: Mapping[str, str]) -> HTMLResponse:
    """The page of an article that the reader may read."""
    return HTMLResponse(article_page(document, language_of(request.scope)), headers={**headers, **POLICY})
