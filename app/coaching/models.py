"""Coaching notes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class CoachingNoteRow(Base):
    """A note on a ticket to an engineer, which customers never see."""

    __tablename__ = "coaching_notes"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID)
    engineer_id: Mapped[str] = mapped_column(ID, comment="to whom it is addressed")
    author: Mapped[dict[str, Any]]
    body: Mapped[str]
    created_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "id"),
        Index(None, "account_id", "ticket_id", "created_at", "id"),
        Index(None, "engineer_id", "created_at", "id"),
        Index(None, "created_at", "id"),
    )
