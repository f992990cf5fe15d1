"""What replicas tell each other of rates."""

from typing import Final

from alembic import op
from sqlalchemy import Column, DateTime, Float, Integer, PrimaryKeyConstraint, String

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID: Final = String(collation="C")


def upgrade() -> None:
    op.create_table(
        "rate_levels",
        Column("name", ID, nullable=False, comment="the rate and whom it limits"),
        Column("share", Float, nullable=False, comment="the part of the bucket that was used at `at`"),
        Column("seconds", Integer, nullable=False, comment="in which an empty bucket fills"),
        Column("at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("name", name="pk_rate_levels"),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.drop_table("rate_levels")
