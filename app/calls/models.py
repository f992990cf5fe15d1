"""Calls of tickets, and rooms that were left behind."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class CallRow(Base):
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
    room: Mapped[str | None] = mapped_column(comment="what its provider calls it")
    room_host: Mapped[str | None] = mapped_column(comment="the provider's user who made the room")
    join_from: Mapped[datetime | None]  # the same as remind_at, for replicas that know it by this name
    join_by: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    decline_reason: Mapped[str | None]
    failure: Mapped[str | None]
    failures: Mapped[list[Any]] = mapped_column(comment="why providers failed so far", server_default=text("'[]'"))
    attempts: Mapped[int] = mapped_column(comment="of the first of `providers`", server_default="0")
    asked_at: Mapped[datetime | None] = mapped_column(comment="when the first of `providers` was first asked")
    next_attempt_at: Mapped[datetime | None] = mapped_column(comment="when a provider is asked; null otherwise")
    claim_id: Mapped[str | None] = mapped_column(comment="of the attempt whose outcome is not known yet")
    next_look_at: Mapped[datetime | None] = mapped_column(comment="when the room is looked at, or ended; null: never")
    remind_at: Mapped[datetime | None] = mapped_column(comment="when the customer is reminded")

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "ticket_id"], ["tickets.account_id", "tickets.id"], ondelete="CASCADE"),
        Index(None, "account_id", "ticket_id"),
        Index(None, "id"),
        Index("ix_calls_next_attempt_at", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
        Index("ix_calls_next_look_at", "next_look_at", postgresql_where=text("next_look_at IS NOT NULL")),
    )


class CallOrphanRow(Base):
    """A room that a provider made, or may have made, and that no call uses: nothing deletes it, nobody has its link."""

    __tablename__ = "call_orphans"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    call_id: Mapped[str] = mapped_column(ID)
    provider: Mapped[str]
    host: Mapped[str | None] = mapped_column(comment="the provider's user who made it, where that is known")
    room: Mapped[str | None] = mapped_column(comment="what the provider calls it; null: it may not exist at all")
    reason: Mapped[str]
    noticed_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "call_id"], ["calls.account_id", "calls.id"], ondelete="CASCADE"),
    )
