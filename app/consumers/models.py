"""How far background passes have followed the events, and what they could not process."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class EventConsumerRow(Base):
    """How far a background pass has followed the events; the pass that is at work holds the row. A reference table."""

    __tablename__ = "event_consumers"

    name: Mapped[str] = mapped_column(ID, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, comment="events up to here have been taken")


class PostponedEventRow(Base):
    """An event that a background pass could not process, and tries again at ``retry_at``. A reference table.

    At the position 0, which no event has: the pass itself, which fails with every event and pauses until then.
    """

    __tablename__ = "postponed_events"

    consumer: Mapped[str] = mapped_column(ID, primary_key=True, comment="the name of the pass")
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="of the event, in the feed")
    event_id: Mapped[str] = mapped_column(ID)
    failures: Mapped[int] = mapped_column(comment="in a row")
    reason: Mapped[str] = mapped_column(comment="of the last one: failed or slow")
    error: Mapped[str] = mapped_column(comment="its kind")
    since: Mapped[datetime] = mapped_column(comment="the first one")
    retry_at: Mapped[datetime]

    __table_args__ = (Index(None, "consumer", "retry_at"),)
