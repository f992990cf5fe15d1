"""Webhook endpoints, and the outbox of deliveries."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.tables import ID, Base
from app.events.envelope import NO_ACCOUNT


class WebhookEndpointRow(Base):
    """Where events are sent. A reference table: an operator's endpoint hears every account."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ID, comment="null: all accounts, internal events too")
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(comment="globs over event types, as given")
    type_pattern: Mapped[str | None] = mapped_column(comment="unused: a later migration drops it")
    format: Mapped[str] = mapped_column(server_default="standard")
    locale: Mapped[str] = mapped_column(server_default="en")
    projection: Mapped[str | None] = mapped_column(comment="JMESPath: what is sent of an event instead of all of it")
    secrets: Mapped[list[str]] = mapped_column(comment="whsec_ values, newest first")
    secrets_until: Mapped[list[str]] = mapped_column(
        server_default=text("'[]'"), comment="when the second and each further secret ends, in their order"
    )
    concurrency: Mapped[int | None] = mapped_column(comment="messages at once from one replica; null: the default")
    rate: Mapped[float | None] = mapped_column(comment="messages a second from all replicas; null: no limit")
    paced_until: Mapped[datetime | None] = mapped_column(comment="with a rate: when the next place is free")
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    disabled_reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    subscribed: Mapped[str | None] = mapped_column(comment="what its subscriptions were made from")
    direct: Mapped[bool] = mapped_column(
        server_default=text("true"), comment="deliveries are made as events are recorded; else by a job"
    )
    behind_from: Mapped[int | None] = mapped_column(
        BigInteger, comment="position in the feed up to which its deliveries are made, where some may be missing"
    )
    paused_at: Mapped[datetime | None]
    resumed_at: Mapped[datetime | None]

    @property
    def paused_reason(self) -> str | None:
        """Which quota is exceeded, while it is paused."""
        return "pending_deliveries" if self.paused_at else None

    __table_args__ = (
        Index(None, "account_id", "created_at", "id"),
        Index(None, "created_at", "id"),
        Index("ix_webhook_endpoints_behind", "behind_from", "id", postgresql_where=text("behind_from IS NOT NULL")),
    )


class WebhookSubscriptionRow(Base):
    """An endpoint hears of events of this type. Made from its globs; a fan-out finds it by account and type."""

    __tablename__ = "webhook_subscriptions"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True, comment="the endpoint's; '-' for an operator's")
    type: Mapped[str] = mapped_column(ID, primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ID, primary_key=True)


class DeliveryRow(Base):
    """One event on its way to one endpoint: the outbox. Claimed under a lease, fenced by ``claim_id``."""

    __tablename__ = "deliveries"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ID)
    event_id: Mapped[str] = mapped_column(ID)
    ticket_id: Mapped[str | None] = mapped_column(ID)
    sequence: Mapped[int | None] = mapped_column(comment="of the event: first attempts are made in this order")
    state: Mapped[str] = mapped_column(server_default="pending", comment="pending, delivered, skipped or failed")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None] = mapped_column(comment="null before its turn, and once ended")
    paced: Mapped[bool] = mapped_column(server_default=text("false"), comment="due at its place in a rate")
    claim_id: Mapped[str | None]
    last_attempt: Mapped[dict[str, Any] | None] = mapped_column(comment="when, what was sent, and what came back")
    earlier_attempts: Mapped[list[Any] | None] = mapped_column(deferred=True, comment="those before it, oldest first")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None]
    owner_id: Mapped[str] = mapped_column(
        ID, server_default=NO_ACCOUNT, comment="the endpoint's account; '-' for an operator's"
    )
    queued: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="goes as soon as there is a slot; else at its instant"
    )

    __table_args__ = (
        Index(
            "ix_deliveries_lanes",
            "owner_id",
            "endpoint_id",
            "account_id",
            text("(NOT paced)"),
            text("(attempts = 0)"),
            "next_attempt_at",
            postgresql_where=text("queued AND next_attempt_at IS NOT NULL"),
        ),
        Index(
            "ix_deliveries_scheduled",
            "next_attempt_at",
            postgresql_where=text("NOT queued AND next_attempt_at IS NOT NULL"),
        ),
        Index(None, "endpoint_id", "created_at", "id"),
        Index(
            "ix_deliveries_pending",
            "owner_id",
            "endpoint_id",
            "ticket_id",
            "sequence",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(None, "id"),
        {"postgresql_with": {"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.02}},
    )
