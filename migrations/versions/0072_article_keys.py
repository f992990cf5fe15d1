"""An index of the words of articles by language and audience, in place of one of words alone."""

from alembic import op
from sqlalchemy import text

revision = "0072"
down_revision = "0071"
branch_labels = depends_on = None

NEW = ("keys", "heliodesk_article_keys(language, reach, words)")
OLD = ("words", "words")
FUNCTION = """
CREATE OR REPLACE FUNCTION heliodesk_article_keys(language text, reach text, words tsvector) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
    SELECT array_agg(language || '.' || left(reach, 1) || lexeme) FROM unnest(tsvector_to_array(words)) AS lexeme
$$
"""
INVALID = text("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid)")


def upgrade() -> None:
    # Articles are written meanwhile. Each step is committed by itself, and can be done again after one that failed.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(FUNCTION)
        _replace(OLD, NEW)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        _replace(NEW, OLD)
        op.execute("DROP FUNCTION IF EXISTS heliodesk_article_keys")
        op.execute("RESET lock_timeout")


def _replace(old: tuple[str, str], new: tuple[str, str]) -> None:
    name, what = new
    index = f"ix_article_texts_{name}"
    if op.get_bind().execute(INVALID, {"name": index}).scalar_one():  # a build that was interrupted
        op.execute(f"DROP INDEX CONCURRENTLY {index}")
    op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON article_texts USING gin ({what})")
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_article_texts_{old[0]}")
