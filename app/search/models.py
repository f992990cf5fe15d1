"""What the search looks at, apart from the rows that every change writes anew."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class SearchTextRow(Base):
    """The words of a ticket, of a message, or of a problem, which is of no account."""

    __tablename__ = "search_texts"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str | None] = mapped_column(ID, comment="null: it is a problem's")
    internal: Mapped[bool] = mapped_column(comment="for support alone")
    sandbox: Mapped[bool]
    at: Mapped[datetime] = mapped_column(comment="when it was opened or written")
    words: Mapped[Any] = mapped_column(TSVECTOR, comment="folded: of a title as A, of references as B, of texts as D")

    __table_args__ = (
        Index(None, "account_id", "at", "id"),
        Index(None, "sandbox", "at", "id"),
        Index(
            "ix_search_texts_words",
            "account_id",
            "words",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 1024},
        ),
    )
