"""Every event that the service tells: its type, who may see it, and the shape of its ``data``. Pure.

``EVENTS`` is what the OpenAPI document publishes as webhooks.
"""

from datetime import datetime
from typing import Any, ClassVar, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue

BODY_LIMIT: Final = 8 * 1024
"""Bytes of a text that an event carries at the most; a longer one is cut, and the event marked ``truncated``."""
DATA_LIMIT: Final = 18 * 1024
"""Bytes of an event's ``data`` as JSON at the most, so that with its envelope it stays under 20 KB."""


class EventData(BaseModel):
    """Base of every event's ``data``."""

    model_config = ConfigDict(populate_by_name=True, frozen=True)

    type: ClassVar[str]
    audience: ClassVar[str] = "public"


class _Text(EventData):
    truncated: bool = Field(False, description="Whether texts are cut: the API has them in full")


class _Change(_Text):
    before: JsonValue = Field(alias="from")
    after: JsonValue = Field(alias="to")
    reason: str | None = None


class PinsData(BaseModel):
    """A plan version, and what else of its account a ticket keeps to: add-ons, zone, holidays (C14)."""

    key: str
    version: int
    addons: list[str]
    time_zone: str
    holiday_set: str | None


class TicketOpened(_Text):
    """A ticket was opened."""

    type = "ticket.opened"
    number: str
    title: str
    description: str
    status: str
    priority: str
    priority_source: str
    assessed_priority: str | None
    impact: str | None
    urgency: str | None
    business_impact: str | None
    priority_reason: str | None
    environment: str
    product: str | None
    channel: str
    requester: dict[str, JsonValue]
    plan: PinsData
    external_ref: str | None
    call_link: str | None
    told: list[dict[str, JsonValue]] = Field(description="Who of the account's people hears of a P1 (W1)")


class TicketUpdated(_Text):
    """Fields of a ticket were changed; ``fields`` holds the new values."""

    type = "ticket.updated"
    fields: dict[str, JsonValue]


class TicketStatusChanged(_Change):
    """The status changed."""

    type = "ticket.status_changed"


class TicketReopened(_Change):
    """A resolved ticket is open again."""

    type = "ticket.reopened"


class TicketMerged(EventData):
    """A ticket was merged into another one of the same account, and is closed; both timelines tell it."""

    type = "ticket.merged"
    merged: str
    into: str


class TicketWithdrawn(_Text):
    """The customer no longer needs an answer: the ticket is closed."""

    type = "ticket.withdrawn"
    reason: str | None


class TicketPriorityChanged(_Change):
    """The priority changed: by a person, or by the service after a miss (``source`` is ``automatic``)."""

    type = "ticket.priority_changed"
    source: str
    told: list[dict[str, JsonValue]] = Field(description="Who of the account's people hears of a P1 (W1)")


class TicketTierChanged(_Change):
    """The ticket went to another tier of support."""

    type = "ticket.tier_changed"


class TicketAssigned(_Change):
    """The ticket has another assignee (engineer ids), or none."""

    type = "ticket.assigned"


class MessagePosted(_Text):
    """A message was posted; internal ones go to support only."""

    type = "message.posted"
    message_id: str
    author: dict[str, JsonValue]
    visibility: str
    channel: str | None
    body: str


class _Deadline(EventData):
    deadline_id: str
    metric: str
    cycle: int
    priority: str
    subject: str | None = None
    due_at: datetime | None


class DeadlineStarted(_Deadline):
    """A clock started, or a cancelled cycle went on."""

    type = "deadline.started"
    state: str
    started_at: datetime


class _DeadlineMove(_Deadline):
    before: datetime | None = Field(alias="from")
    after: datetime | None = Field(alias="to")
    reason: str


class DeadlineMoved(_DeadlineMove):
    """A due instant moved."""

    type = "deadline.moved"


class DeadlinePaused(_DeadlineMove):
    """A clock stands still; it has no due instant while it does."""

    type = "deadline.paused"


class DeadlineResumed(_DeadlineMove):
    """A clock goes on."""

    type = "deadline.resumed"


class DeadlineWarning(_Deadline):
    """A share of the time, in per cent, is used up (C16)."""

    type = "deadline.warning"
    share: int


class DeadlineMissed(_Deadline):
    """A deadline passed. ``lag_ms``: how late that was noticed; null on a sandbox's clock."""

    type = "deadline.missed"
    noticed_at: datetime
    lag_ms: float | None


class DeadlineMet(_Deadline):
    """What was promised was done in time."""

    type = "deadline.met"
    stopped_by: str


class DeadlineMetLate(_Deadline):
    """What was promised was done after it was due."""

    type = "deadline.met_late"
    stopped_by: str


class DeadlineCancelled(_Deadline):
    """A clock ended without a result."""

    type = "deadline.cancelled"
    reason: str


class PlanApplied(EventData):
    """A plan version now holds for an open ticket; what it moved is told by events of the deadlines."""

    type = "plan.applied"
    before: PinsData = Field(alias="from")
    after: PinsData = Field(alias="to")
    priorities: dict[str, str] = Field(description="What became of priorities that the version does not know")


