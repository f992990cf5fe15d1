"""Calls say when their customer is reminded, and escalations which promises were broken."""

from alembic import op
from sqlalchemy import Column, DateTime, Integer
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0021"
branch_labels = depends_on = None


def upgrade() -> None:
    # Beside `join_from`, the same instant: replicas of the version before go on reading and writing that one.
    op.add_column("calls", Column("remind_at", DateTime(timezone=True), comment="when the customer is reminded"))
    op.execute("UPDATE calls SET remind_at = join_from WHERE join_from IS NOT NULL")
    what = "the last cycles that broke the promise that it names"
    op.add_column("escalations", Column("breaches", JSONB(), nullable=False, server_default="[]", comment=what))
    op.add_column("escalations", Column("breach_count", Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("escalations", "breach_count")
    op.drop_column("escalations", "breaches")
    op.drop_column("calls", "remind_at")
