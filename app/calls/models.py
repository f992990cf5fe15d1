"""Calls of tickets."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import ID, Base


class Call(Base):
    """One call of one ticket; provisioned under a lease when a provider has to make the link."""

    __tablename__ = "calls"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID)
    sequence: Mapped[int] = mapped_column(comment="of the ticket's event that asked for it")
    state: Mapped[str] = mapped_column(comment="requested, ready, joined, declined, no_show, failed or ended")
    provider: Mapped[str | None]
    providers: Mapped[list[str]] = mapped_column(comment="still to try, in order", server_default=text("'[]'"))
    join_url: Mapped[str | None]
    join_from: Mapped[datetime | None]
    join_by: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    decline_reason: Mapped[str | None]
    failure: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None] = mapped_column(comment="when a provider is asked; null otherwise")
    claim_id: Mapped[str | None]

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "ticket_id"], ["tickets.account_id", "tickets.id"], ondelete="CASCADE"),
        Index(None, "account_id", "ticket_id"),
        Index(None, "id"),
        Index("ix_calls_next_attempt_at", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
    )
