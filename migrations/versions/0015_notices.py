"""Notices: whose are due, and which ones failed."""

from alembic import op
from sqlalchemy import text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_notices_due",
        "notices",
        ["account_id", "next_attempt_at"],
        postgresql_where=text("next_attempt_at IS NOT NULL"),
    )
    op.create_index("ix_notices_failed", "notices", ["finished_at"], postgresql_where=text("state = 'failed'"))


def downgrade() -> None:
    op.drop_index("ix_notices_failed", "notices")
    op.drop_index("ix_notices_due", "notices")
