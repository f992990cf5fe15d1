"""Tickets and their messages."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import DDL, ForeignKeyConstraint, Index, UniqueConstraint, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import ExecutableDDLElement

from app.core.db.tables import ID, Base

ENDED: Final = ("resolved", "closed")
ACTIVE: Final = "status NOT IN ('resolved', 'closed')"
_ASSIGNED: Final = f"assignee_id IS NOT NULL AND {ACTIVE}"
_ATTACHED: Final = "the files that came with it: id, name, type, size, state, reason, link"
NUMBER_CONSTRAINT: Final = "uq_tickets_account_id_number"


class TicketRow(Base):
    """A ticket, with the facts of its clock (``clock``) and the instant of its next timer (``wake_at``, C17)."""

    __tablename__ = "tickets"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[str] = mapped_column(comment="short enough to say on the phone; unique in the account")
    title: Mapped[str]
    description: Mapped[str]
    product: Mapped[str | None]
    requester: Mapped[dict[str, Any]]
    channel: Mapped[str]
    environment: Mapped[str]
    impact: Mapped[str | None]
    urgency: Mapped[str | None]
    business_impact: Mapped[str | None]
    priority_reason: Mapped[str | None]
    priority: Mapped[str]
    priority_source: Mapped[str]
    assessed_priority: Mapped[str | None]  # what support found, for support alone
    status: Mapped[str] = mapped_column(default="new")
    closed_reason: Mapped[str | None] = mapped_column(comment="closed, unanswered, withdrawn or merged")
    merged_into: Mapped[str | None] = mapped_column(ID)
    tier: Mapped[int] = mapped_column(default=1)
    assignee_id: Mapped[str | None] = mapped_column(ID)
    region: Mapped[str | None] = mapped_column(comment="the region of its engineer")
    routing: Mapped[dict[str, Any] | None] = mapped_column(comment="how its expert is looked for")
    route_at: Mapped[datetime | None] = mapped_column(comment="when it is handed over, or looked at in the queue again")
    queued_at: Mapped[datetime | None] = mapped_column(comment="since when it waits for an expert")
    region_lock: Mapped[str | None]
    call_link: Mapped[str | None]
    tags: Mapped[list[str]]
    custom: Mapped[dict[str, Any]]
    external_ref: Mapped[str | None]
    follow_up_of: Mapped[str | None] = mapped_column(ID)
    review_requested: Mapped[bool] = mapped_column(default=False)
    escalated: Mapped[bool] = mapped_column(default=False)
    turns: Mapped[int] = mapped_column(default=0, comment="how often customer and engineer have taken turns")
    spoke: Mapped[str] = mapped_column(default="customer", comment="who wrote last: customer or engineer")
    sandbox: Mapped[bool]
    plan_key: Mapped[str] = mapped_column(ID)
    plan_version: Mapped[int]
    plan_addons: Mapped[list[str]]
    time_zone: Mapped[str] = mapped_column(comment="the account's zone when the ticket was opened (C14)")
    holiday_set: Mapped[str | None] = mapped_column(ID)
    tz_database: Mapped[str] = mapped_column(comment="version of the time-zone database when it was opened (C14)")
    clock: Mapped[dict[str, Any]] = mapped_column(comment="the clock's facts that are not deadlines")
    wake_at: Mapped[datetime | None]
    support_due_at: Mapped[datetime | None] = mapped_column(comment="earliest open deadline that support owes")
    next_update_due_at: Mapped[datetime | None]
    missed: Mapped[bool] = mapped_column(default=False, comment="whether any deadline is missed and still open")
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    sequence: Mapped[int] = mapped_column(default=0, comment="of its last event")
    version: Mapped[int] = mapped_column(default=1, comment="grows with what people write, not with the sweep")
    review_reason: Mapped[str | None] = mapped_column(comment="why a review of its priority is requested")
    matrix_priority: Mapped[str | None] = mapped_column(comment="what the plan's matrix says of its impact and urgency")
    region_lock_time_zone: Mapped[str | None] = mapped_column(comment="the zone by whose daytime the region was chosen")
    visitor_marks: Mapped[list[str] | None] = mapped_column(comment="of the visitor who opened it, whose own it is")
    unconfirmed: Mapped[bool] = mapped_column(
        default=False,
        server_default=text("false"),
        comment="opened by a guest, and support has done nothing about it: nobody is alerted, no call is made",
    )
    requested_priority: Mapped[str | None] = mapped_column(comment="what a guest asked for, who cannot have it")
    address_unconfirmed: Mapped[bool] = mapped_column(
        default=False,
        server_default=text("false"),
        comment="a guest has stated the requester's address, and nobody has shown yet that they read its mail",
    )
    watchers: Mapped[list[Any] | None] = mapped_column(
        JSONB, comment="who follows it beside its requester: email, name, locale"
    )
    attachments: Mapped[list[Any] | None] = mapped_column(JSONB, comment=_ATTACHED)

    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        UniqueConstraint("account_id", "number", name=NUMBER_CONSTRAINT),
        Index(None, "id"),
        Index(
            "ix_tickets_wakes",
            "wake_at",
            postgresql_include=["account_id", "id"],
            postgresql_where=text("wake_at IS NOT NULL AND NOT sandbox"),
        ),
        # The lists of one account, and those of support, which are of live tickets or of sandboxes' ones.
        Index("ix_tickets_due", "account_id", "support_due_at", "id"),
        Index("ix_tickets_support_due", "sandbox", "support_due_at", "id"),
        Index("ix_tickets_opened", "account_id", "opened_at", "id"),
        Index("ix_tickets_support_opened", "sandbox", "opened_at", "id"),
        Index("ix_tickets_updated", "account_id", "updated_at", "id"),
        Index("ix_tickets_support_updated", "sandbox", "updated_at", "id"),
        Index("ix_tickets_missed", "account_id", "opened_at", "id", postgresql_where=text("missed")),
        Index("ix_tickets_support_missed", "sandbox", "opened_at", "id", postgresql_where=text("missed")),
        Index("ix_tickets_active", "account_id", "opened_at", "id", postgresql_where=text(ACTIVE)),
        Index("ix_tickets_support_active", "sandbox", "opened_at", "id", postgresql_where=text(ACTIVE)),
        Index("ix_tickets_tier", "tier", "account_id", "opened_at", "id", postgresql_where=text("tier > 1")),
        Index(
            "ix_tickets_assigned", "assignee_id", "opened_at", "id", postgresql_where=text("assignee_id IS NOT NULL")
        ),
        Index(
            "ix_tickets_reference",
            "external_ref",
            "account_id",
            "opened_at",
            "id",
            postgresql_where=text("external_ref IS NOT NULL"),
        ),
        Index("ix_tickets_routed", "queued_at", "id", postgresql_where=text("routing IS NOT NULL")),
        Index(
            "ix_tickets_queue",
            "sandbox",
            "account_id",
            text("((routing ->> 'rank')::int)"),
            "queued_at",
            "id",
            postgresql_where=text("queued_at IS NOT NULL"),
        ),
        Index(
            "ix_tickets_visitors",
            "visitor_marks",
            postgresql_using="gin",
            postgresql_where=text("visitor_marks IS NOT NULL"),
        ),
        Index("ix_tickets_assignee", "assignee_id", postgresql_where=text(_ASSIGNED)),
        {"postgresql_with": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02}},
    )


class AccountTagRow(Base):
    """A tag that open tickets or hooks of an account have, counted once however many have it."""

    __tablename__ = "account_tags"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    tag: Mapped[str] = mapped_column(ID, primary_key=True)
    used_at: Mapped[datetime] = mapped_column(comment="when it was last seen in use, to half a day")

    __table_args__ = (Index(None, "used_at"),)


class TicketTitleRow(Base):
    """What searches look at: a ticket's title and number, apart from the row that every change writes anew."""

    __tablename__ = "ticket_titles"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[str] = mapped_column(ID)
    folded: Mapped[str] = mapped_column(ID, comment="the title as searches compare it")
    opened_at: Mapped[datetime]
    sandbox: Mapped[bool]

    __table_args__ = (
        Index(None, "number"),
        # Its list of what is not yet in its tree is read by every search, and moved into the tree by the one request
        # that fills it: both take some milliseconds at this size (kB).
        Index(
            "ix_ticket_titles_words",
            "account_id",
            "folded",
            postgresql_using="gin",
            postgresql_ops={"folded": "gin_trgm_ops"},
            postgresql_with={"gin_pending_list_limit": 1024},
        ),
    )


