"""What happens to escalations. Pure."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from app.events.types.data import DISPLAY_NAME, EventData, NotifyingEvent, TextEvent

BREACH_VERIFIED: Final = "Whether the promise that it names was broken when it was requested; null: it names none"
BREACHES: Final = (
    "The last missed cycles of what it names, at most 20: those that were open when it was requested, and those since "
    "the last escalation for this reason was accepted"
)
BREACH_COUNT: Final = "How many there were in all"
STILL_OPEN: Final = "Null where it was still open"


class EscalationAutomatic(NotifyingEvent):
    """A miss escalated the ticket automatically."""

    type = "escalation.automatic"
    escalation_id: str | None
    reason: str
    metric: str
    cycle: int
    priority: str


class _Escalation(TextEvent):
    escalation_id: str
    reason: str
    subject: str = Field(description="What its `escalation_ack` deadline is filed under")


class BrokenPromise(BaseModel):
    """A cycle that was missed."""

    metric: str
    cycle: int
    due_at: datetime
    ended_at: datetime | None = Field(description=STILL_OPEN)


class EscalationRequested(NotifyingEvent, _Escalation):
    """A customer or an engineer requested an escalation."""

    type = "escalation.requested"
    kind: str
    justification: str
    requested_priority: str | None
    business_impact: str | None
    breach_verified: bool | None = Field(description=BREACH_VERIFIED)
    breaches: list[BrokenPromise] = Field([], description=BREACHES)
    breach_count: int = Field(0, description=BREACH_COUNT)


class EscalationAcknowledged(_Escalation):
    """Support acknowledged an escalation."""

    type = "escalation.acknowledged"


class EscalationAccepted(NotifyingEvent, _Escalation):
    """Support accepted an escalation: the ticket's priority, tier and assignee after it."""

    type = "escalation.accepted"
    priority: str
    tier: int
    assignee: str | None
    assignee_name: str | None = None
    assignee_display_name: str | None = DISPLAY_NAME


class EscalationDeclined(NotifyingEvent, _Escalation):
    """Support declined an escalation, and says why."""

    type = "escalation.declined"
    detail: str


class EscalationWithdrawn(NotifyingEvent, _Escalation):
    """Whoever requested an escalation withdrew it."""

    type = "escalation.withdrawn"


class EscalationSuggested(EventData):
    """Customer and engineer have exchanged so many messages without a solution that an escalation may be due."""

    type = "escalation.suggested"
    reason: str
    turns: int
