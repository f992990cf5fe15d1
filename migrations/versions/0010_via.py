"""The ways of messages: a name for the installation, and through which ones an event's cause has come."""

from typing import Final

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint, String

from app.core.ids import new_id

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID: Final = String(collation="C")


def upgrade() -> None:
    installations = op.create_table(
        "installations",
        Column("id", ID, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("pk_installations")),
    )
    op.bulk_insert(installations, [{"id": new_id("inst")}])
    op.add_column(
        "events",
        Column("via", String(), comment="installations through which what caused it has come (core/via.py)"),
    )
    op.alter_column(
        "receipts",
        "state",
        comment="pending, processed, ignored, failed or refused",
        existing_comment="pending, processed, ignored or failed",
    )


def downgrade() -> None:
    op.drop_table("installations")
    op.drop_column("events", "via")
