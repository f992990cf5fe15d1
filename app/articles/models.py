"""Articles of the knowledge base, and what searches look at. All are reference tables: they serve every account."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import DDL, Index, event, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import ExecutableDDLElement

from app.core.db.tables import ID, Base

SLUG_INDEX: Final = "uq_articles_slug_language"
KEYS: Final = "heliodesk_article_keys(language, reach, words)"
"""What the index of the words of articles has: each word behind its language and the audience of the article."""


class ArticleRow(Base):
    """An article in one language. Its translations are the articles that have the same slug."""

    __tablename__ = "articles"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    slug: Mapped[str] = mapped_column(ID)
    language: Mapped[str] = mapped_column(ID)
    title: Mapped[str]
    body: Mapped[str] = mapped_column(comment="Markdown")
    product: Mapped[str | None]
    tags: Mapped[list[str]]
    audience: Mapped[str] = mapped_column(comment="public, customers or internal")
    status: Mapped[str] = mapped_column(comment="draft, published or archived")
    helpful: Mapped[int] = mapped_column(default=0, server_default="0", comment="votes, which do not count as a change")
    unhelpful: Mapped[int] = mapped_column(default=0, server_default="0")
    solved: Mapped[int] = mapped_column(default=0, server_default="0", comment="how often it solved something")
    created_by: Mapped[dict[str, Any]]
    updated_by: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    published_at: Mapped[datetime | None] = mapped_column(comment="when it was first published")

    __table_args__ = (
        Index(SLUG_INDEX, "slug", "language", unique=True),
        Index(None, "created_at", "id"),
        Index(None, "product", "created_at", "id"),
        Index(None, "language", "created_at", "id"),
        Index(None, "audience", "status", "created_at", "id"),
    )


class ArticleVersionRow(Base):
    """What an article said in one of its versions."""

    __tablename__ = "article_versions"

    article_id: Mapped[str] = mapped_column(ID, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str]
    body: Mapped[str]
    product: Mapped[str | None]
    tags: Mapped[list[str]]
    audience: Mapped[str]
    status: Mapped[str]
    author: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class ArticleVoteRow(Base):
    """Whether an article helped somebody: one vote a person, who may change their mind."""

    __tablename__ = "article_votes"

    article_id: Mapped[str] = mapped_column(ID, primary_key=True)
    voter: Mapped[str] = mapped_column(ID, primary_key=True, comment="a person's or engineer's id, else what stands in")
    helpful: Mapped[bool]
    voted_at: Mapped[datetime]


class ArticleReadRow(Base):
    """A customer has read an article: this tells support what somebody knows already."""

    __tablename__ = "article_reads"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    reader: Mapped[str] = mapped_column(ID, primary_key=True, comment="a person's id, else that of the key")
    article_id: Mapped[str] = mapped_column(ID, primary_key=True)
    times: Mapped[int] = mapped_column(comment="in how many hours it was read")
    first_read_at: Mapped[datetime]
    last_read_at: Mapped[datetime]

    __table_args__ = (Index(None, "account_id", "last_read_at"),)


class ArticleTextRow(Base):
    """What a search looks at: the words of a published article, apart from the row that people change.

    Known errors are found beside articles, under their own ids: their ``reach`` is ``known_error``.
    """

    __tablename__ = "article_texts"

    article_id: Mapped[str] = mapped_column(ID, primary_key=True)
    slug: Mapped[str] = mapped_column(ID)
    language: Mapped[str] = mapped_column(ID)
    reach: Mapped[str] = mapped_column(comment="the article's audience")
    product: Mapped[str | None] = mapped_column(comment="folded, as searches compare it")
    plain: Mapped[str] = mapped_column(comment="the body without its Markdown")
    words: Mapped[Any] = mapped_column(TSVECTOR, comment="title as A, tags as B, body as D")
    title: Mapped[str | None] = mapped_column(comment="of what is no article: a known error")

    __table_args__ = (Index("ix_article_texts_keys", text(KEYS), postgresql_using="gin"),)


class ArticleWordRow(Base):
    """In how many published articles a word is: what tells rare words from common ones, and mends mistyped ones.

    The word '' counts the articles themselves. It is counted by audience, so that no answer depends on words of
    articles that its reader cannot see.
    """

    __tablename__ = "article_words"

    language: Mapped[str] = mapped_column(ID, primary_key=True)
    word: Mapped[str] = mapped_column(ID, primary_key=True)
    reach: Mapped[str] = mapped_column(ID, primary_key=True)
    articles: Mapped[int]

    __table_args__ = (
        Index(
            "ix_article_words_similar",
            "word",
            postgresql_using="gin",
            postgresql_ops={"word": "gin_trgm_ops"},
            postgresql_where=text("articles > 0"),
        ),
    )


_keys: ExecutableDDLElement = DDL(
    """
    CREATE OR REPLACE FUNCTION heliodesk_article_keys(language text, reach text, words tsvector) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
        SELECT array_agg(language || '.' || left(reach, 1) || lexeme) FROM unnest(tsvector_to_array(words)) AS lexeme
    $$
    """
)  # type: ignore[no-untyped-call]
event.listen(ArticleTextRow.__table__, "before_create", _keys)
_trigrams: ExecutableDDLElement = DDL("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # type: ignore[no-untyped-call]
event.listen(ArticleWordRow.__table__, "before_create", _trigrams)
