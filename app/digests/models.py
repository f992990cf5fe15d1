"""Which digests have been sent."""

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class TamDigestRow(Base):
    """The week of a technical account manager has been seen to. A reference table: it is of all of their accounts."""

    __tablename__ = "tam_digests"

    tam: Mapped[str] = mapped_column(ID, primary_key=True, comment="the address, in lower case")
    week: Mapped[date] = mapped_column(primary_key=True, comment="the Monday, where most of their accounts are")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
