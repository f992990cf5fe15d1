"""Events: never changed, never dropped while their ticket exists."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class EventRow(Base):
    """One thing that happened, as it is told to everybody."""

    __tablename__ = "events"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str | None] = mapped_column(ID)
    sequence: Mapped[int | None] = mapped_column(comment="the ticket's own numbering, without gaps")
    type: Mapped[str]
    timestamp: Mapped[datetime] = mapped_column(comment="the business instant")
    actor: Mapped[dict[str, Any]]
    audience: Mapped[str] = mapped_column(comment="public or internal")
    sandbox: Mapped[bool]
    data: Mapped[dict[str, Any]]
    position: Mapped[int] = mapped_column(
        BigInteger, Identity(), comment="the place in the feed, given when the row is written, before its commit"
    )
    recorded_at: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="real time, also a sandbox's")
    via: Mapped[str | None] = mapped_column(comment="installations through which what caused it has come")
    ticket: Mapped[dict[str, Any] | None] = mapped_column(comment="a stub of the ticket right after the event")

    __table_args__ = (
        Index("uq_events_account_id_ticket_id_sequence", "account_id", "ticket_id", "sequence", unique=True),
        # Every id is greater than ''. A query that does not say so cannot use the index: the planner would take it for
        # the events of one account too, and walk past those of all others.
        Index("ix_events_position", "position", postgresql_where=text("id > ''")),
        Index(None, "account_id", "position"),
        Index(None, "recorded_at", postgresql_using="brin"),
    )
