"""Who takes a ticket: experts alerted, hand-overs from region to region, and nobody there. Pure."""

from datetime import datetime

from pydantic import BaseModel, Field, JsonValue

from app.events.data import ChangeEvent, EventData, TextEvent


class CandidateData(BaseModel):
    """An engineer who was looked at: taken or not, and why."""

    engineer_id: str
    taken: bool
    why: str = Field(description="What hindered; of somebody available the criterion that decided")


class _Chosen(EventData):
    audience = "internal"
    candidates: list[CandidateData] = Field(description="The first 20 by rank, who was hindered after all others")
    considered: int = Field(description="How many engineers were looked at")


class _Alert(TextEvent):
    audience = "internal"
    alert_id: str
    engineer_id: str


class ExpertAlerted(_Chosen):
    """An expert is asked to take the ticket now, and nothing else beside it (G2)."""

    type = "expert.alerted"
    alert_id: str
    engineer_id: str
    region: str | None
    accept_by: datetime


class ExpertAccepted(_Alert):
    """The expert takes the ticket."""

    type = "expert.accepted"


class ExpertDeclined(_Alert):
    """The expert does not take the ticket, and says why; the next one is alerted."""

    type = "expert.declined"
    reason: str


class ExpertCancelled(_Alert):
    """The expert's answer is no longer waited for: it did not come in time (``expired``), or is not needed."""

    type = "expert.cancelled"
    reason: str


class RoutingUnstaffed(_Chosen):
    """Nobody is left to take the ticket: it waits in the queue, and the account's manager is told."""

    type = "routing.unstaffed"
    region_lock: str | None
    next_at: datetime | None = Field(description="When somebody comes on shift; null: not within a year")
    told: list[dict[str, JsonValue]]


class TicketHandedOver(ChangeEvent):
    """A shift has ended: the ticket goes on with the next one (G7). ``from`` and ``to``: engineer and region."""

    type = "ticket.handed_over"
