"""What reports count: a row for each promise and each countable moment of a ticket, folded from its events.

Nothing here is about a person beyond ids. Rows have no foreign key: to check one would lock the row of the ticket.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, PrimaryKeyConstraint, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base
from app.reports.cells import KEY

_OF_LATE = (
    "account_id",
    "metric",
    "cycle",
    "priority",
    "plan_key",
    "plan_version",
    "product",
    "channel",
    "tier",
    "engineer_id",
    "due_at",
    "settled_at",
    "noticed_us",
)
"""What reports read of a late fact."""
_STORAGE: dict[str, Any] = {"postgresql_with": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02}}


class ReportFactRow(Base):
    """What became of one cycle of a deadline; ``cycle`` 0: of all updates that one incident was owed, together."""

    __tablename__ = "report_facts"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True, comment="the deadline's; for cycle 0 the ticket's")
    ticket_id: Mapped[str] = mapped_column(ID)
    sandbox: Mapped[bool]
    metric: Mapped[str] = mapped_column(ID)
    cycle: Mapped[int]
    priority: Mapped[str] = mapped_column(ID, comment="the one in force when the clock ran")
    plan_key: Mapped[str] = mapped_column(ID)
    plan_version: Mapped[int]
    product: Mapped[str | None] = mapped_column(ID)
    channel: Mapped[str] = mapped_column(ID)
    tier: Mapped[int]
    engineer_id: Mapped[str | None] = mapped_column(ID, comment="the assignee when it was decided")
    outcome: Mapped[str] = mapped_column(ID, comment="open, met, met_late, missed, cancelled or excluded")
    reason: Mapped[str | None] = mapped_column(ID, comment="why it was cancelled")
    misses: Mapped[int] = mapped_column(comment="how many cycles were missed: of one, 0 or 1")
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None] = mapped_column(
        comment="when it was kept, also late, or nothing was owed any more; null: it is still owed"
    )
    noticed_us: Mapped[int | None] = mapped_column(BigInteger, comment="microseconds until the miss was noticed")

    __table_args__ = (
        Index(None, "account_id", "ticket_id"),
        Index(None, "account_id", "started_at", "id"),
        Index(None, "sandbox", "started_at", "id"),
        Index(
            "ix_report_facts_late",
            "sandbox",
            "started_at",
            postgresql_include=_OF_LATE,
            postgresql_where=text("outcome IN ('met_late', 'missed')"),
        ),
        _STORAGE,
    )


class ReportMomentRow(Base):
    """One event that reports count: a ticket was opened, resolved, handed over, escalated; a call was joined."""

    __tablename__ = "report_moments"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True, comment="the event's")
    ticket_id: Mapped[str] = mapped_column(ID)
    sandbox: Mapped[bool]
    kind: Mapped[str] = mapped_column(ID)
    reason: Mapped[str | None] = mapped_column(ID, comment="of an escalation or a hand-over")
    outcome: Mapped[str | None] = mapped_column(ID, comment="of an escalation; of a resolution: first_contact")
    priority: Mapped[str] = mapped_column(ID)
    plan_key: Mapped[str] = mapped_column(ID)
    plan_version: Mapped[int]
    product: Mapped[str | None] = mapped_column(ID)
    channel: Mapped[str] = mapped_column(ID)
    tier: Mapped[int]
    engineer_id: Mapped[str | None] = mapped_column(ID)
    at: Mapped[datetime]

    __table_args__ = (
        Index(None, "account_id", "ticket_id"),
        Index(None, "account_id", "at", "id"),
        Index(None, "sandbox", "at", "id"),
        _STORAGE,
    )


class _Summed:
    """What sums and moves are apart by: a dimension by which a sum is not apart is empty, or 0."""

    sandbox: Mapped[bool]
    at: Mapped[datetime]
    metric: Mapped[str] = mapped_column(ID, comment="of a moment: its kind")
    part: Mapped[str] = mapped_column(ID, comment="of the cycles: incident, first or later; or moment")
    outcome: Mapped[str] = mapped_column(ID)
    reason: Mapped[str] = mapped_column(ID)
    owed: Mapped[bool] = mapped_column(comment="it was missed, and is still owed")
    objective: Mapped[float] = mapped_column(comment="what the plan aims for; -1: nothing")
    priority: Mapped[str] = mapped_column(ID)
    plan_key: Mapped[str] = mapped_column(ID)
    plan_version: Mapped[int]
    product: Mapped[str] = mapped_column(ID)
    tier: Mapped[int]
    channel: Mapped[str] = mapped_column(ID)
    engineer_id: Mapped[str] = mapped_column(ID)
    number: Mapped[int]
    misses: Mapped[int]


class ReportSumRow(_Summed, Base):
    """How many facts or moments began in a unit of time: what wide questions are answered from."""

    __tablename__ = "report_sums"

    account_id: Mapped[str] = mapped_column(ID, comment="empty: of all accounts")
    cell: Mapped[int] = mapped_column(SmallInteger, comment="which units, and which dimensions")

    __table_args__ = (
        PrimaryKeyConstraint(*KEY),
        Index(None, "cell", "sandbox", "at"),
        _STORAGE,
    )


class ReportMoveRow(_Summed, Base):
    """By what sums are to change: they are moved together, and read with the sums until then."""

    __tablename__ = "report_sum_moves"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)

    __table_args__ = (
        {"postgresql_with": {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 20_000}},
    )


class ReportRecountRow(Base):
    """A ticket of which something new is to be counted, not at each event, but at ``due_at``.

    Its history is long, or it could not be counted; after three ``failures`` reports leave out what is new of it.
    """

    __tablename__ = "report_recounts"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID, primary_key=True)
    since: Mapped[datetime] = mapped_column(comment="when the first event was recorded that is not counted")
    due_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(
        server_default="0", comment="tries in a row that have failed; the one under way is among them"
    )
    error: Mapped[str | None] = mapped_column(comment="kind of the last one; null: none, or under way")

    __table_args__ = (Index(None, "due_at"), Index(None, "since"))


class ReportMailsRow(Base):
    """Who gets an account's report by e-mail each month, and the last month that was sent."""

    __tablename__ = "report_mails"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    recipients: Mapped[list[Any]] = mapped_column(comment="name, email and locale; none: it is not sent")
    sent: Mapped[date] = mapped_column(comment="the first day of the last month that was seen to")
    version: Mapped[int]
