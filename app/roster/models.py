"""Engineers. A reference table: an engineer serves many accounts (a sandbox account has its own)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import ID, Base


class Engineer(Base):
    """A support engineer."""

    __tablename__ = "engineers"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ID, comment="only for a sandbox account's own engineers")
    name: Mapped[str]
    email: Mapped[str]
    tier: Mapped[int] = mapped_column(server_default="1")
    region: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    languages: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    products: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    capacity: Mapped[int] = mapped_column(server_default="5")
    shifts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index(None, "account_id"),)
