"""E-mails that tickets have received."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class ReceivedMailRow(Base):
    """One e-mail about a ticket, whole: what it quotes, its signature, and what it carried."""

    __tablename__ = "received_mails"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID)
    hook_id: Mapped[str] = mapped_column(ID)
    receipt_id: Mapped[str] = mapped_column(ID, comment="with the e-mail as it came, as long as receipts are kept")
    fingerprint: Mapped[str] = mapped_column(ID, comment="the same when it is delivered again")
    message_id: Mapped[str | None] = mapped_column(ID, comment="its Message-ID")
    posted_id: Mapped[str | None] = mapped_column(ID, comment="the message that it became; null: it opened the ticket")
    sender: Mapped[str | None] = mapped_column(ID, comment="the address in From")
    name: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str] = mapped_column(comment="the whole of it")
    parts: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'"), comment="what it carried: name, type, size")
    automatic: Mapped[bool] = mapped_column(comment="a program has written it")
    authentic: Mapped[bool] = mapped_column(comment="the gateway has found that it is from its sender's domain")
    noted: Mapped[bool] = mapped_column(comment="it became an internal note, for nobody answers for it")
    received_at: Mapped[datetime] = mapped_column(server_default=sql("clock_timestamp()"))

    __table_args__ = (
        UniqueConstraint("account_id", "fingerprint"),
        Index(None, "account_id", "ticket_id", "received_at", "id"),
        Index(None, "message_id"),
        Index(None, "account_id", "sender", "received_at"),
    )
