"""A link to a ticket names the key that made it, with which it ends."""

from alembic import op
from sqlalchemy import Column, String, text

revision = "0035"
down_revision = "0028"
branch_labels = depends_on = None


def upgrade() -> None:
    made_by = Column("made_by", String(collation="C"), comment="of a link to a ticket: the key that made it")
    op.add_column("api_keys", made_by)
    named = text("made_by IS NOT NULL")
    op.create_index("ix_api_keys_made_by", "api_keys", ["made_by"], postgresql_where=named)


def downgrade() -> None:
    op.drop_column("api_keys", "made_by")
