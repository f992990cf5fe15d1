"""Deadlines as rows: one for each cycle of each metric of a ticket."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class DeadlineRow(Base):
    """One cycle of one metric. Written only by storing a clock (``sla/deadlines.py``)."""

    __tablename__ = "deadlines"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID)
    metric: Mapped[str]
    subject: Mapped[str] = mapped_column(
        server_default="", comment="the escalation, alert or call that an ack is about"
    )
    cycle: Mapped[int]
    priority: Mapped[str]
    state: Mapped[str] = mapped_column(comment="running, paused, missed, met, met_late or cancelled")
    live: Mapped[bool] = mapped_column(comment="whether the clock still needs it: not ended, or it may revive (C12)")
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(comment="null exactly while paused, or when it ended so")
    missed_at: Mapped[datetime | None]
    noticed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    stopped_by: Mapped[str | None]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(comment="spans, warnings, chain: what the clock needs to go on")

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "ticket_id"], ["tickets.account_id", "tickets.id"], ondelete="CASCADE"),
        UniqueConstraint("account_id", "ticket_id", "metric", "subject", "cycle"),
        Index(None, "id"),
        Index("ix_deadlines_live", "account_id", "ticket_id", postgresql_where=text("live")),
        {"postgresql_with": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02}},
    )
