"""Every event that the service tells: its type, who may see it, and the shape of its ``data``. Pure.

``EVENTS`` is what the OpenAPI document publishes as webhooks.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from app.events.types.articles import ArticlePublished, ArticleWithdrawn
from app.events.types.calls import (
    CallDeclined,
    CallEnded,
    CallFailed,
    CallJoined,
    CallNoShow,
    CallReady,
    CallReminded,
    CallRequested,
)
from app.events.types.coaching import CoachingAcknowledged, CoachingNoted
from app.events.types.data import EventData
from app.events.types.deadlines import (
    DeadlineCancelled,
    DeadlineEvent,
    DeadlineMet,
    DeadlineMetLate,
    DeadlineMissed,
    DeadlineMoved,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineStarted,
    DeadlineWarning,
    PlanApplied,
)
from app.events.types.digests import AccountDigest
from app.events.types.escalations import (
    EscalationAccepted,
    EscalationAcknowledged,
    EscalationAutomatic,
    EscalationDeclined,
    EscalationRequested,
    EscalationSuggested,
    EscalationWithdrawn,
)
from app.events.types.experts import (
    ExpertAccepted,
    ExpertAlerted,
    ExpertCancelled,
    ExpertDeclined,
    RoutingRoundExhausted,
    RoutingUnstaffed,
    TicketHandedOver,
)
from app.events.types.mail import MailBounced, MessageUnconfirmed
from app.events.types.maintenance import MaintenanceEnded, MaintenanceStarted
from app.events.types.problems import (
    ProblemOpened,
    ProblemResolved,
    ProblemSuggested,
    ProblemTargetMissed,
    ProblemUpdated,
    TicketProblemLinked,
    TicketProblemUnlinked,
)
from app.events.types.reports import AccountReportReady
from app.events.types.tickets import (
    FileQuarantined,
    MessagePosted,
    TicketAssigned,
    TicketCustomerReminded,
    TicketLinkCreated,
    TicketLinkDeleted,
    TicketMerged,
    TicketNoKnownSolution,
    TicketOpened,
    TicketPostponed,
    TicketPriorityChanged,
    TicketReopened,
    TicketReviewRequested,
    TicketSolutionLinked,
    TicketStatusChanged,
    TicketTierChanged,
    TicketUpdated,
    TicketWithdrawn,
)


class EventPostponed(EventData):
    """A background job failed with one event, twice in a row: until ``retry_at`` its results lack that event."""

    type = "event.postponed"
    audience = "internal"
    job: str = Field(description="As in the metrics: `reports`, `texts` (the search), `incidents`, `known solutions`")
    event_id: str
    event_type: str
    reason: Literal["failed", "slow"]
    error: str = Field(description="The kind of the error; the service's log has it in full")
    failures: int = Field(description="Attempts in a row. Told as long as the wait grows, from a minute to an hour")
    retry_at: datetime


class JobPostponed(EventData):
    """A background job fails with every event: it pauses until ``retry_at``, and its results lack all new events."""

    type = "job.postponed"
    audience = "internal"
    job: str = Field(description="As in the metrics: `reports`, `texts` (the search), `incidents`, `known solutions`")
    reason: Literal["failed", "slow"]
    error: str = Field(description="The kind of the error; the service's log has it in full")
    retry_at: datetime = Field(description="Told of the first pause alone: the next ones grow to ten minutes")


class CountPostponed(EventData):
    """A ticket could not be counted, three times in a row: reports lack its latest changes until a retry succeeds."""

    type = "count.postponed"
    audience = "internal"
    account_id: str
    ticket_id: str
    reason: Literal["failed", "slow"]
    error: str = Field(description="The kind of the error; the service's log has it in full")
    retry_at: datetime = Field(description="Told of the third failure alone: the next waits grow to an hour")


class WebhookDisabled(EventData):
    """An endpoint was disabled: it gets no events until its owner enables it."""

    type = "webhook.disabled"
    endpoint_id: str
    url: str = Field(description="Its scheme, host and port: the rest may be a secret")
    reason: str


class WebhookPaused(EventData):
    """An endpoint was paused because too many deliveries are pending: further events are sent when it has caught up."""

    type = "webhook.paused"
    endpoint_id: str
    url: str = Field(description="Its scheme, host and port: the rest may be a secret")
    pending: int = Field(description="Deliveries to it that had not ended")
    quota: int = Field(description="How many may be pending to all endpoints of its account")


class WebhookResumed(EventData):
    """A paused endpoint has caught up: everything that was held back is sent or under way."""

    type = "webhook.resumed"
    endpoint_id: str
    url: str = Field(description="Its scheme, host and port: the rest may be a secret")


class WebhookTest(EventData):
    """A test event that an endpoint's owner requested."""

    type = "webhook.test"
    endpoint_id: str
    event_type: str | None = Field(None, description="Whose example is sent in its place")


EVENTS: Final[tuple[type[EventData], ...]] = (
    TicketOpened,
    TicketUpdated,
    TicketStatusChanged,
    TicketReopened,
    TicketMerged,
    TicketWithdrawn,
    TicketReviewRequested,
    TicketPriorityChanged,
    TicketTierChanged,
    TicketAssigned,
    TicketHandedOver,
    TicketPostponed,
    TicketCustomerReminded,
    TicketLinkCreated,
    TicketLinkDeleted,
    TicketSolutionLinked,
    TicketNoKnownSolution,
    TicketProblemLinked,
    TicketProblemUnlinked,
    MessagePosted,
    FileQuarantined,
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
    CallReminded,
    CallJoined,
    CallDeclined,
    CallNoShow,
    CallFailed,
    CallEnded,
    ExpertAlerted,
    ExpertAccepted,
    ExpertDeclined,
    ExpertCancelled,
    RoutingUnstaffed,
    RoutingRoundExhausted,
    AccountDigest,
    AccountReportReady,
    MailBounced,
    MessageUnconfirmed,
    MaintenanceStarted,
    MaintenanceEnded,
    ArticlePublished,
    ArticleWithdrawn,
    CoachingNoted,
    CoachingAcknowledged,
    ProblemSuggested,
    ProblemOpened,
    ProblemUpdated,
    ProblemTargetMissed,
    ProblemResolved,
    EventPostponed,
    JobPostponed,
    CountPostponed,
    WebhookDisabled,
    WebhookPaused,
    WebhookResumed,
    WebhookTest,
)

EVENT_TYPES: Final = tuple(event.type for event in EVENTS)
"""The catalogue: the name of every type."""

INTERNAL_TYPES: Final = frozenset(event.type for event in EVENTS if event.audience == "internal")
"""Events that are always internal; of the others, some are by their data."""

INTERNAL_METRICS: Final = frozenset({"escalation_ack", "alert_ack"})
"""Deadlines of support's own work: their events are internal."""


def audience_of(data: EventData) -> str:
    """``public`` or ``internal``: the one place that decides what a customer may see."""
    if isinstance(data, DeadlineEvent) and data.metric in INTERNAL_METRICS:
        return "internal"
    if isinstance(data, TicketSolutionLinked) and data.readers == "internal":
        return "internal"
    if isinstance(data, MessagePosted | FileQuarantined):
        return data.visibility
    return data.audience
