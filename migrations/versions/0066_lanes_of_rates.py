"""In a lane, what has its place at the endpoint's rate goes ahead of what has none yet."""

from alembic import op
from sqlalchemy import TextClause, text

revision = "0066"
down_revision = "0065"
branch_labels = depends_on = None

WAITING = "queued AND next_attempt_at IS NOT NULL"
LANE = ["owner_id", "endpoint_id", "account_id"]
BEFORE = [*LANE, text("(attempts = 0)"), "next_attempt_at"]
NOW = [*LANE, text("(NOT paced)"), text("(attempts = 0)"), "next_attempt_at"]
INVALID = text("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid)")


def upgrade() -> None:
    _replace("ix_deliveries_lane", "ix_deliveries_lanes", NOW)


def downgrade() -> None:
    _replace("ix_deliveries_lanes", "ix_deliveries_lane", BEFORE)


def _replace(old: str, new: str, columns: list[str | TextClause]) -> None:
    # Deliveries are sent meanwhile. Each step is committed by itself, and can be done again after one that failed.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        if op.get_bind().execute(INVALID, {"name": new}).scalar_one():  # a build that was interrupted
            op.drop_index(new, "deliveries", postgresql_concurrently=True)
        op.create_index(
            new,
            "deliveries",
            columns,
            postgresql_where=text(WAITING),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index(old, "deliveries", postgresql_concurrently=True, if_exists=True)
        op.execute("RESET lock_timeout")
