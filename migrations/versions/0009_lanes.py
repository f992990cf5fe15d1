"""Deliveries wait in lanes: for each owner of endpoints, endpoint and account."""

from typing import Final

from alembic import op
from sqlalchemy import Boolean, Column, String, text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID: Final = String(collation="C")
_OWNERS: Final = """
UPDATE deliveries AS d SET owner_id = w.account_id
FROM webhook_endpoints AS w WHERE w.id = d.endpoint_id AND w.account_id IS NOT NULL AND d.state = 'pending'
"""


def upgrade() -> None:
    op.add_column(
        "deliveries",
        Column(
            "owner_id",
            ID,
            server_default="-",
            nullable=False,
            comment="the endpoint's account; '-' for an operator's",
        ),
    )
    op.add_column(
        "deliveries",
        Column(
            "queued",
            Boolean(),
            server_default=text("false"),
            nullable=False,
            comment="goes as soon as there is a slot; else at its instant",
        ),
    )
    op.execute(_OWNERS)
    for name in ("first_due", "retry_due", "turn"):
        op.drop_index(f"ix_deliveries_{name}", "deliveries")
    op.create_index(
        "ix_deliveries_lane",
        "deliveries",
        ["owner_id", "endpoint_id", "account_id", text("(attempts = 0)"), "next_attempt_at"],
        postgresql_where=text("queued AND next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_scheduled",
        "deliveries",
        ["next_attempt_at"],
        postgresql_where=text("NOT queued AND next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_pending",
        "deliveries",
        ["owner_id", "endpoint_id", "ticket_id", "sequence"],
        postgresql_where=text("state = 'pending'"),
    )


def downgrade() -> None:
    for name in ("lane", "scheduled", "pending"):
        op.drop_index(f"ix_deliveries_{name}", "deliveries")
    for name in ("owner_id", "queued"):
        op.drop_column("deliveries", name)
    op.create_index(
        "ix_deliveries_first_due",
        "deliveries",
        ["next_attempt_at"],
        postgresql_where=text("attempts = 0 AND next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_retry_due",
        "deliveries",
        ["next_attempt_at"],
        postgresql_where=text("attempts > 0 AND next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_turn",
        "deliveries",
        ["endpoint_id", "ticket_id", "sequence"],
        postgresql_where=text("state = 'pending' AND attempts = 0 AND sequence IS NOT NULL"),
    )
