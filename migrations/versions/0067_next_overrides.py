"""The shift overrides by which an engineer is next to stand in for somebody, however many others there are."""

from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_index("ix_shift_overrides_covered_by_since", "shift_overrides", ["covered_by", "since"])


def downgrade() -> None:
    op.drop_index("ix_shift_overrides_covered_by_since", "shift_overrides")
