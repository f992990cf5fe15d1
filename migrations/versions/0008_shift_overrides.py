"""Shift overrides, and tokens for calendars of shifts."""

from typing import Final

from alembic import op
from sqlalchemy import Column, DateTime, LargeBinary, PrimaryKeyConstraint, String, UniqueConstraint

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID: Final = String(collation="C")
INSTANT: Final = DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shift_overrides",
        Column("id", ID, nullable=False),
        Column("engineer_id", ID, nullable=False, comment="whose shifts"),
        Column("covered_by", ID, nullable=False, comment="the engineer who works them"),
        Column("since", INSTANT, nullable=False),
        Column("until", INSTANT, nullable=False),
        Column("created_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("pk_shift_overrides")),
    )
    op.create_index(op.f("ix_shift_overrides_engineer_id_until"), "shift_overrides", ["engineer_id", "until"])
    op.create_index(op.f("ix_shift_overrides_covered_by_until"), "shift_overrides", ["covered_by", "until"])
    op.create_index(op.f("ix_shift_overrides_until"), "shift_overrides", ["until"])
    op.create_table(
        "calendar_tokens",
        Column("id", ID, nullable=False),
        Column("subject_id", ID, nullable=False, comment="the engineer or the region whose calendar it shows"),
        Column("token_hash", LargeBinary, nullable=False, comment="SHA-256 of the whole token"),
        Column("created_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("pk_calendar_tokens")),
        UniqueConstraint("token_hash", name=op.f("uq_calendar_tokens_token_hash")),
    )
    op.create_index(
        op.f("ix_calendar_tokens_subject_id_created_at_id"), "calendar_tokens", ["subject_id", "created_at", "id"]
    )


def downgrade() -> None:
    op.drop_table("calendar_tokens")
    op.drop_table("shift_overrides")
