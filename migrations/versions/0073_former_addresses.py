"""Addresses that were people's: what follows tickets under them is yet to be ended."""

from alembic import op
from sqlalchemy import Column, DateTime, PrimaryKeyConstraint, String, text

revision = "0073"
down_revision = "0072"
branch_labels = depends_on = None

ID = String(collation="C")


def upgrade() -> None:
    op.create_table(
        "former_addresses",
        Column("account_id", ID, nullable=False),
        Column("email", ID, nullable=False, comment="as the person had it"),
        Column("person_id", ID, nullable=False, comment="who had it: deleted, or a person with another address now"),
        Column("due_at", DateTime(timezone=True), server_default=text("clock_timestamp()"), nullable=False),
        PrimaryKeyConstraint("account_id", "email", name=op.f("pk_former_addresses")),
    )
    op.create_index(op.f("ix_former_addresses_due_at"), "former_addresses", ["due_at"])


def downgrade() -> None:
    op.drop_table("former_addresses")
