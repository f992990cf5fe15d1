"""E-mails that tickets have got."""

from alembic import op
from sqlalchemy import Boolean, Column, DateTime, PrimaryKeyConstraint, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0052"
down_revision = "0050"
branch_labels = depends_on = None

ID = String(collation="C")


def upgrade() -> None:
    op.create_table(
        "received_mails",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("hook_id", ID, nullable=False),
        Column("receipt_id", ID, nullable=False, comment="with the e-mail as it came, as long as receipts are kept"),
        Column("fingerprint", ID, nullable=False, comment="the same when it is delivered again"),
        Column("message_id", ID, comment="its Message-ID"),
        Column("posted_id", ID, comment="the message that it became; null: it opened the ticket"),
        Column("sender", ID, comment="the address in From"),
        Column("name", String(), nullable=False),
        Column("subject", String(), nullable=False),
        Column("text", String(), nullable=False, comment="the whole of it"),
        Column(
            "parts", JSONB(), nullable=False, server_default=text("'[]'"), comment="what it carried: name, type, size"
        ),
        Column("automatic", Boolean(), nullable=False, comment="a program has written it"),
        Column(
            "authentic",
            Boolean(),
            nullable=False,
            comment="the gateway has found that it is from its sender's domain",
        ),
        Column("noted", Boolean(), nullable=False, comment="it became an internal note, for nobody answers for it"),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_received_mails")),
        UniqueConstraint("account_id", "fingerprint", name=op.f("uq_received_mails_account_id_fingerprint")),
    )
    op.create_index(None, "received_mails", ["account_id", "ticket_id", "received_at", "id"])
    op.create_index(None, "received_mails", ["message_id"])
    op.create_index(None, "received_mails", ["account_id", "sender", "received_at"])


def downgrade() -> None:
    op.drop_table("received_mails")
