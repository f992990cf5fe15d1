"""In a lane, what has its place at the endpoint's rate goes ahead of what has none yet."""

from alembic import op
from sqlalchemy import text

revision = "0066"
down_revision = "0065"
branch_labels = depends_on = None

WAITING = "queued AND next_attempt_at IS NOT NULL"
LANE = ["owner_id", "endpoint_id", "account_id"]
BEFORE = [*LANE, text("(attempts = 0)"), "next_attempt_at"]
NOW = [*LANE, text("(NOT paced)"), text("(attempts = 0)"), "next_attempt_at"]


def upgrade() -> None:
    op.drop_index("ix_deliveries_lane", "deliveries")
    op.create_index("ix_deliveries_lane", "deliveries", NOW, postgresql_where=text(WAITING))


def downgrade() -> None:
    op.drop_index("ix_deliveries_lane", "deliveries")
    op.create_index("ix_deliveries_lane", "deliveries", BEFORE, postgresql_where=text(WAITING))
