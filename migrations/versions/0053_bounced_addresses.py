"""Addresses from which mails came back, and notices that are held back for it."""

from alembic import op
from sqlalchemy import Column, DateTime, PrimaryKeyConstraint, String, text

revision = "0053"
down_revision = "0052"
branch_labels = depends_on = None

ID = String(collation="C")
_BEFORE = "pending, sent, failed, no_channel or suppressed"


def upgrade() -> None:
    op.create_table(
        "bounced_addresses",
        Column("account_id", ID, nullable=False),
        Column("email", ID, nullable=False),
        Column("status", String(), nullable=False, comment="by RFC 3463"),
        Column("reason", String(), nullable=False, comment="in the words of the server that refused it"),
        Column("notice_id", ID, nullable=False, comment="of the mail that came back"),
        Column("bounced_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        PrimaryKeyConstraint("account_id", "email", name=op.f("pk_bounced_addresses")),
    )
    op.create_index(None, "notices", ["id"])
    op.alter_column(
        "notices", "state", comment="pending, sent, failed, no_channel, suppressed or held", existing_comment=_BEFORE
    )


def downgrade() -> None:
    op.drop_index("ix_notices_id", "notices")
    op.execute("UPDATE notices SET state = 'suppressed' WHERE state = 'held'")
    op.alter_column(
        "notices", "state", comment=_BEFORE, existing_comment="pending, sent, failed, no_channel, suppressed or held"
    )
    op.drop_table("bounced_addresses")
