"""What the search looks at, apart from the rows that every change writes anew."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import DDL, Index, event, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import ExecutableDDLElement

from app.core.db.tables import ID, Base

OWN_WORDS: Final = "heliodesk_own_words(account_id, internal, words)"
"""The words of a text, each behind the end of its account's id and a sign: ``-`` where it is for support alone."""
READ: Final = 16_000
"""Characters of a text that are looked at: about as many as it has words that are kept."""


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
        Index("ix_search_texts_open", "account_id", "at", "id", postgresql_where=text("NOT internal")),
        Index(None, "sandbox", "at", "id"),
        Index(
            "ix_search_texts_every_word",
            "words",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 1024},
        ),
        Index(
            "ix_search_texts_own_words",
            text(OWN_WORDS),
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 1024},
        ),
    )


_own_words: ExecutableDDLElement = DDL(
    """
    CREATE OR REPLACE FUNCTION heliodesk_own_words(account_id text, internal boolean, words tsvector) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
        SELECT array_to_tsvector(array_agg(
            right(account_id, 12) || CASE WHEN internal THEN '-' ELSE '+' END || lexeme
        )) FROM unnest(tsvector_to_array(words)) AS lexeme
    $$
    """
)  # type: ignore[no-untyped-call]
event.listen(SearchTextRow.__table__, "before_create", _own_words)
