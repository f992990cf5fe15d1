"""What is answered and sent about events."""

from typing import Literal

from pydantic import Field, JsonValue

from app.core.auth import ActorKind
from app.core.schemas.shared import Document, Instant


class Actor(Document):
    """Who did it; ``service`` is the clock itself."""

    kind: ActorKind
    id: str | None = None
    name: str | None = Field(
        None, description="Of an automation: the label of its key. Customers see only that of their own account's keys"
    )
    display_name: str | None = Field(
        None,
        description="For support, of an engineer who has chosen a name for customers, or of an account's automation: "
        "customers see this as the name",
    )
    unconfirmed: bool = Field(
        False,
        description="True: an e-mail states the name, and nobody vouches that it is its sender's. Else left out",
    )


class EventTicket(Document):
    """A stub of a ticket: enough for a sentence about it."""

    number: str
    title: str
    priority: str
    status: str
    external_ref: str | None


class TicketProblem(Document):
    """The problem behind a ticket, as far as everybody may know of it."""

    id: str
    number: str
    title: str
    state: Literal["open", "investigating", "known_error", "resolved", "closed"]
    workaround: str | None
    resolution: str | None


class Event(Document):
    """The envelope that the timeline, the feed and webhooks share."""

    id: str
    type: str
    timestamp: Instant = Field(description="When it happened; on a sandbox's clock for a sandbox account")
    account_id: str | None = Field(description="null: an event of no account")
    ticket_id: str | None
    ticket: EventTicket | None = Field(
        description="Its ticket as it was right after the event. null: an event of no ticket, or one that an earlier "
        "version recorded without it"
    )
    sequence: int | None = Field(
        description="The event's place among those of its ticket, without a gap; webhooks are first sent in this order"
    )
    actor: Actor
    audience: Literal["public", "internal"]
    sandbox: bool
    data: dict[str, JsonValue]
