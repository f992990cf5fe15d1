"""Files, and the bytes of those that are not in their store yet."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class FileRow(Base):
    """A file of a ticket, or one that may become so. Where its ticket goes, it is nobody's, and is dropped."""

    __tablename__ = "files"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str | None] = mapped_column(ID)
    message_id: Mapped[str | None] = mapped_column(ID, comment="null: of the ticket's opening")
    visibility: Mapped[str | None] = mapped_column(comment="that of its message")
    owner: Mapped[str] = mapped_column(ID, comment="who may attach it, as keys and visitors are told apart")
    name: Mapped[str]
    type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger())
    state: Mapped[str] = mapped_column(comment="waiting, held, scanning, ready, quarantined, left_out or dropped")
    reason: Mapped[str | None] = mapped_column(comment="why it was left out")
    finding: Mapped[str | None] = mapped_column(comment="what the scanner has found")
    failures: Mapped[int] = mapped_column(default=0, server_default=text("0"), comment="in a row, of store or scanner")
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(comment="when it is to be stored, or scanned")

    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "ticket_id"], ["tickets.account_id", "tickets.id"], ondelete="SET NULL (ticket_id)"
        ),
        Index(None, "account_id", "ticket_id"),
        Index("ix_files_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_files_nobodys", "created_at", postgresql_where=text("ticket_id IS NULL")),
    )


class FileChunkRow(Base):
    """A part of a file that came within a transaction, until it is in the store."""

    __tablename__ = "file_chunks"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    file_id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    bytes: Mapped[bytes]

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "file_id"], ["files.account_id", "files.id"], ondelete="CASCADE"),
    )
