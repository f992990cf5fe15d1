"""Maintenance windows, and the alerts that they hold back."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class MaintenanceWindowRow(Base):
    """A time in which an account's alerts open nothing: those of one hook, of one product, or all."""

    __tablename__ = "maintenance_windows"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    hook_id: Mapped[str | None] = mapped_column(ID)
    product: Mapped[str | None]
    reason: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(comment="the account's instant, as ends_at")
    ends_at: Mapped[datetime]
    created_by: Mapped[dict[str, Any]]
    sandbox: Mapped[bool]
    due_at: Mapped[datetime | None] = mapped_column(
        comment="when it starts, then when it ends; null once all that it held back is open"
    )
    started_at: Mapped[datetime | None] = mapped_column(comment="real time at which its start was told")
    ended_at: Mapped[datetime | None] = mapped_column(comment="real time at which its end was told")
    cancelled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "id"),
        Index(None, "account_id", "starts_at", "id"),
        Index(None, "starts_at", "id"),
        Index("ix_maintenance_windows_due", "sandbox", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_maintenance_windows_open", "account_id", "ends_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    @property
    def state(self) -> str:
        """How far it has come: scheduled, active, ended or cancelled."""
        if self.cancelled_at:
            return "cancelled"
        if self.ended_at:
            return "ended"
        return "active" if self.started_at else "scheduled"


class SilencedAlertRow(Base):
    """An alert that a window holds back, in the state in which it was last heard of."""

    __tablename__ = "silenced_alerts"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    hook_id: Mapped[str] = mapped_column(ID, primary_key=True)
    key: Mapped[str] = mapped_column(ID, primary_key=True)
    status: Mapped[str] = mapped_column(comment="firing or resolved")
    starts_at: Mapped[str | None] = mapped_column(comment="which time it fires, in the sender's words")
    digest: Mapped[str] = mapped_column(comment="of what it says")
    repeats: Mapped[int]
    heard_at: Mapped[datetime] = mapped_column(comment="when the last receipt of it came, real time")
    since: Mapped[datetime] = mapped_column(comment="the account's instant at which it was first held back")
    signal: Mapped[dict[str, Any]] = mapped_column(comment="the alert as signal.Signal has it")
    receipt_id: Mapped[str] = mapped_column(ID)
    via: Mapped[str | None] = mapped_column(comment="the installations through which it has come")
