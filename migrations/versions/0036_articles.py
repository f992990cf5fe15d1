"""A knowledge base, and the configurations by which PostgreSQL reads its texts."""

from alembic import op
from alembic.util import CommandError
from sqlalchemy import Boolean, Column, DateTime, Integer, PrimaryKeyConstraint, String, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.exc import DBAPIError

revision = "0036"
down_revision = "0028"
branch_labels = depends_on = None

_NAMES = (
    *("simple", "english", "spanish", "french", "german", "italian", "portuguese", "dutch", "swedish", "danish"),
    *("finnish", "norwegian"),
)
"""PostgreSQL's own configurations, of which each gets a copy that reads letters without their accents."""


def upgrade() -> None:
    try:
        op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    except DBAPIError as error:
        hint = "Let its owner or a superuser run CREATE EXTENSION unaccent in this database (PostgreSQL's contrib)"
        raise CommandError(f"The extension unaccent cannot be made: {error.orig}. {hint}") from error
    for name in _NAMES:
        dictionary = "simple" if name == "simple" else f"{name}_stem"
        op.execute(f"CREATE TEXT SEARCH CONFIGURATION heliodesk_{name} (COPY = pg_catalog.{name})")
        op.execute(
            f"ALTER TEXT SEARCH CONFIGURATION heliodesk_{name} "
            f"ALTER MAPPING FOR hword, hword_part, word WITH unaccent, {dictionary}"
        )
    _create_articles()
    _create_what_searches_look_at()


def _id(name: str) -> Column[str]:
    return Column(name, String(collation="C"), nullable=False)


def _instant(name: str, *, nullable: bool = False, comment: str | None = None) -> Column:
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


def _said() -> list[Column]:
    return [Column("product", String()), Column("tags", JSONB(), nullable=False)]


def _create_articles() -> None:
    op.create_table(
        "articles",
        _id("id"),
        _id("slug"),
        _id("language"),
        Column("title", String(), nullable=False),
        Column("body", String(), nullable=False, comment="Markdown"),
        *_said(),
        Column("audience", String(), nullable=False, comment="public, customers or internal"),
        Column("status", String(), nullable=False, comment="draft, published or archived"),
        Column(
            "helpful", Integer(), server_default="0", nullable=False, comment="votes, which do not count as a change"
        ),
        Column("unhelpful", Integer(), server_default="0", nullable=False),
        Column("solved", Integer(), server_default="0", nullable=False, comment="how often it solved something"),
        Column("created_by", JSONB(), nullable=False),
        Column("updated_by", JSONB(), nullable=False),
        Column("version", Integer(), server_default="1", nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        _instant("published_at", nullable=True, comment="when it was first published"),
        PrimaryKeyConstraint("id", name=op.f("pk_articles")),
    )
    op.create_index("uq_articles_slug_language", "articles", ["slug", "language"], unique=True)
    op.create_index(op.f("ix_articles_created_at_id"), "articles", ["created_at", "id"])
    op.create_table(
        "article_versions",
        _id("article_id"),
        Column("version", Integer(), autoincrement=False, nullable=False),
        Column("title", String(), nullable=False),
        Column("body", String(), nullable=False),
        *_said(),
        Column("audience", String(), nullable=False),
        Column("status", String(), nullable=False),
        Column("author", JSONB(), nullable=False),
        _instant("created_at"),
        PrimaryKeyConstraint("article_id", "version", name=op.f("pk_article_versions")),
    )
    voter = "a person's or engineer's id, else what stands in"
    op.create_table(
        "article_votes",
        _id("article_id"),
        Column("voter", String(collation="C"), nullable=False, comment=voter),
        Column("helpful", Boolean(), nullable=False),
        _instant("voted_at"),
        PrimaryKeyConstraint("article_id", "voter", name=op.f("pk_article_votes")),
    )


def _create_what_searches_look_at() -> None:
    op.create_table(
        "article_texts",
        _id("article_id"),
        _id("slug"),
        _id("language"),
        Column("reach", String(), nullable=False, comment="the article's audience"),
        Column("product", String(), comment="folded, as searches compare it"),
        Column("plain", String(), nullable=False, comment="the body without its Markdown"),
        Column("words", TSVECTOR(), nullable=False, comment="title as A, tags as B, body as D"),
        PrimaryKeyConstraint("article_id", name=op.f("pk_article_texts")),
    )
    op.create_index("ix_article_texts_words", "article_texts", ["words"], postgresql_using="gin")
    op.create_table(
        "article_words",
        _id("language"),
        _id("word"),
        _id("reach"),
        Column("articles", Integer(), nullable=False),
        PrimaryKeyConstraint("language", "word", "reach", name=op.f("pk_article_words")),
    )
    op.create_index(
        "ix_article_words_similar",
        "article_words",
        ["word"],
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
        postgresql_where=text("articles > 0"),
    )


def downgrade() -> None:
    for table in ("article_words", "article_texts", "article_votes", "article_versions", "articles"):
        op.drop_table(table)
    for name in _NAMES:
        op.execute(f"DROP TEXT SEARCH CONFIGURATION heliodesk_{name}")
