"""A knowledge base from files, and back: what is the same already stays as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.models import ArticleRow
from app.articles.schemas import ArticleFields, NewArticle
from app.articles.usecases.editing import FIELDS, Written, add_articles, change_article, let_be_read, said
from app.core.auth import Actor
from app.core.clock import database_now


@dataclass(frozen=True, slots=True)
class Imported:
    """An article, and what became of it: ``created``, ``changed`` or ``unchanged``."""

    article: NewArticle
    outcome: str


async def import_articles(
    session: AsyncSession, articles: Sequence[NewArticle], actor: Actor, *, dry_run: bool
) -> list[Imported]:
    """Create or change articles by slug and language, or with ``dry_run`` only tell. Others are left alone."""
    rows = await _held(session, articles)
    now = await database_now(session)
    done, new, written = [], list[NewArticle](), list[Written]()
    for article in articles:
        row, fields = rows.get((article.slug, article.language.lower())), _fields(article)
        if row is None:
            done.append(Imported(article, "created"))
        else:
            done.append(Imported(article, "unchanged" if said(row) == fields.model_dump() else "changed"))
        if dry_run:
            continue
        if row is None:
            new.append(article)
        elif change := await change_article(session, row, fields, actor, now=now):
            written.append(change)
    written += [Written(row) for row in await add_articles(session, new, actor, now=now)]
    await let_be_read(session, written, actor)
    return done


def _fields(article: NewArticle) -> ArticleFields:
    return ArticleFields.model_validate(article.model_dump(include=set(FIELDS)))


async def _held(session: AsyncSession, articles: Sequence[NewArticle]) -> dict[tuple[str | None, str], ArticleRow]:
    keys = [(article.slug, article.language.lower()) for article in articles]
    query = select(ArticleRow).where(
        ArticleRow.slug.in_({slug for slug, _ in keys}),
        tuple_(ArticleRow.slug, func.lower(ArticleRow.language)).in_(keys),
    )
    found = await session.scalars(query.order_by(ArticleRow.id).with_for_update())
    return {(row.slug, row.language.lower()): row for row in found}


async def export_articles(session: AsyncSession) -> list[NewArticle]:
    """All articles, drafts and archived ones too, by slug and language."""
    found = await session.scalars(select(ArticleRow).order_by(ArticleRow.slug, ArticleRow.language))
    return [NewArticle(**said(row), slug=row.slug, language=row.language) for row in found]
