"""Known errors are found beside articles; reads of articles and deflections are counted once; lists have indexes."""

from alembic import op
from sqlalchemy import Column, DateTime, Integer, PrimaryKeyConstraint, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0040"
down_revision = "0047"
branch_labels = depends_on = None

ID = String(collation="C")
_LISTS = (["product", "created_at", "id"], ["language", "created_at", "id"], ["audience", "status", "created_at", "id"])
# In the language whose dictionary leaves out the most words as saying nothing; "und" where none leaves out many.
_KNOWN_ERRORS = """
INSERT INTO article_texts (article_id, slug, language, reach, title, plain, words)
SELECT p.id, p.number, l.language, 'known_error', p.title, p.workaround,
       setweight(to_tsvector(l.config, p.title), 'A')
       || setweight(to_tsvector(l.config, coalesce(p.product, '')), 'B') || to_tsvector(l.config, p.workaround)
FROM problems AS p CROSS JOIN LATERAL (
    SELECT c.language, c.config FROM (VALUES
        (1, 'en', 'heliodesk_english'::regconfig, 1), (2, 'es', 'heliodesk_spanish', 1),
        (3, 'fr', 'heliodesk_french', 1), (4, 'de', 'heliodesk_german', 1), (5, 'und', 'heliodesk_simple', 0.85)
    ) AS c (place, language, config, share)
    ORDER BY length(to_tsvector(c.config, p.title || ' ' || p.workaround)) * c.share, c.place LIMIT 1
) AS l
WHERE p.state = 'known_error' AND p.workaround IS NOT NULL
"""
_COUNTS = """
INSERT INTO article_words (language, word, reach, articles)
SELECT t.language, w.word, t.reach, count(*) FROM article_texts AS t, unnest(tsvector_to_array(t.words)) AS w (word)
WHERE t.reach = 'known_error' GROUP BY t.language, w.word, t.reach
UNION ALL SELECT '', language, reach, count(*) FROM article_texts WHERE reach = 'known_error' GROUP BY language, reach
"""


def upgrade() -> None:
    for columns in _LISTS:
        op.create_index(None, "articles", columns)
    op.create_table(
        "article_reads",
        Column("account_id", ID, nullable=False),
        Column("reader", ID, nullable=False, comment="a person's id, else that of the key"),
        Column("article_id", ID, nullable=False),
        Column("times", Integer(), nullable=False, comment="in how many hours it was read"),
        Column("first_read_at", DateTime(timezone=True), nullable=False),
        Column("last_read_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("account_id", "reader", "article_id", name=op.f("pk_article_reads")),
    )
    op.create_index(None, "article_reads", ["account_id", "last_read_at"])
    op.add_column("solutions", Column("solver", ID, comment="who said so of a deflection, where that is known"))
    conversation = "what the deflection is a part of: that of its caller, else the day"
    op.add_column("solutions", Column("conversation", ID, comment=conversation))
    op.create_index(
        "uq_solutions_deflections",
        "solutions",
        ["account_id", "article_id", "solver", "conversation"],
        unique=True,
        postgresql_where=text("ticket_id IS NULL AND conversation IS NOT NULL"),
    )
    op.add_column("article_texts", Column("title", String(), comment="of what is no article: a known error"))
    op.add_column(
        "problems",
        Column(
            "translations",
            JSONB(),
            nullable=False,
            server_default=text("'{}'"),
            comment="workaround and resolution by language",
        ),
    )
    op.execute(_KNOWN_ERRORS)
    op.execute(_COUNTS)


def downgrade() -> None:
    op.execute("DELETE FROM article_texts WHERE reach = 'known_error'")
    op.execute("DELETE FROM article_words WHERE reach = 'known_error'")
    op.drop_column("problems", "translations")
    op.drop_column("article_texts", "title")
    op.drop_index("uq_solutions_deflections", "solutions")
    op.drop_column("solutions", "conversation")
    op.drop_column("solutions", "solver")
    op.drop_table("article_reads")
    for columns in _LISTS:
        op.drop_index(op.f(f"ix_articles_{'_'.join(columns)}"), "articles")
