"""What the feed keeps beside the events themselves."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class FeedMarkRow(Base):
    """How far the feed had come at an instant: for finding what is older than the retention. A reference table."""

    __tablename__ = "feed_marks"

    at: Mapped[datetime] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, comment="the last one given to an event by then")


class StreamTokenRow(Base):
    """A token that opens one stream, stored hashed. A reference table: it is looked up before its account is known."""

    __tablename__ = "stream_tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, comment="SHA-256 of the whole token")
    key_id: Mapped[str] = mapped_column(ID)
    expires_at: Mapped[datetime]
    visitor: Mapped[dict[str, Any] | None] = mapped_column(comment="who asked for it, where that was a visitor")

    __table_args__ = (Index(None, "expires_at"),)
