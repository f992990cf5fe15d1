"""What happens to a ticket and to its messages. Pure."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from app.events.types.data import DISPLAY_NAME, ChangeEvent, EventData, NotifyingEvent, TextEvent
from app.events.types.deadlines import PlanPins


class TicketFacts(BaseModel):
    """What a ticket says when it is opened, and whenever it is shown: the API's ``Ticket`` has these members too."""

    number: str
    title: str
    description: str
    product: str | None
    channel: str
    environment: str
    status: str
    priority: str
    priority_source: str
    matrix_priority: str | None
    impact: str | None
    urgency: str | None
    business_impact: str | None
    priority_reason: str | None
    external_ref: str | None
    call_link: str | None


class AttachedFile(BaseModel):
    """A file of a ticket or a message, without a link: whoever may see it asks for one."""

    id: str
    name: str
    type: str
    size: int
    state: str = Field(description="`kept`, or `left_out`")
    reason: str | None = Field(description="Why it was left out")


class TicketOpened(NotifyingEvent, TicketFacts, TextEvent):
    """A ticket was opened."""

    type = "ticket.opened"
    attachments: list[AttachedFile] = Field([])
    requester: dict[str, JsonValue]
    plan: PlanPins


class TicketUpdated(TextEvent):
    """Fields of a ticket were changed; ``fields`` holds the new values."""

    type = "ticket.updated"
    fields: dict[str, JsonValue]


class TicketStatusChanged(ChangeEvent):
    """The status changed."""

    type = "ticket.status_changed"


class TicketReopened(NotifyingEvent, ChangeEvent):
    """A resolved ticket was reopened; for a P1, the technical account manager is notified."""

    type = "ticket.reopened"


class TicketMerged(EventData):
    """A ticket was merged into another one of the same account, and is closed; both timelines show it."""

    type = "ticket.merged"
    merged: str
    into: str


class TicketReviewRequested(EventData):
    """A ticket needs a review of its priority; its clocks keep running."""

    type = "ticket.review_requested"
    priority: str
    reason: str = Field(description="`non_production`, `automation`, `assessment` or `engineer`, as `review_reason`")


class TicketCustomerReminded(EventData):
    """The customer, for whom the ticket waits, was reminded."""

    type = "ticket.customer_reminded"
    number: int = Field(description="Which reminder of this wait it is, from 1")
    resolve_at: datetime | None = Field(description="When the ticket is resolved without an answer; null: never")


class TicketWithdrawn(TextEvent):
    """The customer withdrew the ticket, which is closed."""

    type = "ticket.withdrawn"
    reason: str | None


class TicketPriorityChanged(NotifyingEvent, ChangeEvent):
    """The priority changed: by a person, or by the service after a miss (``source`` is ``automatic``)."""

    type = "ticket.priority_changed"
    source: str


class TicketTierChanged(ChangeEvent):
    """The ticket moved to another support tier."""

    type = "ticket.tier_changed"


class TicketAssigned(ChangeEvent):
    """The ticket was assigned to another engineer, or to nobody: `from` and `to` are engineers' ids."""

    type = "ticket.assigned"
    from_name: str | None = None
    from_display_name: str | None = DISPLAY_NAME
    to_name: str | None = None
    to_display_name: str | None = DISPLAY_NAME


class TicketSolutionLinked(TextEvent):
    """An article was linked to the ticket as its solution; internal where the article is."""

    type = "ticket.solution_linked"
    article_id: str
    slug: str
    language: str
    title: str
    readers: str = Field(description="The article's audience: `public`, `customers` or `internal`")


class TicketNoKnownSolution(EventData):
    """The knowledge base has no solution for a new ticket; whoever would take it in the next tier is told."""

    type = "ticket.no_known_solution"
    audience = "internal"
    tier: int | None = Field(description="The next tier, whose engineer is told; null: the plan has no further one")
    engineer_id: str | None = Field(description="Who is told; null: nobody of that tier is available")
    engineer_name: str | None = None


class TicketPostponed(EventData):
    """The ticket's timers failed twice in a row: until ``retry_at`` they are retried only by a request."""

    type = "ticket.postponed"
    audience = "internal"
    reason: Literal["failed", "slow"] = Field(description="`slow`: the database needed longer than a ticket may take")
    error: str = Field(description="The kind of the error; the service's log has it in full")
    failures: int = Field(description="Attempts in a row. Told as long as the wait grows, from a minute to an hour")
    retry_at: datetime


class TicketLinkCreated(EventData):
    """A link was made that opens the ticket in a browser."""

    type = "ticket.link_created"
    audience = "internal"
    link_id: str
    email: str = Field(description="Whose link it is")
    expires_at: datetime


class TicketLinkDeleted(EventData):
    """A link that opened the ticket in a browser was deleted."""

    type = "ticket.link_deleted"
    audience = "internal"
    link_id: str
    email: str = Field(description="Whose link it was")


class MessagePosted(TextEvent):
    """A message was posted; internal ones go to support only."""

    type = "message.posted"
    message_id: str
    author: dict[str, JsonValue]
    visibility: str
    channel: str | None
    body: str
    attachments: list[AttachedFile] = Field([])


class FileQuarantined(EventData):
    """The scanner has found something in a file: nobody can download it any more."""

    type = "file.quarantined"
    file_id: str
    name: str
    message_id: str | None = Field(description="Null for a file of the ticket's opening")
    visibility: str
    finding: str = Field(description="What was found, by the scanner's name for it")
