"""What is told of coaching. Pure."""

from pydantic import Field

from app.events.types.data import EventData, TextEvent


class CoachingNoted(TextEvent):
    """A coaching note to an engineer was written about the ticket."""

    type = "coaching.noted"
    audience = "internal"
    note_id: str
    engineer_id: str = Field(description="To whom it is addressed")
    engineer_name: str | None = None
    body: str


class CoachingAcknowledged(EventData):
    """The engineer has read a coaching note."""

    type = "coaching.acknowledged"
    audience = "internal"
    note_id: str
    engineer_id: str
    engineer_name: str | None = None
