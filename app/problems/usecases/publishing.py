"""A known error is found beside articles, and its workaround becomes one, under the problem's number."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.index import KnownError, index_known_error
from app.articles.models import ArticleRow
from app.articles.schemas import ArticleFields, Audience, NewArticle
from app.articles.usecases.editing import create_article, said, update_article
from app.core.auth import Actor
from app.core.schemas.mailboxes import STORED
from app.problems.models import ProblemRow


async def let_be_found(session: AsyncSession, problem: ProblemRow) -> None:
    """Let a known error be suggested for tickets, as it is; a problem in any other state is not."""
    error = None
    if problem.state == "known_error" and problem.workaround:
        error = KnownError(problem.number, problem.title, problem.product, problem.workaround)
    await index_known_error(session, problem.id, error)


async def let_articles_follow(
    session: AsyncSession, problem: ProblemRow, before: str | None, actor: Actor, *, now: datetime
) -> None:
    """Where an article says the workaround that there was ``before``, it says the one that there is now."""
    if not before or not problem.workaround or before == problem.workaround:
        return
    same = (ArticleRow.slug == problem.number.lower(), ArticleRow.body == before)
    for article in await session.scalars(select(ArticleRow).where(*same).order_by(ArticleRow.id).with_for_update()):
        fields = ArticleFields.model_validate(said(article) | {"body": problem.workaround}, context=STORED)
        await update_article(session, article, fields, actor, now=now)


async def publish_workaround(
    session: AsyncSession, problem: ProblemRow, audience: Audience, language: str, actor: Actor, *, now: datetime
) -> None:
    """Publish the problem's workaround in a language, or change the article that says it already."""
    slug = problem.number.lower()
    written = {
        "title": problem.title,
        "body": problem.workaround,
        "product": problem.product,
        "audience": audience,
        "status": "published",
    }
    known = select(ArticleRow).where(ArticleRow.slug == slug, ArticleRow.language == language).with_for_update()
    article = await session.scalar(known)
    if article is None:
        command = NewArticle.model_validate(written | {"slug": slug, "language": language}, context=STORED)
        await create_article(session, command, actor, now=now)
        return
    fields = ArticleFields.model_validate(said(article) | written, context=STORED)
    await update_article(session, article, fields, actor, now=now)
