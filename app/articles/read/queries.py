"""Reading articles. What the caller may not see is ``NotFound``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, takewhile
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles import schemas
from app.articles.models import ArticleRow, ArticleVersionRow
from app.articles.read.search import reaches_of
from app.articles.rendering import rendered_once
from app.core.auth import Principal
from app.core.problems import NotFound
from app.core.web.kit.paging import PAGE_BYTES, Columns, Filter, Order, Page, Slice, Wanted, filtered_by

REACH: Final = 2000
"""Articles that one page of a filtered list examines: their rows are wide."""


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles a list has; None: whichever."""

    slug: str | None = None
    language: str | None = None
    product: str | None = None
    tag: str | None = None
    status: str | None = None
    audience: str | None = None

    def ways(self) -> tuple[list[ColumnElement[bool]], list[Filter]]:
        """What an index finds in the order of the list, and what its rows are then looked at for."""
        filters: list[Filter] = []
        scope: list[ColumnElement[bool]] = []
        for name in ("slug", "product", "language", "status", "audience"):
            value = getattr(self, name)
            if value is None:
                continue
            if name == "language" and "-" in value:
                filters.append(partial(_is_in, value))
            elif not scope and name in _INDEXED:
                scope.append(getattr(ArticleRow, name) == value)
            else:
                filters.append(partial(_is, name, value))
        if self.tag:
            filters.append(partial(_is_tagged, self.tag))
        return scope, filters


_INDEXED: Final = ("slug", "product", "language")


def _is(name: str, value: str, columns: Columns) -> ColumnElement[bool]:
    return columns[name] == value


def _is_in(language: str, columns: Columns) -> ColumnElement[bool]:
    """A region or a script may be stored in either case; a language alone is always in lower case."""
    return func.lower(columns.language) == language.lower()


def _is_tagged(tag: str, columns: Columns) -> ColumnElement[bool]:
    return columns.tags.contains([tag])


def _visible(principal: Principal | None) -> ColumnElement[bool]:
    """The articles that exist for a caller; None: for everybody. Support has drafts and archived ones too."""
    if principal is not None and principal.spans_accounts:
        return true()
    return and_(ArticleRow.status == "published", ArticleRow.audience.in_(reaches_of(principal)))


async def article_by_id(
    session: AsyncSession, principal: Principal | None, article_id: str, *, lock: bool = False
) -> ArticleRow:
    """The article; with ``lock`` its row is held until the transaction ends."""
    query = select(ArticleRow).where(ArticleRow.id == article_id, _visible(principal))
    row = (await session.scalars(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise NotFound
    return row


async def article_document(session: AsyncSession, principal: Principal | None, row: ArticleRow) -> dict[str, Any]:
    """The article as this caller sees it, with its HTML and its translations."""
    others = (ArticleRow.slug == row.slug, ArticleRow.id != row.id, _visible(principal))
    columns = select(ArticleRow.id, ArticleRow.language, ArticleRow.title)
    translations = await session.execute(columns.where(*others).order_by(ArticleRow.language))
    members = {name: getattr(row, name) for name in schemas.Article.model_fields if hasattr(row, name)}
    if principal is None or not principal.spans_accounts:
        members |= {"created_by": None, "updated_by": None}
    members |= {
        "html": (await rendered_once(session, row.body)).html,
        "translations": [dict(each) for each in translations.mappings()],
    }
    return schemas.Article.model_validate(members).model_dump()


async def articles_page(
    session: AsyncSession, principal: Principal | None, wanted: ArticleFilter, page: Page
) -> Slice[ArticleRow]:
    """One page of articles in the order in which they were created, and one more."""
    scope, filters = wanted.ways()
    reaches = reaches_of(principal)
    if principal is None or not principal.spans_accounts:
        if not scope and len(reaches) == 1:
            scope = [ArticleRow.audience == reaches[0], ArticleRow.status == "published"]
        else:
            filters += [partial(_is, "status", "published"), lambda columns: columns.audience.in_(reaches)]
    return await filtered_by(session, ArticleRow, Wanted(scope, filters, REACH), page, Order(("created_at", "id")))


def summary(row: ArticleRow) -> dict[str, Any]:
    """An article in a list."""
    return schemas.ArticleSummary.model_validate(row).model_dump()


async def versions_page(session: AsyncSession, article_id: str, page: Page) -> Sequence[ArticleVersionRow]:
    """One page of an article's versions, the oldest first, and one more. For support."""
    place = page.place(int) or (0,)
    query = select(ArticleVersionRow).where(
        ArticleVersionRow.article_id == article_id, ArticleVersionRow.version > place[0]
    )
    return (await session.scalars(query.order_by(ArticleVersionRow.version).limit(page.limit + 1))).all()


async def version_facts(session: AsyncSession, rows: Sequence[ArticleVersionRow]) -> Mapping[int, dict[str, Any]]:
    """What versions of one article that follow each other say, by number, and the one before them."""
    known = {row.version: _said(row) for row in rows}
    if rows and (first := rows[0]).version > 1:
        before = await session.get(ArticleVersionRow, (first.article_id, first.version - 1))
        known |= {before.version: _said(before)} if before else {}
    return known


def shown(rows: Sequence[ArticleVersionRow]) -> list[ArticleVersionRow]:
    """The versions that one page has room for."""
    sizes = accumulate((len(row.body.encode()) for row in rows), initial=0)
    return [row for row, _ in zip(rows, takewhile(lambda before: before < PAGE_BYTES, sizes), strict=False)]


def _said(row: ArticleVersionRow) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in ArticleVersionRow.__table__.columns}
