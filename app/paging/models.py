"""How engineers are reached, and the outbox of pages."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base


class ContactMethodRow(Base):
    """A way to reach an engineer. A reference table, as the engineers are."""

    __tablename__ = "contact_methods"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    engineer_id: Mapped[str] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(comment="email, apprise, pagerduty or opsgenie")
    name: Mapped[str]
    target: Mapped[str] = mapped_column(comment="an address, an Apprise URL or an integration key: a secret")
    service_region: Mapped[str] = mapped_column(server_default="us", comment="of PagerDuty and Opsgenie: us or eu")
    created_at: Mapped[datetime]

    __table_args__ = (Index(None, "engineer_id", "created_at", "id"),)


class NotificationRuleRow(Base):
    """By which method an engineer is paged, and how long after the alert. A reference table, as the engineers are."""

    __tablename__ = "notification_rules"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    engineer_id: Mapped[str] = mapped_column(ID)
    method_id: Mapped[str] = mapped_column(ID)
    urgency: Mapped[str] = mapped_column(comment="high or low")
    after_seconds: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("engineer_id", "urgency", "method_id", "after_seconds", name="uq_notification_rules_once"),
        Index(None, "engineer_id", "created_at", "id"),
        Index(None, "method_id"),
    )


class PageRow(Base):
    """One alert to be told by one rule. ``next_attempt_at`` is schedule and lease, as with notices."""

    __tablename__ = "pages"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    alert_id: Mapped[str] = mapped_column(ID, primary_key=True)
    rule_id: Mapped[str] = mapped_column(ID, primary_key=True)
    event_id: Mapped[str] = mapped_column(ID)
    engineer_id: Mapped[str] = mapped_column(ID)
    method_id: Mapped[str] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(comment="the method's, which may be deleted by now")
    lane: Mapped[str] = mapped_column(comment="mail or http: what is slow in one holds up nothing in the other")
    state: Mapped[str] = mapped_column(server_default="pending", comment="pending, sent, failed or skipped")
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None] = mapped_column(
        comment="of a sent page: when to see whether the alert is over, where a service is to be told so"
    )
    claim_id: Mapped[str | None]
    error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    error_message: Mapped[dict[str, Any] | None] = mapped_column(comment="how to say the error in other languages")

    __table_args__ = (
        Index(
            "ix_pages_due",
            "lane",
            "account_id",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
        Index(
            "ix_pages_next_attempt_at",
            "lane",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
        Index("ix_pages_failed", "created_at", postgresql_where=text("state = 'failed'")),
    )
