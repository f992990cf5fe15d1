"""Engineers, their regions, who is held and who was alerted. The roster is a reference: it serves many accounts.

A sandbox account has engineers and regions of its own.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class RegionRow(Base):
    """A part of the world whose engineers work at the same hours."""

    __tablename__ = "regions"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ID, comment="only for a sandbox account's own regions")
    key: Mapped[str] = mapped_column(ID)
    name: Mapped[str]
    place: Mapped[int] = mapped_column(comment="in the order in which the sun reaches the regions")
    calendar: Mapped[dict[str, Any]] = mapped_column(comment="the shift of its engineers that have none of their own")
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("account_id", "key", postgresql_nulls_not_distinct=True),
        Index(None, "account_id", "place", "id"),
    )


class EngineerRow(Base):
    """A support engineer."""

    __tablename__ = "engineers"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ID, comment="only for a sandbox account's own engineers")
    name: Mapped[str]
    email: Mapped[str]
    tier: Mapped[int] = mapped_column(server_default="1")
    region: Mapped[str | None] = mapped_column(comment="the key of a region")
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    languages: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    products: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    capacity: Mapped[int] = mapped_column(server_default="5")
    shifts: Mapped[dict[str, Any] | None] = mapped_column(comment="a calendar; null: the region's, else 24x7")
    absences: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    display_name: Mapped[str | None] = mapped_column(comment="what customers see; null: the name")

    __table_args__ = (Index(None, "account_id", "created_at", "id"), Index(None, "created_at", "id"))


class ShiftOverrideRow(Base):
    """Somebody works an engineer's shifts from one instant to another. A reference table, as the engineers are."""

    __tablename__ = "shift_overrides"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    engineer_id: Mapped[str] = mapped_column(ID, comment="whose shifts")
    covered_by: Mapped[str] = mapped_column(ID, comment="the engineer who works them")
    since: Mapped[datetime]
    until: Mapped[datetime]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "engineer_id", "until"),
        Index(None, "covered_by", "until"),
        Index(None, "covered_by", "since"),
        Index(None, "until"),
    )


class CalendarTokenRow(Base):
    """A secret that shows one calendar of shifts, stored hashed. A reference table: it belongs to no account."""

    __tablename__ = "calendar_tokens"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    subject_id: Mapped[str] = mapped_column(ID, comment="the engineer or the region whose calendar it shows")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, comment="SHA-256 of the whole token")
    created_at: Mapped[datetime]

    __table_args__ = (Index(None, "subject_id", "created_at", "id"),)


class ExpertHoldRow(Base):
    """An engineer works on one ticket and nothing else (G2): the key is the wall behind the choice of experts."""

    __tablename__ = "expert_holds"

    engineer_id: Mapped[str] = mapped_column(ID, primary_key=True)
    account_id: Mapped[str] = mapped_column(ID)
    ticket_id: Mapped[str] = mapped_column(ID)
    since: Mapped[datetime]


class ExpertAlertRow(Base):
    """An alert that asks an expert to take a ticket now."""

    __tablename__ = "alerts"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID)
    sequence: Mapped[int] = mapped_column(comment="of the ticket's event that told of it")
    engineer_id: Mapped[str] = mapped_column(ID)
    state: Mapped[str] = mapped_column(comment="alerted, accepted, declined, expired or cancelled")
    alerted_at: Mapped[datetime]
    accept_by: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(comment="why it was declined or cancelled")

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "ticket_id"], ["tickets.account_id", "tickets.id"], ondelete="CASCADE"),
        Index(None, "account_id", "ticket_id"),
        Index(None, "engineer_id", "alerted_at", "id"),
        Index(None, "alerted_at", "id"),
        Index(None, "id"),
    )
