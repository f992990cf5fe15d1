"""The queue for experts: an index in its order, and rounds of paging for what waits in it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_tickets_queue ON tickets (sandbox, account_id, ((routing ->> 'rank')::int), queued_at, id)"
        " WHERE queued_at IS NOT NULL"
    )
    # What was queued before there were rounds begins one: the sweep looks at it at once.
    op.execute(
        "UPDATE tickets SET route_at = now(), wake_at = least(wake_at, now())"
        " WHERE queued_at IS NOT NULL AND NOT sandbox"
    )


def downgrade() -> None:
    op.drop_index("ix_tickets_queue", "tickets")