for _extension in ("pg_trgm", "btree_gin"):
    _made: ExecutableDDLElement = DDL(f"CREATE EXTENSION IF NOT EXISTS {_extension}")  # type: ignore[no-untyped-call]
    event.listen(TicketTitleRow.__table__, "before_create", _made)


class MessageRow(Base):
    """A message on a ticket: public, or internal to support."""

    __tablename__ = "messages"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID)
    sequence: Mapped[int] = mapped_column(comment="of the ticket's event that told of it")
    author: Mapped[dict[str, Any]]
    visibility: Mapped[str]
    channel: Mapped[str | None]
    body: Mapped[str]
    created_at: Mapped[datetime]
    attachments: Mapped[list[Any] | None] = mapped_column(JSONB, comment=_ATTACHED)

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "ticket_id"], ["tickets.account_id", "tickets.id"], ondelete="CASCADE"),
        Index(None, "account_id", "ticket_id", "sequence"),
    )


class PostponementRow(Base):
    """A live ticket that could not be processed: it has no ``wake_at`` and is tried again at ``retry_at``.

    Whoever saves the ticket drops the row with it.
    """

    __tablename__ = "postponements"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ID, primary_key=True)
    failures: Mapped[int] = mapped_column(comment="in a row; from the second on, operators are told")
    reason: Mapped[str] = mapped_column(comment="of the last one: failed or slow")
    error: Mapped[str] = mapped_column(comment="its kind")
    since: Mapped[datetime] = mapped_column(comment="the first one")
    retry_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "ticket_id"], ["tickets.account_id", "tickets.id"], ondelete="CASCADE"),
        Index(None, "retry_at"),
    )
