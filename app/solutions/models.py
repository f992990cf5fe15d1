"""What articles have solved."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class SolutionRow(Base):
    """An article has solved a ticket, or spared one that was about to be opened (a deflection)."""

    __tablename__ = "solutions"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True, comment="- where support says so of no ticket")
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    article_id: Mapped[str] = mapped_column(ID)
    ticket_id: Mapped[str | None] = mapped_column(ID, comment="null: a deflection")
    actor: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    solver: Mapped[str | None] = mapped_column(ID, comment="who said so of a deflection, where that is known")
    conversation: Mapped[str | None] = mapped_column(
        ID, comment="what the deflection is a part of: that of its caller, else the day"
    )

    __table_args__ = (
        Index(
            "uq_solutions_account_id_ticket_id_article_id",
            "account_id",
            "ticket_id",
            "article_id",
            unique=True,
            postgresql_where=text("ticket_id IS NOT NULL"),
        ),
        Index(
            "uq_solutions_deflections",
            "account_id",
            "article_id",
            "solver",
            "conversation",
            unique=True,
            postgresql_where=text("ticket_id IS NULL AND conversation IS NOT NULL"),
        ),
    )
