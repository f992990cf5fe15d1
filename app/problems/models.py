"""Problems, the tickets behind which they are, and what the detection of recurring incidents remembers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class ProblemRow(Base):
    """A problem. A reference table: it is support's, and spans accounts."""

    __tablename__ = "problems"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[str] = mapped_column(ID, unique=True)
    title: Mapped[str] = mapped_column(comment="customers see it on their tickets, as they do the workaround")
    description: Mapped[str] = mapped_column(comment="for support")
    product: Mapped[str | None]
    state: Mapped[str]
    source: Mapped[str] = mapped_column(comment="engineer; suggestion or automatic: the service has found it")
    words: Mapped[list[str]] = mapped_column(comment="what the tickets have in common that the service has found")
    owner_id: Mapped[str | None] = mapped_column(ID, comment="the engineer who follows it")
    workaround: Mapped[str | None]
    resolution: Mapped[str | None]
    resolve_tickets: Mapped[bool] = mapped_column(server_default=text("false"))
    dismissal: Mapped[str | None] = mapped_column(comment="why the suggestion was dismissed")
    created_by: Mapped[dict[str, Any]]
    told_by: Mapped[dict[str, Any] | None] = mapped_column(comment="in whose name its tickets are told of it")
    targets: Mapped[dict[str, Any]] = mapped_column(comment="by state: when it is due, and whether that was missed")
    wake_at: Mapped[datetime | None] = mapped_column(comment="when the next target is due")
    opened_at: Mapped[datetime | None] = mapped_column(comment="null while it is suggested")
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    translations: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), comment="workaround and resolution by language"
    )

    __table_args__ = (
        Index(None, "created_at", "id"),
        Index("ix_problems_wakes", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
    )


class ProblemTicketRow(Base):
    """A ticket of a problem, or of a suggested one: it has one at most.

    No foreign key leads to the ticket: the detection would wait for tickets that others hold.
    """

    __tablename__ = "problem_tickets"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID, primary_key=True)
    problem_id: Mapped[str] = mapped_column(ID)
    linked_at: Mapped[datetime]
    pending: Mapped[list[str]] = mapped_column(
        server_default=text("'[]'"), comment="of what the ticket is still to be told: link, workaround, resolution"
    )
    tell_at: Mapped[datetime | None] = mapped_column(comment="when it is told, or that is tried again")

    __table_args__ = (
        Index(None, "problem_id", "linked_at", "ticket_id"),
        Index("ix_problem_tickets_untold", "tell_at", postgresql_where=text("tell_at IS NOT NULL")),
    )


class RecentIncidentRow(Base):
    """What the detection knows of a ticket that was opened lately."""

    __tablename__ = "recent_incidents"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID, primary_key=True)
    product: Mapped[str] = mapped_column(ID, comment="folded; empty: none is named")
    title: Mapped[list[str]] = mapped_column(comment="the words of the title, as they are compared")
    words: Mapped[dict[str, Any]] = mapped_column(comment="those of title and description, and how they are spelt")
    opened_at: Mapped[datetime]
    parted: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="support has parted it from a problem: it joins none by itself"
    )
    solutions: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), comment="the slugs of the articles that may solve it, and how good each is"
    )
    supposed: Mapped[str] = mapped_column(
        ID, server_default=text("''"), comment="the product that these are about, folded; empty: several, or none"
    )

    __table_args__ = (
        Index(None, "product", "opened_at"),
        Index(None, "opened_at"),
    )


class IncidentWordRow(Base):
    """In how many tickets of a day a word occurs; the empty word stands for all of them."""

    __tablename__ = "incident_words"

    word: Mapped[str] = mapped_column(ID, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    tickets: Mapped[int]

    __table_args__ = (Index(None, "day"),)
