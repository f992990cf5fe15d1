"""Technical account managers get a digest every week."""

from alembic import op
from sqlalchemy import Column, Date, DateTime, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028"
down_revision = "0031"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "tam_digests",
        Column("tam", String(collation="C"), primary_key=True, comment="the address, in lower case"),
        Column("week", Date(), primary_key=True, comment="the Monday, where most of their accounts are"),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    )
    letter = Column("letter", JSONB(), comment="what it tells instead of the data of its event")
    op.add_column("notices", letter)
    op.create_index(
        "ix_accounts_tam",
        "accounts",
        ["account_id"],
        postgresql_where=text("jsonb_typeof(tam) = 'object' AND sandbox_now IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_accounts_tam", "accounts")
    op.drop_column("notices", "letter")
    op.drop_table("tam_digests")
