"""Mails to requesters: what gathers for one, who has muted a ticket, who follows it, and what signs their links."""

from alembic import op
from sqlalchemy import Column, DateTime, Integer, PrimaryKeyConstraint, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0046"
down_revision = "0042"
branch_labels = depends_on = None

ID = String(collation="C")


def upgrade() -> None:
    op.create_table(
        "mailings",
        Column("account_id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("since", Integer(), nullable=False, comment="the sequence of the first event that it tells"),
        Column("due_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("account_id", "ticket_id", name=op.f("pk_mailings")),
    )
    op.create_index(op.f("ix_mailings_account_id_due_at"), "mailings", ["account_id", "due_at"])
    op.create_index(op.f("ix_mailings_due_at"), "mailings", ["due_at"])
    op.create_table(
        "ticket_mutes",
        Column("account_id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("email", ID, nullable=False),
        Column("muted_at", DateTime(timezone=True), server_default=text("now()"), nullable=False),
        PrimaryKeyConstraint("account_id", "ticket_id", "email", name=op.f("pk_ticket_mutes")),
    )
    followers = Column("watchers", JSONB(), comment="who follows it beside its requester: email, name, locale")
    op.add_column("tickets", followers)
    secret = Column(
        "mail_secret",
        String(),
        server_default=text("replace(((gen_random_uuid())::text || (gen_random_uuid())::text), '-'::text, ''::text)"),
        nullable=False,
        comment="signs addresses and links in mails",
    )
    op.add_column("installations", secret)


def downgrade() -> None:
    op.drop_column("installations", "mail_secret")
    op.drop_column("tickets", "watchers")
    op.drop_table("ticket_mutes")
    op.drop_table("mailings")
