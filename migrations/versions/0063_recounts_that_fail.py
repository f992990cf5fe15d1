"""Tickets that reports cannot count: how often it was tried in vain, and what failed."""

from alembic import op
from sqlalchemy import Column, Integer, String

revision = "0063"
down_revision = "0062"
branch_labels = depends_on = None


def upgrade() -> None:
    counted = "tries in a row that have failed; the one under way is among them"
    op.add_column("report_recounts", Column("failures", Integer, nullable=False, server_default="0", comment=counted))
    op.add_column("report_recounts", Column("error", String, comment="kind of the last one; null: none, or under way"))


def downgrade() -> None:
    for name in ("error", "failures"):
        op.drop_column("report_recounts", name)
