"""``/v1/articles``: known solutions, written by support and found by whoever needs them."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.background import BackgroundTask

from app.articles import schemas
from app.articles.api.pages import html_page
from app.articles.api.paths import BY_ID
from app.articles.diff import with_diffs
from app.articles.models import ArticleRow
from app.articles.read import queries
from app.articles.read.answers import search, suggest
from app.articles.read.queries import ArticleFilter, article_by_id, article_document
from app.articles.read.search import Asked, reaches_of, suggested_to
from app.articles.rendering import render
from app.articles.schemas import MOST_BODY, ArticleFields, ArticleId, ArticleStatus, Audience, NewArticle, Slug
from app.articles.usecases import editing, reading
from app.core.auth import Principal
from app.core.clock import database_now
from app.core.problems import Conflict, Forbidden
from app.core.schemas.shared import Locale, Word
from app.core.state import State
from app.core.text.messages import _
from app.core.web.kit.deps import LanguageDep
from app.core.web.kit.merge_patch import PatchDep
from app.core.web.kit.operations import Call, CallDep, Document, ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep, listing, made
from app.core.web.kit.visits import CUSTOMERS, EVERYBODY
from app.core.web.page import wants_page
from app.core.workers.offload import owner_of

router = ResourceRouter("articles", prefix="/v1/articles", tags=["Articles"])
ArticlePath = Annotated[ArticleId, Path(description="The article's id")]
SearchQuery = Annotated[schemas.Query, Query(description="What is looked for, in any language")]
LanguageQuery = Annotated[Locale | None, Query(description="Which language is preferred; default: the reader's")]
ProductQuery = Annotated[Word | None, Query(description="Only articles on this product, and on none")]
Limit = Annotated[int, Query(ge=1, le=50, description="The most articles")]
_CHANGE: Final = {"status": "published"}
_HTML: Final[dict[str, Any]] = {"text/html": {"schema": {"type": "string"}, "example": "<!DOCTYPE html>"}}
_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": _HTML}}
_PAGED: Final = {"Vary": "Accept, Accept-Language"}


async def article_filter(
    slug: Annotated[Slug | None, Query(description="An article in all its languages")] = None,
    language: Annotated[Locale | None, Query()] = None,
    product: Annotated[Word | None, Query()] = None,
    tag: Annotated[Word | None, Query()] = None,
    status: Annotated[ArticleStatus | None, Query(description="Others than `published` are for support")] = None,
    audience: Annotated[Audience | None, Query()] = None,
) -> ArticleFilter:
    """Which articles a list is to have."""
    return ArticleFilter(slug, language, product, tag, status, audience)


def _require_editor(principal: Principal) -> None:
    """403 for a sandbox's engineers: the knowledge base is the operator's."""
    if not principal.spans_accounts:
        raise Forbidden(_("The knowledge base serves all accounts, and this key is of one account alone"))


async def _render(call: Call, body: object) -> None:
    """Render what is written, where it is an article's text: before anything is held."""
    if isinstance(body, str) and len(body) <= MOST_BODY:
        await render(call.state.sessions, call.state.offload, owner_of(call.principal), body.strip("\r\n"))


def noting(state: State, answer: Response, read: reading.Read | None) -> Response:
    """The answer, behind which the read is noted."""
    if read:
        answer.background = BackgroundTask(reading.note_read, state.background.sessions, read)
    return answer


FilterDep = Annotated[ArticleFilter, Depends(article_filter)]


@router.create("", schemas.Article, problems=[Conflict], headers=["Location"])
async def create_article(call: SupportCall, body: NewArticle) -> Response:
    """Create an article, or a translation of one.

    For support. An article with the slug of another one, in another language, is its translation. 409 if there is one
    in this language.
    """
    _require_editor(call.principal)
    await _render(call, body.body)

    async def create(session: AsyncSession) -> Any:
        now = await database_now(session)
        article = await editing.create_article(session, body, call.principal.actor, now=now)
        return await article_document(session, call.principal, article)

    return await call.once(create)


@router.list("", schemas.ArticleSummary, example=schemas.SUMMARY, visitors=EVERYBODY)
async def list_articles(call: CallDep, page: PageDep, wanted: FilterDep) -> Response:
    """List articles.

    In the order in which they were created. Customers see what is published for them or for everybody, guests only the
    latter; support sees all of them.
    """
    query = partial(queries.articles_page, principal=call.principal, wanted=wanted, page=page)
    return await call.page(page, query, place=made, document=queries.summary)


