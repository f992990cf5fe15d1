"""What is told of an account week by week. Pure."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.events.types.data import NotifyingEvent, TextEvent


class DigestTicket(BaseModel):
    """A ticket with a deadline that is at risk, or was missed."""

    ticket_id: str
    number: str
    title: str
    priority: str
    metric: str
    due_at: datetime


class AccountDigest(NotifyingEvent, TextEvent):
    """The weekly digest of an account for its technical account manager, if there is anything to report."""

    type = "account.digest"
    audience = "internal"
    since: datetime = Field(description="A week before")
    until: datetime
    open: int = Field(description="Tickets that are neither resolved nor closed")
    open_by_priority: dict[str, int]
    at_risk: int = Field(description="Their deadlines that support has to meet within the next 24 hours")
    missed: int = Field(description="Deadlines that were missed in the week, or before it and are still open")
    unconfirmed: int = Field(0, description="Open tickets of guests, with whom nobody has dealt: they count only here")
    tickets_at_risk: list[DigestTicket] = Field(description="The first 10 by their due instants")
    tickets_missed: list[DigestTicket] = Field(description="The last 10 by their due instants")
