"""What the operations on escalations take and show."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from app.accounts.schemas import EngineerId
from app.core.schemas.shared import ActorRef, Document, Instant, Strict, id_pattern
from app.events.types.escalations import BREACH_COUNT, BREACH_VERIFIED, BREACHES, STILL_OPEN
from app.plans.document.words import EscalationReason
from app.tickets.schemas import Priority, Sentence, Text

EscalationId = Annotated[str, StringConstraints(pattern=id_pattern("esc"))]


class NewEscalation(Strict):
    """A request for an escalation; the plan says which reasons there are."""

    reason: EscalationReason
    justification: Sentence
    requested_priority: Priority | None = None
    business_impact: Sentence | None = None
    actor: ActorRef | None = None


class EscalationAcceptance(Strict):
    """What is done about an escalation; ``priority`` is the requested one by default, ``message`` is public."""

    priority: Priority | None = None
    tier: Annotated[int, Field(ge=1, le=9)] | None = None
    assignee_id: EngineerId | None = None
    message: Text | None = None


class EscalationRefusal(Strict):
    """An escalation is declined, and why."""

    reason: Sentence


class Breach(Document):
    """A cycle that was missed."""

    metric: str
    cycle: int
    due_at: Instant
    ended_at: Instant | None = Field(description=STILL_OPEN)


class Escalation(Document):
    """An escalation of a ticket."""

    id: str
    ticket_id: str
    kind: Literal["customer", "engineer", "service"]
    reason: str
    state: Literal["requested", "acknowledged", "accepted", "declined", "withdrawn", "closed"]
    requested_by: dict[str, JsonValue]
    justification: str | None
    requested_priority: str | None
    business_impact: str | None
    breach_verified: bool | None = Field(description=BREACH_VERIFIED)
    breaches: list[Breach] = Field(description=BREACHES)
    breach_count: int = Field(description=BREACH_COUNT)
    requested_at: Instant
    acknowledged_at: Instant | None
    ended_at: Instant | None
    decision: str | None = Field(description="What was said when it was accepted or declined")
