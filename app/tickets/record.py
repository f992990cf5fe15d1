"""A ticket in memory while a use case changes it: one slot for each column of ``tickets``."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any


@dataclass(slots=True)
class TicketRecord:
    """The columns of ``tickets.models.Ticket`` (a test compares the two); instants are aware, UTC."""

    account_id: str
    id: str
    number: str
    title: str
    description: str
    product: str | None
    requester: dict[str, Any]
    channel: str
    environment: str
    impact: str | None
    urgency: str | None
    business_impact: str | None
    priority_reason: str | None
    priority: str
    priority_source: str
    assessed_priority: str | None
    tags: list[str]
    custom: dict[str, Any]
    external_ref: str | None
    follow_up_of: str | None
    call_link: str | None
    region_lock: str | None
    plan_key: str
    plan_version: int
    plan_addons: list[str]
    time_zone: str
    holiday_set: str | None
    tz_database: str
    sandbox: bool
    opened_at: datetime
    updated_at: datetime
    status: str = "new"
    closed_reason: str | None = None
    merged_into: str | None = None
    tier: int = 1
    assignee_id: str | None = None
    region: str | None = None
    routing: dict[str, Any] | None = None
    route_at: datetime | None = None
    queued_at: datetime | None = None
    review_requested: bool = False
    escalated: bool = False
    turns: int = 0
    spoke: str = "customer"
    clock: dict[str, Any] | None = None
    wake_at: datetime | None = None
    support_due_at: datetime | None = None
    next_update_due_at: datetime | None = None
    missed: bool = False
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    sequence: int = 0
    version: int = 1

    def row(self) -> dict[str, Any]:
        """The row, with every column."""
        return dict(zip(columns(), _values()(self), strict=True))


@cache
def columns() -> tuple[str, ...]:
    """The names of all columns, in the record's order."""
    return tuple(field.name for field in fields(TicketRecord))


@cache
def _values() -> Callable[[TicketRecord], tuple[Any, ...]]:
    return attrgetter(*columns())