@router.show("/search", schemas.ArticleHits, visitors=EVERYBODY)
async def search_articles(
    call: CallDep,
    reader: LanguageDep,
    q: SearchQuery,
    language: LanguageQuery = None,
    product: ProductQuery = None,
    limit: Limit = 10,
) -> Response:
    """Search articles.

    Published ones, the best first. Forms of words, missing accents and typing errors are seen through. Each article is
    shown in one language: that of the reader counts more than others.
    """
    asked = Asked(reaches_of(call.principal), q, product=product, language=language or reader, strict=True)
    return await call.read(partial(search, asked=asked, limit=limit))


@router.action(
    "/suggest", schemas.ArticleSuggestions, scope="articles:read", visitors=EVERYBODY, summary="Suggest articles"
)
async def suggest_articles(call: CallDep, reader: LanguageDep, body: schemas.ArticleQuestion) -> Response:
    """What may solve a ticket, before it is sent.

    Articles, and to those who are known, known errors with their workarounds. Nothing is written, and it is cheap
    enough for each pause in typing. What is not likely to help is left out.
    """
    asked = Asked(suggested_to(call.principal), body.title, body.description, body.product, body.language or reader)

    return await call.read(partial(suggest, asked=asked, limit=body.limit))


@router.show(BY_ID, schemas.Article, responses=_PAGE, visitors=EVERYBODY)
async def get_article(call: CallDep, article_id: ArticlePath) -> Response:
    """Get an article.

    Its text is there as Markdown, and as HTML that is safe to show. It is a page that prints, in the language of
    `Accept-Language`, where `Accept` prefers `text/html`.
    """
    reads: list[reading.Read | None] = []

    async def get(session: AsyncSession) -> Document:
        article = await article_by_id(session, call.principal, article_id)
        reads.append(reading.read_by(session, call.principal, article_id))
        return await article_document(session, call.principal, article)

    if wants_page(call.request.headers.get("accept", "")):
        answer: Response = html_page(await call.ask(get), call.request, _PAGED)
    else:
        answer = await call.read(get)
    return noting(call.state, answer, reads[-1])


@router.update(BY_ID, schemas.Article, ArticleFields, _CHANGE)
async def update_article(call: SupportCall, article_id: ArticlePath, patch: PatchDep) -> Response:
    """Update an article, publish or archive it.

    A JSON Merge Patch (RFC 7396), for support. Each change is kept as a version.
    """
    _require_editor(call.principal)
    await _render(call, patch.get("body"))

    async def load(session: AsyncSession) -> ArticleRow:
        return await article_by_id(session, call.principal, article_id, lock=True)

    async def change(session: AsyncSession) -> Document:
        article = await load(session)
        fields = call.patched(patch, ArticleFields, editing.said(article), article.version)
        now = await database_now(session)
        await editing.update_article(session, article, fields, call.principal.actor, now=now)
        return await article_document(session, call.principal, article)

    return await call.write(change)


@router.list(f"{BY_ID}/versions", schemas.ArticleVersion)
async def list_article_versions(call: SupportCall, page: PageDep, article_id: ArticlePath) -> Response:
    """List an article's versions.

    For support: the oldest first, each with what it changed.
    """
    _require_editor(call.principal)

    async def find(session: AsyncSession) -> Any:
        await article_by_id(session, call.principal, article_id)
        rows = await queries.versions_page(session, article_id, page)
        shown = queries.shown(rows[: page.limit])
        return rows, [row.version for row in shown], await queries.version_facts(session, shown)

    rows, numbers, known = await call.ask(find)
    told = await call.state.offload.run(owner_of(call.principal), with_diffs, known, numbers)
    return listing(call.request, page, rows, place=lambda row: (row.version,), document=lambda row: told[row.version])


@router.action(f"{BY_ID}/vote", schemas.Article, repeatable=True, visitors=CUSTOMERS)
async def vote_on_article(call: CallDep, article_id: ArticlePath, body: schemas.ArticleVote) -> Response:
    """Vote on an article.

    Say whether it helped: one vote a person, of which the last one counts.
    """

    async def work(session: AsyncSession) -> Document:
        article = await article_by_id(session, call.principal, article_id, lock=True)
        now = await database_now(session)
        await editing.vote(session, article, call.principal, helpful=body.helpful, now=now)
        return await article_document(session, call.principal, article)

    return await call.once(work)
