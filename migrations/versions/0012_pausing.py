"""Endpoints that are behind: those that pause, and those beyond the quota."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, text

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "webhook_endpoints",
        Column(
            "direct",
            Boolean(),
            server_default=text("true"),
            nullable=False,
            comment="deliveries are made as events are recorded; else by catch_up.py",
        ),
    )
    op.add_column(
        "webhook_endpoints",
        Column(
            "behind_from",
            BigInteger(),
            comment="position in the feed up to which its deliveries are made, where some may be missing",
        ),
    )
    op.add_column("webhook_endpoints", Column("paused_at", DateTime(timezone=True)))
    op.add_column("webhook_endpoints", Column("resumed_at", DateTime(timezone=True)))
    op.create_index(
        "ix_webhook_endpoints_behind",
        "webhook_endpoints",
        ["behind_from", "id"],
        postgresql_where=text("behind_from IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_webhook_endpoints_behind", "webhook_endpoints")
    for name in ("direct", "behind_from", "paused_at", "resumed_at"):
        op.drop_column("webhook_endpoints", name)
