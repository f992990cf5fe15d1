"""What is answered and sent about events."""

from typing import Literal

from pydantic import Field, JsonValue

from app.core.auth import ActorKind
from app.core.schemas.shared import Document, Instant


class Actor(Document):
    """Who did it; ``service`` is the clock itself."""

    kind: ActorKind
    id: str | None = None
    name: str | None = None


class Event(Document):
    """The envelope that the timeline, the feed and webhooks share."""

    id: str
    type: str
    timestamp: Instant = Field(description="When it happened; on a sandbox's clock for a sandbox account")
    account_id: str | None = Field(description="null: an event of no account")
    ticket_id: str | None
    sequence: int | None = Field(
        description="The event's place among those of its ticket, without a gap; webhooks are first sent in this order"
    )
    actor: Actor
    audience: Literal["public", "internal"]
    sandbox: bool
    data: dict[str, JsonValue]
