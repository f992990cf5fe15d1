"""Tickets that the sweep puts aside; claims that can leave out accounts without reading their tickets."""

from alembic import op
from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, String, text

revision = "0011"
down_revision = "0010"
branch_labels = depends_on = None

LIVE = text("wake_at IS NOT NULL AND NOT sandbox")


def _id(name: str) -> Column[str]:
    return Column(name, String(collation="C"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "postponements",
        _id("account_id"),
        _id("ticket_id"),
        Column("failures", Integer(), nullable=False, comment="in a row; from the second on, operators are told"),
        Column("reason", String(), nullable=False, comment="of the last one: failed or slow"),
        Column("error", String(), nullable=False, comment="its kind"),
        Column("since", DateTime(timezone=True), nullable=False, comment="the first one"),
        Column("retry_at", DateTime(timezone=True), nullable=False),
        ForeignKeyConstraint(
            ["account_id", "ticket_id"],
            ["tickets.account_id", "tickets.id"],
            name=op.f("fk_postponements_account_id_ticket_id_tickets"),
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("account_id", "ticket_id", name=op.f("pk_postponements")),
    )
    op.create_index(op.f("ix_postponements_retry_at"), "postponements", ["retry_at"])
    op.create_index(
        "ix_tickets_wakes", "tickets", ["wake_at"], postgresql_include=["account_id", "id"], postgresql_where=LIVE
    )
    op.drop_index("ix_tickets_wake_at", "tickets")


def downgrade() -> None:
    # Nobody would try a ticket again that has no timer.
    op.execute("""
        UPDATE tickets SET wake_at = p.retry_at FROM postponements AS p
        WHERE tickets.account_id = p.account_id AND tickets.id = p.ticket_id
    """)
    op.create_index("ix_tickets_wake_at", "tickets", ["wake_at"], postgresql_where=LIVE)
    op.drop_index("ix_tickets_wakes", "tickets")
    op.drop_table("postponements")
