"""Who takes a ticket: experts alerted, hand-overs from region to region, and nobody there. Pure."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.events.types.data import ChangeEvent, EventData, NotifyingEvent, TextEvent


class EventCandidate(BaseModel):
    """An engineer who was considered: chosen or not, and why."""

    engineer_id: str
    engineer_name: str | None = None
    taken: bool
    reason: str = Field(description="What ruled them out; for somebody available, the criterion that decided")


class _Chosen(EventData):
    audience = "internal"
    candidates: list[EventCandidate] = Field(description="The first 20 by rank; those ruled out come last")
    considered: int = Field(description="How many engineers were considered")


class _Alert(TextEvent):
    audience = "internal"
    alert_id: str
    engineer_id: str
    engineer_name: str | None = None


class ExpertAlerted(_Chosen):
    """An expert was alerted to take the ticket, exclusively."""

    type = "expert.alerted"
    alert_id: str
    engineer_id: str
    engineer_name: str | None = None
    region: str | None
    accept_by: datetime
    urgency: Literal["high", "low"] = Field(
        "high", description="`high`: the ticket has the most urgent priority of its plan; it decides how they are paged"
    )


class ExpertAccepted(_Alert):
    """The expert accepted the ticket."""

    type = "expert.accepted"


class ExpertDeclined(_Alert):
    """The expert declined the ticket, and says why; the next one is alerted."""

    type = "expert.declined"
    reason: str


class ExpertCancelled(_Alert):
    """The alert has ended without an answer: none came in time (``expired``), or none is needed any more."""

    type = "expert.cancelled"
    reason: str


class RoutingUnstaffed(NotifyingEvent, _Chosen):
    """Nobody can take the ticket: it waits, and the account's manager is notified, at most once an hour."""

    type = "routing.unstaffed"
    region_lock: str | None
    reason: Literal["unstaffed", "max_experts", "owner_held"] = Field(
        description="Nobody who may take it is on shift and free; or the account holds as many experts as its plan "
        "allows, and the ticket waits until one of these is freed; or its engineer works on another ticket and nothing "
        "else, and it waits in their name until they are free"
    )
    next_at: datetime | None = Field(
        description="When somebody comes on shift, or, with very many shift overrides, when that is looked at again; "
        "null: not within a year, or it does not wait for that"
    )


class RoutingRoundExhausted(NotifyingEvent, _Chosen):
    """Nobody of those on shift has accepted the ticket: another round follows, and its manager is notified hourly."""

    type = "routing.round_exhausted"
    round: int = Field(description="Counted from 1, and from 1 again once somebody has accepted")
    next_at: datetime = Field(description="When the next round begins; whoever comes earlier is paged at once")


class TicketHandedOver(ChangeEvent):
    """Another engineer continues. `from` and `to` have `engineer_id`, `engineer_name` and `region`."""

    type = "ticket.handed_over"
    reason: str | None = Field(
        None,
        description="`shift_ended`; `region_lock` (it was locked to another region); `tier` (it moved to another "
        "tier); `missed` (a deadline was missed); `exclusive` (its engineer works on another ticket and nothing else); "
        "`owner_free` (its engineer is free again)",
    )
