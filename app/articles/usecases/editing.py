"""Articles are written, published and voted on. One transaction holds the article, its words and its events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.index import index
from app.articles.models import ArticleRow, ArticleVersionRow, ArticleVoteRow
from app.articles.schemas import ArticleFields, NewArticle
from app.articles.wording import slug_of
from app.core.auth import Actor, Principal
from app.core.ids import new_id
from app.core.problems import Conflict
from app.core.text.messages import _
from app.events.event import Event
from app.events.types import ArticlePublished, ArticleWithdrawn
from app.webhooks.outbox.telling import tell

FIELDS: Final = tuple(ArticleFields.model_fields)
_TAKEN: Final = _("There already is an article with this slug in this language")


class Written(NamedTuple):
    """An article that was created or changed, and whether it was published before."""

    article: ArticleRow
    was_published: bool = False


async def create_article(session: AsyncSession, command: NewArticle, actor: Actor, *, now: datetime) -> ArticleRow:
    """A new article. 409 where there is one of this slug in this language."""
    article = _new(command, actor, now)
    if await _is_taken(session, article.slug, article.language):
        _take_another_slug(article, command)
    try:
        await _insert(session, [article])
    except IntegrityError:  # somebody has just created it
        _take_another_slug(article, command)
        await _insert(session, [article])
    await _keep(session, [article], actor)
    await let_be_read(session, [Written(article)], actor)
    return article


async def add_articles(
    session: AsyncSession, commands: Sequence[NewArticle], actor: Actor, *, now: datetime
) -> list[ArticleRow]:
    """The rows of new articles that have slugs, which ``let_be_read`` is to follow. 409 as ``create_article``."""
    articles = [_new(command, actor, now) for command in commands]
    try:
        await _insert(session, articles)
    except IntegrityError as error:
        raise Conflict(_TAKEN) from error
    await _keep(session, articles, actor)
    return articles


def _new(command: NewArticle, actor: Actor, now: datetime) -> ArticleRow:
    return ArticleRow(
        **command.model_dump(include=set(FIELDS)),
        id=new_id("art"),
        slug=command.slug or slug_of(command.title),
        language=command.language,
        created_by=actor.document(),
        updated_by=actor.document(),
        helpful=0,
        unhelpful=0,
        solved=0,
        version=1,
        created_at=now,
        updated_at=now,
        published_at=now if command.status == "published" else None,
    )


def _take_another_slug(article: ArticleRow, command: NewArticle) -> None:
    if command.slug:
        raise Conflict(_TAKEN)
    article.slug = f"{article.slug}-{article.id[-6:]}"


async def _insert(session: AsyncSession, articles: Sequence[ArticleRow]) -> None:
    async with session.begin_nested():
        session.add_all(articles)
        await session.flush()


async def update_article(
    session: AsyncSession, article: ArticleRow, fields: ArticleFields, actor: Actor, *, now: datetime
) -> None:
    """Change an article, whose row the caller holds; a change that changes nothing makes no version."""
    written = await change_article(session, article, fields, actor, now=now)
    if written:
        await let_be_read(session, [written], actor)


async def change_article(
    session: AsyncSession, article: ArticleRow, fields: ArticleFields, actor: Actor, *, now: datetime
) -> Written | None:
    """Change the row of an article, which ``let_be_read`` is to follow; None where nothing changes."""
    wanted = fields.model_dump()
    if wanted == said(article):
        return None
    was_published = article.status == "published"
    for name, value in wanted.items():
        setattr(article, name, value)
    article.version, article.updated_at, article.updated_by = article.version + 1, now, actor.document()
    if article.status == "published" and article.published_at is None:
        article.published_at = now
    await _keep(session, [article], actor)
    return Written(article, was_published)


def said(article: ArticleRow) -> dict[str, Any]:
    """What an article says, and who may read it."""
    return {name: getattr(article, name) for name in FIELDS}


async def _is_taken(session: AsyncSession, slug: str, language: str) -> bool:
    taken = exists().where(ArticleRow.slug == slug, func.lower(ArticleRow.language) == language.lower())
    return bool(await session.scalar(select(taken)))


async def _keep(session: AsyncSession, articles: Sequence[ArticleRow], actor: Actor) -> None:
    """Save the articles, and what they say as versions."""
    for article in articles:
        version = {"article_id": article.id, "version": article.version, "created_at": article.updated_at}
        session.add(ArticleVersionRow(**version, **said(article), author=actor.document()))
    await session.flush()


async def let_be_read(session: AsyncSession, written: Sequence[Written], actor: Actor) -> None:
    """Let searches find what was written, as far as it is published, and tell it."""
    await index(session, *(each.article for each in written))
    for article, was_published in written:
        kind = ArticlePublished if article.status == "published" else ArticleWithdrawn if was_published else None
        if kind:
            names = ("slug", "language", "title", "product", "version")
            facts: dict[str, Any] = {name: getattr(article, name) for name in names}
            data = kind(article_id=article.id, readers=article.audience, **facts)
            await tell(session, None, Event(article.updated_at, data, actor))


async def vote(
    session: AsyncSession, article: ArticleRow, principal: Principal, *, helpful: bool, now: datetime
) -> None:
    """Count whether the article, whose row the caller holds, helped somebody, in the place of their earlier vote."""
    key = (article.id, voter_of(principal))
    before = await session.get(ArticleVoteRow, key)
    if before is not None:
        article.helpful, article.unhelpful = article.helpful - before.helpful, article.unhelpful - (not before.helpful)
        before.helpful, before.voted_at = helpful, now
    else:
        row = {"article_id": key[0], "voter": key[1], "helpful": helpful, "voted_at": now}
        await session.execute(insert(ArticleVoteRow).values(row))
    article.helpful, article.unhelpful = article.helpful + helpful, article.unhelpful + (not helpful)
    await session.flush()


def voter_of(principal: Principal) -> str:
    """Whose vote it is: a person's, as far as the key says; else that of the key."""
    visitor = principal.visitor
    if visitor:
        return visitor.person_id or (visitor.marks[0] if visitor.marks else principal.key_id)
    return principal.engineer_id or principal.key_id
