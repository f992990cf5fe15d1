"""An index of the words of each account, beside one of the words of all."""

from alembic import op
from sqlalchemy import text

revision = "0061"
down_revision = "0058"
branch_labels = depends_on = None

NEW = {"every_word": "words", "own_words": "heliodesk_own_words(account_id, internal, words)"}
OLD = {"words": "account_id, words"}
FUNCTION = """
CREATE OR REPLACE FUNCTION heliodesk_own_words(account_id text, internal boolean, words tsvector) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
    SELECT array_to_tsvector(array_agg(
        right(account_id, 12) || CASE WHEN internal THEN '-' ELSE '+' END || lexeme
    )) FROM unnest(tsvector_to_array(words)) AS lexeme
$$
"""
INVALID = text("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid)")


def upgrade() -> None:
    # Texts are indexed meanwhile. Each step is committed by itself, and can be done again after one that failed.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(FUNCTION)
        _replace(OLD, NEW)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        _replace(NEW, OLD)
        op.execute("DROP FUNCTION IF EXISTS heliodesk_own_words")
        op.execute("RESET lock_timeout")


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    for name, what in new.items():
        index = f"ix_search_texts_{name}"
        if op.get_bind().execute(INVALID, {"name": index}).scalar_one():  # a build that was interrupted
            op.execute(f"DROP INDEX CONCURRENTLY {index}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON search_texts "
            f"USING gin ({what}) WITH (gin_pending_list_limit = 1024)"
        )
    for name in old:
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_search_texts_{name}")
