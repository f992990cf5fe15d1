"""An index of the words of each account, beside one of the words of all."""

from alembic import op
from sqlalchemy import text

revision = "0061"
down_revision = "0058"
branch_labels = depends_on = None

PENDING = {"gin_pending_list_limit": 1024}
OWN_WORDS = "heliodesk_own_words(account_id, internal, words)"


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION heliodesk_own_words(account_id text, internal boolean, words tsvector) RETURNS tsvector
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
            SELECT array_to_tsvector(array_agg(
                right(account_id, 12) || CASE WHEN internal THEN '-' ELSE '+' END || lexeme
            )) FROM unnest(tsvector_to_array(words)) AS lexeme
        $$
        """
    )
    for name, expression in (("every_word", "words"), ("own_words", text(OWN_WORDS))):
        op.create_index(
            f"ix_search_texts_{name}",
            "search_texts",
            [expression],
            postgresql_using="gin",
            postgresql_with=PENDING,
        )
    op.drop_index("ix_search_texts_words", "search_texts")


def downgrade() -> None:
    op.create_index(
        "ix_search_texts_words",
        "search_texts",
        ["account_id", "words"],
        postgresql_using="gin",
        postgresql_with=PENDING,
    )
    for name in ("every_word", "own_words"):
        op.drop_index(f"ix_search_texts_{name}", "search_texts")
    op.execute("DROP FUNCTION heliodesk_own_words")
