"""Escalation records."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base

OPEN_CONSTRAINT: Final = "uq_escalations_open"


class EscalationRow(Base):
    """One escalation of one ticket."""

    __tablename__ = "escalations"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID)
    sequence: Mapped[int] = mapped_column(comment="of the ticket's event that told of it")
    kind: Mapped[str] = mapped_column(comment="customer, engineer or service")
    subject: Mapped[str] = mapped_column(comment="what its acknowledgement deadline is filed under")
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(comment="requested, acknowledged, accepted, declined, withdrawn or closed")
    requested_by: Mapped[dict[str, Any]] = mapped_column(comment="an actor")
    justification: Mapped[str | None]
    requested_priority: Mapped[str | None]
    business_impact: Mapped[str | None]
    breach_verified: Mapped[bool | None]
    requested_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    decision: Mapped[str | None] = mapped_column(comment="what was said when it was accepted or declined")
    breaches: Mapped[list[Any]] = mapped_column(
        comment="the last cycles that broke the promise that it names", server_default=text("'[]'")
    )
    breach_count: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "ticket_id"], ["tickets.account_id", "tickets.id"], ondelete="CASCADE"),
        UniqueConstraint("account_id", "ticket_id", "subject"),
        Index(
            OPEN_CONSTRAINT,
            "account_id",
            "ticket_id",
            "kind",
            "reason",
            unique=True,
            postgresql_where=text("state IN ('requested', 'acknowledged') AND kind <> 'service'"),
        ),
        Index(None, "id"),
    )
