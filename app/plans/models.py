"""Stored plan versions and expanded holidays: reference tables, written once and never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class PlanVersionRow(Base):
    """One version of a plan. Tickets pin the version that was in force when they were opened (C14)."""

    __tablename__ = "plan_versions"

    key: Mapped[str] = mapped_column(ID, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    document_hash: Mapped[str] = mapped_column(
        comment="SHA-256 of the canonical JSON: an unchanged plan makes no version"
    )
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class HolidaySetRow(Base):
    """The holidays of a country or subdivision as dates, named by their content, so that nothing moves silently."""

    __tablename__ = "holiday_sets"

    id: Mapped[str] = mapped_column(ID, primary_key=True, comment="hol_ and the start of the content's SHA-256")
    country: Mapped[str]
    subdivision: Mapped[str | None]
    dates: Mapped[list[str]]