class EscalationAutomatic(EventData):
    """A miss escalated by itself. ``told``: who of the account's people at the vendor hears of it."""

    type = "escalation.automatic"
    escalation_id: str | None
    reason: str
    metric: str
    cycle: int
    priority: str
    told: list[dict[str, JsonValue]]


class _Escalation(_Text):
    escalation_id: str
    reason: str
    subject: str = Field(description="What its `escalation_ack` deadline is filed under")


class EscalationRequested(_Escalation):
    """A customer or an engineer asks for an escalation. ``told``: who of the account's people hears of it."""

    type = "escalation.requested"
    kind: str
    justification: str
    requested_priority: str | None
    business_impact: str | None
    breach_verified: bool | None = Field(
        description="Whether the promise that it names was broken; null: it names none"
    )
    told: list[dict[str, JsonValue]]


class EscalationAcknowledged(_Escalation):
    """Support has seen an escalation."""

    type = "escalation.acknowledged"


class EscalationAccepted(_Escalation):
    """Support does something about an escalation: the ticket's priority, tier and assignee after it."""

    type = "escalation.accepted"
    priority: str
    tier: int
    assignee: str | None


class EscalationDeclined(_Escalation):
    """Support does nothing about an escalation, and says why."""

    type = "escalation.declined"
    why: str


class EscalationWithdrawn(_Escalation):
    """Whoever asked for an escalation no longer does."""

    type = "escalation.withdrawn"


class EscalationSuggested(EventData):
    """Customer and engineer have talked for so many turns without a solution: an escalation may be due (G5)."""

    type = "escalation.suggested"
    reason: str
    turns: int


class _Call(EventData):
    call_id: str
    provider: str | None = None


class CallRequested(_Call):
    """A live call was asked for."""

    type = "call.requested"


class CallReady(_Call):
    """The call's link exists."""

    type = "call.ready"
    join_url: str
    join_from: datetime
    join_by: datetime


class CallJoined(_Call):
    """Somebody joined."""

    type = "call.joined"
    participant: str


class CallDeclined(_Call, _Text):
    """The customer will not join."""

    type = "call.declined"
    reason: str


class CallNoShow(_Call):
    """The customer had not joined in time; it still can."""

    type = "call.no_show"
    join_by: datetime


class CallFailed(_Call):
    """No link could be made; the ticket itself is not affected."""

    type = "call.failed"
    reason: str


class CallEnded(_Call):
    """The call is over."""

    type = "call.ended"


class WebhookDisabled(EventData):
    """An endpoint gets nothing more until its owner enables it."""

    type = "webhook.disabled"
    endpoint_id: str
    url: str
    reason: str


class WebhookTest(EventData):
    """A test event that an endpoint's owner asked for."""

    type = "webhook.test"
    endpoint_id: str


EVENTS: Final[tuple[type[EventData], ...]] = (
    TicketOpened,
    TicketUpdated,
    TicketStatusChanged,
    TicketReopened,
    TicketMerged,
    TicketWithdrawn,
    TicketPriorityChanged,
    TicketTierChanged,
    TicketAssigned,
    MessagePosted,
    DeadlineStarted,
    DeadlineMoved,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineWarning,
    DeadlineMissed,
    DeadlineMet,
    DeadlineMetLate,
    DeadlineCancelled,
    PlanApplied,
    EscalationAutomatic,
    EscalationRequested,
    EscalationAcknowledged,
    EscalationAccepted,
    EscalationDeclined,
    EscalationWithdrawn,
    EscalationSuggested,
    CallRequested,
    CallReady,
    CallJoined,
    CallDeclined,
    CallNoShow,
    CallFailed,
    CallEnded,
    WebhookDisabled,
    WebhookTest,
)

INTERNAL_METRICS: Final = frozenset({"escalation_ack", "alert_ack"})
"""Deadlines of support's own work: their events are internal."""


def audience_of(data: EventData) -> str:
    """``public`` or ``internal``: the one place that decides what a customer may see."""
    if isinstance(data, _Deadline) and data.metric in INTERNAL_METRICS:
        return "internal"
    if isinstance(data, MessagePosted):
        return data.visibility
    return data.audience


def dump(data: EventData) -> dict[str, Any]:
    """The JSON object of an event's ``data``, by the names that the contract uses.

    Texts are cut to ``BODY_LIMIT``, and further, the longest first, until the whole is within ``DATA_LIMIT``.
    """
    document = data.model_dump(by_alias=True)
    if _size(document) <= BODY_LIMIT:
        return document
    limit, short = BODY_LIMIT, _cut(document, BODY_LIMIT)
    while _size(short) > DATA_LIMIT and limit:
        limit //= 2
        short = _cut(document, limit)
    return document if short == document else short | {"truncated": True}


def _size(document: dict[str, Any]) -> int:
    return len(orjson.dumps(document))


def _cut(value: Any, limit: int) -> Any:
    """The JSON value with every text cut to ``limit`` bytes of UTF-8."""
    if isinstance(value, str):
        return value.encode()[:limit].decode(errors="ignore")
    if isinstance(value, dict):
        return {name: _cut(part, limit) for name, part in value.items()}
    return [_cut(part, limit) for part in value] if isinstance(value, list) else value
