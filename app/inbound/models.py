"""Hooks, what they received, and which alerts fire."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class HookRow(Base):
    """Where one sender posts to, and what becomes of it."""

    __tablename__ = "hooks"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    fields: Mapped[dict[str, Any]] = mapped_column(comment="the hook's settings, without the signature's secret")
    secrets: Mapped[list[str]] = mapped_column(comment="of an HMAC: those in force, newest first")
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index(None, "id"), Index(None, "account_id", "created_at", "id"), Index(None, "created_at", "id"))


class ReceiptRow(Base):
    """One payload as it came, and what became of it. Dropped after its retention."""

    __tablename__ = "receipts"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    hook_id: Mapped[str] = mapped_column(ID)
    event_key: Mapped[str | None] = mapped_column(ID, comment="the sender's id of it: a second one is a duplicate")
    format: Mapped[str]
    headers: Mapped[dict[str, Any]] = mapped_column(comment="those that say what the payload is")
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    size: Mapped[int] = mapped_column(comment="bytes of the body as it came")
    state: Mapped[str] = mapped_column(
        server_default="pending", comment="pending, processed, ignored, silenced, failed or refused"
    )
    done: Mapped[int] = mapped_column(server_default="0", comment="signals whose effects are written")
    signals: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"), comment="what each of them did")
    tickets: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"), comment="what was done to which ticket")
    left_out: Mapped[int] = mapped_column(server_default="0", comment="alerts that are not among its signals")
    error: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    processed_at: Mapped[datetime | None]
    omissions: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"), comment="what was left out, and why")
    maintenance_window_id: Mapped[str | None] = mapped_column(ID, comment="the window that held back any of its alerts")
    messages: Mapped[dict[str, Any] | None] = mapped_column(comment="how to say error and omissions in other languages")

    __table_args__ = (
        UniqueConstraint("account_id", "hook_id", "event_key"),
        Index(None, "id"),
        Index(None, "hook_id", "received_at", "id"),
        Index("ix_receipts_waiting", "received_at", postgresql_where=text("state = 'pending'")),
        Index("ix_receipts_turn", "hook_id", "received_at", "id", postgresql_where=text("state = 'pending'")),
    )


class ReceiptPieceRow(Base):
    """A piece of the body of a receipt, which is stored in the same transaction (``bodies.py``)."""

    __tablename__ = "receipt_pieces"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    receipt_id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    bytes: Mapped[bytes]

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)


class HookPayloadsRow(Base):
    """How many bytes of payloads a hook keeps (``payloads.py``)."""

    __tablename__ = "hook_payloads"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    hook_id: Mapped[str] = mapped_column(ID, primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger, comment="of the receipts that are kept")
    refused_at: Mapped[datetime | None] = mapped_column(comment="when the last one was refused for want of room")


class IncidentRow(Base):
    """The alerts that share one ticket: those of one key, or of one group. A later ticket takes the place of one."""

    __tablename__ = "incidents"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    hook_id: Mapped[str] = mapped_column(ID, primary_key=True)
    key: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID)
    open: Mapped[bool] = mapped_column(comment="something of it fires, or did at last hearing")
    messages: Mapped[int] = mapped_column("told", comment="messages that its changes have made on the ticket")
    changed_at: Mapped[datetime] = mapped_column(comment="real time")


class IncidentAlertRow(Base):
    """The last that was heard of one alert."""

    __tablename__ = "incident_alerts"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    hook_id: Mapped[str] = mapped_column(ID, primary_key=True)
    key: Mapped[str] = mapped_column(ID, primary_key=True)
    incident_key: Mapped[str] = mapped_column(ID)
    status: Mapped[str] = mapped_column(comment="firing or resolved")
    starts_at: Mapped[str | None] = mapped_column(comment="which time it fires, in the sender's words")
    digest: Mapped[str] = mapped_column(comment="of what it says")
    repeats: Mapped[int] = mapped_column(comment="times that the same was heard again")
    heard_at: Mapped[datetime] = mapped_column(comment="when the receipt came, real time")

    __table_args__ = (
        Index(
            "ix_incident_alerts_firing",
            "account_id",
            "hook_id",
            "incident_key",
            postgresql_where=text("status = 'firing'"),
        ),
        Index(None, "heard_at"),
    )
