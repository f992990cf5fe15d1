"""Notices to people: the outbox behind e-mail and the operator's own channels."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class NoticeRow(Base):
    """One event to be told to one person. ``next_attempt_at`` is schedule and lease, as with deliveries."""

    __tablename__ = "notices"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    event_id: Mapped[str] = mapped_column(ID)
    recipient: Mapped[dict[str, Any]] = mapped_column(comment="role, name, email, locale")
    state: Mapped[str] = mapped_column(
        server_default="pending", comment="pending, sent, failed, no_channel, suppressed or held"
    )
    sent_by: Mapped[list[str]] = mapped_column(server_default=text("'[]'"), comment="channels that have taken it")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None]
    claim_id: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None]
    error_message: Mapped[dict[str, Any] | None] = mapped_column(comment="how to say the error in other languages")
    letter: Mapped[dict[str, Any] | None] = mapped_column(comment="what it tells instead of the data of its event")

    __table_args__ = (
        Index(None, "event_id"),
        Index(None, "id"),
        Index("ix_notices_due", "account_id", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
        Index("ix_notices_failed", "finished_at", postgresql_where=text("state = 'failed'")),
        Index("ix_notices_next_attempt_at", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
    )


class MailingRow(Base):
    """What has happened on a ticket gathers for one mail to its customers, until it is due."""

    __tablename__ = "mailings"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID, primary_key=True)
    since: Mapped[int] = mapped_column(comment="the sequence of the first event that it tells")
    due_at: Mapped[datetime]

    __table_args__ = (Index(None, "account_id", "due_at"), Index(None, "due_at"))


class TicketMuteRow(Base):
    """Somebody gets no more mails about a ticket."""

    __tablename__ = "ticket_mutes"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID, primary_key=True)
    email: Mapped[str] = mapped_column(ID, primary_key=True)
    muted_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class BouncedAddressRow(Base):
    """An address from which a mail came back: mails to customers are held back until somebody lifts that."""

    __tablename__ = "bounced_addresses"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    email: Mapped[str] = mapped_column(ID, primary_key=True)
    status: Mapped[str] = mapped_column(comment="by RFC 3463")
    reason: Mapped[str] = mapped_column(comment="in the words of the server that refused it")
    notice_id: Mapped[str] = mapped_column(ID, comment="of the mail that came back")
    bounced_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class GuestMailRow(Base):
    """When a mailbox for which nobody vouches was written to last. A reference table: it holds for all accounts."""

    __tablename__ = "guest_mails"

    mailbox: Mapped[str] = mapped_column(ID, primary_key=True, comment="a hash of the address")
    sent_at: Mapped[datetime]


class AlertLinkRow(Base):
    """A secret that answers one alert for its engineer. A reference table: looked up before its account is known."""

    __tablename__ = "alert_links"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, comment="SHA-256 of the whole token")
    account_id: Mapped[str] = mapped_column(ID)
    alert_id: Mapped[str] = mapped_column(ID)
    engineer_id: Mapped[str] = mapped_column(ID)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
