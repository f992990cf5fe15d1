"""The installation itself, the answers kept for Idempotency-Key, and what replicas tell each other of rates."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class InstallationRow(Base):
    """This installation, by the name that it has in ``via``: one row, made with the schema."""

    __tablename__ = "installations"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    mail_secret: Mapped[str] = mapped_column(
        server_default=text("replace(((gen_random_uuid())::text || (gen_random_uuid())::text), '-'::text, ''::text)"),
        comment="signs addresses and links in mails",
    )


class StoredAnswerRow(Base):
    """The 2xx answer to a POST that carried an Idempotency-Key, kept for 24 hours."""

    __tablename__ = "stored_answers"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True, comment="an account, or a support key's id")
    key_hash: Mapped[str] = mapped_column(ID, primary_key=True, comment="SHA-256 of method, path and key")
    body_hash: Mapped[str]
    status: Mapped[int]
    answer: Mapped[dict[str, Any]]
    headers: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]

    __table_args__ = (Index(None, "created_at"),)


class RateLevelRow(Base):
    """How much of a bucket all replicas have used. Unlogged: after a crash the buckets are full."""

    __tablename__ = "rate_levels"

    name: Mapped[str] = mapped_column(ID, primary_key=True, comment="the rate and whom it limits")
    share: Mapped[float] = mapped_column(comment="the part of the bucket that was used at `at`")
    seconds: Mapped[int] = mapped_column(comment="in which an empty bucket fills")
    at: Mapped[datetime]

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)
