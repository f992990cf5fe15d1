"""``/v1/public/articles``: what everybody may read, without a key."""

from typing import Final

from fastapi import Request, Response

from app.articles import schemas
from app.articles.api.articles import ArticlePath, FilterDep, LanguageQuery, Limit, ProductQuery, SearchQuery
from app.articles.api.paths import BY_ID
from app.articles.read import queries
from app.articles.read.answers import search
from app.articles.read.search import Asked
from app.core.problems import Invalid, NotFound, TooManyRequests, Unavailable
from app.core.schemas.shared import page_of
from app.core.state import StateDep
from app.core.web.http import Router, public_responses
from app.core.web.kit.deps import LanguageDep
from app.core.web.kit.operations import shown
from app.core.web.kit.paging import PageDep, listing, made
from app.core.web.replies import etag, reply

router = Router(prefix="/v1/public/articles", tags=["Articles"])
_PROBLEMS: Final = (Invalid, TooManyRequests, Unavailable)
_PAGE: Final = shown({"items": [schemas.SUMMARY], "next_cursor": None})


@router.get(
    "", scope=None, response_model=page_of(schemas.ArticleSummary), responses=public_responses(*_PROBLEMS) | _PAGE
)
async def list_public_articles(request: Request, state: StateDep, page: PageDep, wanted: FilterDep) -> Response:
    """List public articles.

    Those that everybody may read, in the order in which they were created.
    """
    async with state.sessions() as session:
        rows = await queries.articles_page(session, None, wanted, page)
    return listing(request, page, rows, place=made, document=queries.summary)


@router.get("/search", scope=None, response_model=schemas.ArticleHits, responses=public_responses(*_PROBLEMS))
async def search_public_articles(
    state: StateDep,
    reader: LanguageDep,
    q: SearchQuery,
    language: LanguageQuery = None,
    product: ProductQuery = None,
    limit: Limit = 10,
) -> Response:
    """Search public articles.

    Those that everybody may read, the best first.
    """
    asked = Asked(("public",), q, product=product, language=language or reader, strict=True)
    async with state.sessions() as session:
        return reply(await search(session, asked, limit))


@router.get(BY_ID, scope=None, response_model=schemas.Article, responses=public_responses(NotFound, *_PROBLEMS))
async def get_public_article(state: StateDep, article_id: ArticlePath) -> Response:
    """Get a public article."""
    async with state.sessions() as session:
        row = await queries.article_by_id(session, None, article_id)
        document = await queries.article_document(session, None, row)
    return reply(document, headers=etag(row.version))
