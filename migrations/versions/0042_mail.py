"""Guests get a mail that confirms their ticket, to one mailbox at most once an hour."""

from alembic import op
from sqlalchemy import Boolean, Column, DateTime, PrimaryKeyConstraint, String, text

revision = "0042"
down_revision = "0049"
branch_labels = depends_on = None

_STATES = "pending, sent, failed or no_channel"
_OF_GUESTS = """
UPDATE tickets AS t SET address_unconfirmed = true
WHERE t.unconfirmed OR t.id IN (
    SELECT k.ticket ->> 'ticket_id' FROM api_keys AS k WHERE k.kind = 'ticket' AND k.ticket ->> 'email' IS NULL
)
"""


def upgrade() -> None:
    op.create_table(
        "guest_mails",
        Column("mailbox", String(collation="C"), nullable=False, comment="a hash of the address"),
        Column("sent_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("mailbox", name=op.f("pk_guest_mails")),
    )
    said = "a guest has stated the requester's address, and nobody has shown yet that they read its mail"
    unconfirmed = Column("address_unconfirmed", Boolean(), server_default=text("false"), nullable=False, comment=said)
    op.add_column("tickets", unconfirmed)
    op.execute(_OF_GUESTS)
    states = "pending, sent, failed, no_channel or suppressed"
    op.alter_column("notices", "state", comment=states, existing_comment=_STATES)


def downgrade() -> None:
    op.alter_column("notices", "state", comment=_STATES)
    op.drop_column("tickets", "address_unconfirmed")
    op.drop_table("guest_mails")
