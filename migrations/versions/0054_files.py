"""Tickets and messages have files."""

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, ForeignKeyConstraint, Integer, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0054"
down_revision = "0053"
branch_labels = depends_on = None

ID = String(collation="C")
INSTANT = DateTime(timezone=True)
_ATTACHED = "the files that came with it: id, name, type, size, state, reason, link"


def upgrade() -> None:
    for table in ("tickets", "messages"):
        op.add_column(table, Column("attachments", JSONB(), comment=_ATTACHED))
    op.create_table(
        "files",
        Column("account_id", ID, primary_key=True),
        Column("id", ID, primary_key=True),
        Column("ticket_id", ID),
        Column("message_id", ID, comment="null: of the ticket's opening"),
        Column("visibility", String(), comment="that of its message"),
        Column("owner", ID, nullable=False, comment="who may attach it, as keys and visitors are told apart"),
        Column("name", String(), nullable=False),
        Column("type", String(), nullable=False),
        Column("size", BigInteger(), nullable=False),
        Column(
            "state",
            String(),
            nullable=False,
            comment="waiting, held, scanning, ready, quarantined, left_out or dropped",
        ),
        Column("reason", String(), comment="why it was left out"),
        Column("finding", String(), comment="what the scanner has found"),
        Column(
            "failures",
            Integer(),
            nullable=False,
            server_default=text("0"),
            comment="in a row, of store or scanner",
        ),
        Column("created_at", INSTANT, nullable=False),
        Column("due_at", INSTANT, comment="when it is to be stored, or scanned"),
        ForeignKeyConstraint(
            ["account_id", "ticket_id"],
            ["tickets.account_id", "tickets.id"],
            name=op.f("fk_files_account_id_ticket_id_tickets"),
            ondelete="SET NULL (ticket_id)",
        ),
    )
    op.create_index(None, "files", ["account_id", "ticket_id"])
    op.create_index("ix_files_due", "files", ["due_at"], postgresql_where=text("due_at IS NOT NULL"))
    op.create_index("ix_files_nobodys", "files", ["created_at"], postgresql_where=text("ticket_id IS NULL"))
    op.create_table(
        "file_chunks",
        Column("account_id", ID, primary_key=True),
        Column("file_id", ID, primary_key=True),
        Column("number", Integer(), primary_key=True),
        Column("bytes", LargeBinary(), nullable=False),
        ForeignKeyConstraint(
            ["account_id", "file_id"],
            ["files.account_id", "files.id"],
            name=op.f("fk_file_chunks_account_id_file_id_files"),
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("file_chunks")
    op.drop_table("files")
    for table in ("messages", "tickets"):
        op.drop_column(table, "attachments")
