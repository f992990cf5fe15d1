"""One search, whose index is filled in the background from the events that there are; and coaching notes."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, String, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "0039"
down_revision = "0038"
branch_labels = depends_on = None

ID = String(collation="C")


def upgrade() -> None:
    op.create_table(
        "search_texts",
        Column("account_id", ID, primary_key=True),
        Column("id", ID, primary_key=True),
        Column("ticket_id", ID, comment="null: it is a problem's"),
        Column("internal", Boolean(), nullable=False, comment="for support alone"),
        Column("sandbox", Boolean(), nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, comment="when it was opened or written"),
        Column(
            "words",
            TSVECTOR(),
            nullable=False,
            comment="folded: of a title as A, of references as B, of texts as D",
        ),
    )
    op.create_index(None, "search_texts", ["account_id", "at", "id"])
    op.create_index(None, "search_texts", ["sandbox", "at", "id"])
    op.create_index(
        "ix_search_texts_words",
        "search_texts",
        ["account_id", "words"],
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 1024},
    )
    op.create_table(
        "search_marks", Column("name", ID, primary_key=True), Column("position", BigInteger(), nullable=False)
    )
    names = text("lower(name) gin_trgm_ops")
    op.create_index("ix_accounts_names", "accounts", [names], postgresql_using="gin")
    op.create_index(
        "ix_people_names",
        "people",
        [names, "email"],
        postgresql_using="gin",
        postgresql_ops={"email": "gin_trgm_ops"},
    )
    op.create_index(None, "people", ["email"])
    _coaching()


def _coaching() -> None:
    op.create_table(
        "coaching_notes",
        Column("account_id", ID, primary_key=True),
        Column("id", ID, primary_key=True),
        Column("ticket_id", ID, nullable=False),
        Column("engineer_id", ID, nullable=False, comment="to whom it is addressed"),
        Column("author", JSONB(), nullable=False),
        Column("body", String(), nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("acknowledged_at", DateTime(timezone=True)),
    )
    for columns in (
        ["id"],
        ["account_id", "ticket_id", "created_at", "id"],
        ["engineer_id", "created_at", "id"],
        ["created_at", "id"],
    ):
        op.create_index(None, "coaching_notes", columns)


def downgrade() -> None:
    op.drop_table("coaching_notes")
    op.drop_index("ix_people_email", "people")
    op.drop_index("ix_people_names", "people")
    op.drop_index("ix_accounts_names", "accounts")
    op.drop_table("search_marks")
    op.drop_table("search_texts")
