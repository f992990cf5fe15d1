"""What was left out of a payload that a hook received."""

from alembic import op
from sqlalchemy import Column, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "receipts",
        Column("omissions", JSONB(), server_default=text("'[]'"), nullable=False, comment="what was left out, and why"),
    )


def downgrade() -> None:
    op.drop_column("receipts", "omissions")
