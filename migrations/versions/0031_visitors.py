"""Tickets know the visitors who opened them; keys open single tickets; stream tokens are bound to visitors."""

from alembic import op
from sqlalchemy import Boolean, Column, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0030"
branch_labels = depends_on = None

_KINDS = "admin, agent, account, hook, widget or ticket"
_KINDS_BEFORE = "admin, agent, account, hook or widget"


def upgrade() -> None:
    op.add_column("tickets", Column("visitor_marks", JSONB(), comment="of the visitor who opened it, whose own it is"))
    op.add_column(
        "tickets",
        Column(
            "unconfirmed",
            Boolean(),
            server_default=text("false"),
            nullable=False,
            comment="opened by a guest, and support has done nothing about it: nobody is alerted, no call is made",
        ),
    )
    asked = Column("requested_priority", String(), comment="what a guest asked for, who cannot have it")
    op.add_column("tickets", asked)
    op.create_index(
        "ix_tickets_visitors",
        "tickets",
        ["visitor_marks"],
        postgresql_using="gin",
        postgresql_where=text("visitor_marks IS NOT NULL"),
    )
    access = "of a ticket key: what it opens (account_id, ticket_id), and for whom"
    op.add_column("api_keys", Column("ticket", JSONB(), comment=access))
    op.alter_column("api_keys", "kind", comment=_KINDS)
    op.drop_index("ix_api_keys_created_at_id", "api_keys")
    listed, tickets = text("kind <> 'ticket'"), text("kind = 'ticket'")
    op.create_index("ix_api_keys_listed", "api_keys", ["created_at", "id"], postgresql_where=listed)
    op.create_index("ix_api_keys_ended", "api_keys", ["expires_at"], postgresql_where=tickets)
    of_ticket = [text("(ticket ->> 'ticket_id')")]
    op.create_index("ix_api_keys_tickets", "api_keys", of_ticket, postgresql_where=tickets)
    visitor = Column("visitor", JSONB(), comment="who asked for it, where that was a visitor")
    op.add_column("stream_tokens", visitor)


def downgrade() -> None:
    op.drop_column("stream_tokens", "visitor")
    op.drop_index("ix_api_keys_tickets", "api_keys")
    op.drop_index("ix_api_keys_ended", "api_keys")
    op.drop_index("ix_api_keys_listed", "api_keys")
    op.execute("DELETE FROM api_keys WHERE kind = 'ticket'")
    op.create_index("ix_api_keys_created_at_id", "api_keys", ["created_at", "id"])
    op.alter_column("api_keys", "kind", comment=_KINDS_BEFORE)
    op.drop_column("api_keys", "ticket")
    op.drop_index("ix_tickets_visitors", "tickets")
    for name in ("requested_priority", "unconfirmed", "visitor_marks"):
        op.drop_column("tickets", name)
