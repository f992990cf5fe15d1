"""What the ticket operations take and show."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from app.accounts.schemas import AccountId, EngineerId
from app.core.problems import invalid_value
from app.core.schemas.shared import (
    ActorRef,
    Document,
    Email,
    HttpsUrl,
    Instant,
    Locale,
    Name,
    Strict,
    TimeZone,
    Word,
    at_most,
    id_pattern,
    no_nul,
)
from app.core.text.messages import _
from app.events.failures import CallFailure
from app.events.schemas import TicketProblem
from app.events.types.tickets import TicketFacts
from app.files.schemas import Attachment, FileIds
from app.paging.schemas import PagerMessage
from app.plans.schemas import TicketPlan
from app.tickets.watcher_schemas import Watcher, Watchers

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50_000), AfterValidator(no_nul)]
Sentence = Annotated[Text, StringConstraints(max_length=5_000)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(no_nul)]
Priority = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$", examples=["P1"])]
Channel = Literal["web", "email", "phone", "widget", "account_manager", "hook", "api"]
Impact = Literal["large", "medium", "small"]
Urgency = Literal["high", "medium", "low"]
Environment = Literal["production", "non_production"]
Status = Literal["new", "open", "waiting_on_customer", "mitigated", "resolved", "closed"]
TicketId = Annotated[str, StringConstraints(pattern=id_pattern("tkt"))]
AlertId = Annotated[str, StringConstraints(pattern=id_pattern("alr"))]
Scalar = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(no_nul)] | int | float | bool | None


def _small_integers(values: dict[str, Any]) -> dict[str, Any]:
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in values.values()):
        raise invalid_value("integer_range", _("Whole numbers have at most 63 bits"))
    return values


CustomName = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(no_nul)]
Custom = Annotated[dict[CustomName, Scalar], Field(max_length=50), at_most(50), AfterValidator(_small_integers)]
"""The integrator's own fields: flat, at most 50."""
Tags = Annotated[list[Word], Field(max_length=50)]


class Requester(Strict):
    """The person who needs help."""

    name: Name
    email: Email
    phone: Word | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = Field(
        None, description="In which the plan's working hours are counted. Default: the account's"
    )


class TicketFields(Strict):
    """What a ticket says, and can be changed later."""

    title: Title
    description: Text
    product: Word | None = None
    tags: Tags = Field(default_factory=list)
    custom: Custom = Field(default_factory=dict)
    environment: Environment = "production"
    impact: Impact | None = None
    urgency: Urgency | None = None
    external_ref: Word | None = None
    call_link: HttpsUrl | None = Field(None, description="The customer's own conferencing link, used for the P1 call")


class NewTicket(TicketFields):
    """A new ticket. The priority asked for wins, else impact x urgency by the plan's matrix, else its default."""

    account_id: AccountId | None = Field(None, description="Needed with admin and agent keys; else the key's own")
    requester: Requester | None = Field(None, description="Needed, unless a visitor's identity token names it")
    channel: Channel = "api"
    priority: Priority | None = None
    business_impact: Sentence | None = Field(None, description="Needed at the priorities that the plan names")
    priority_reason: Sentence | None = Field(None, description="Why it is this priority; needed like business_impact")
    region_lock: Word | None = Field(
        None,
        description="A region's key, or an IANA time zone: then the region that works in its daytime. Default: the "
        "account's",
    )
    follow_up_of: TicketId | None = None
    watchers: Watchers = Field(default_factory=list, description="Who follows it beside its requester")
    attachments: FileIds = Field(default_factory=list, description="Files, by their ids")
    actor: ActorRef | None = None


class TicketPatch(TicketFields):
    """A change of what a ticket says, and for whom the account's key makes it."""

    actor: ActorRef | None = None


class Author(Strict):
    """Who wrote a message; by default whoever the key acts as. A message of an `automation` answers nothing."""

    kind: Literal["engineer", "customer", "automation"]
    engineer_id: EngineerId | None = None
    name: Name | None = None
    email: Email | None = None


class NewMessage(Strict):
    """A message. An engineer's public message answers the customer, and so does the note of a call (``phone``).

    The note of a call is taken only where the plan offers the phone.
    """

    body: Text
    visibility: Literal["public", "internal"] = "public"
    channel: Channel | None = None
    author: Author | None = None
    attachments: FileIds = Field(default_factory=list, description="Files, by their ids")
    actor: ActorRef | None = None

    @model_validator(mode="after")
    def _phone_note_is_public(self) -> "NewMessage":
        if self.channel == "phone" and self.visibility == "internal":
            raise invalid_value("phone_note", _("The note of a call is public: it answers the customer"))
        return self


class StatusChange(Strict):
    """A new status; an engineer resolves, and sets waiting, with or after a public message."""

    status: Status
    message: Text | None = None
    actor: ActorRef | None = None


class PriorityChange(Strict):
    """A new priority, and why."""

    priority: Priority
    reason: Sentence
    business_impact: Sentence | None = None
    actor: ActorRef | None = None


class Assignment(Strict):
    """Another engineer (null: nobody), another tier, or both."""

    engineer_id: EngineerId | None = None
    tier: Annotated[int, Field(ge=1, le=9)] | None = None


class PriorityReview(Strict):
    """What support decides about a priority that is under review: it stays, or is this one; ``message`` is public."""

    priority: Priority | None = None
    message: Text | None = None


class ReviewRequest(Strict):
    """Support requests a review; ``message`` is what the customer is asked: by default a question of the service's."""

    message: Text | None = None


class Reopening(Strict):
    """A resolved ticket is to be open again; ``message`` is public."""

    message: Text | None = None
    actor: ActorRef | None = None


class RegionLock(Strict):
    """Where the ticket stays: in a region, or in that of a time zone. Null: it follows the sun."""

    region: Word | None = Field(None, description="A region's key, or an IANA time zone")
    time_zone: TimeZone | None = Field(
        None,
        description="In the place of `region`: the region whose shifts have most in common with 09:00 to 17:00 there",
    )
    actor: ActorRef | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "RegionLock":
        if self.region and self.time_zone:
            raise invalid_value("region_lock", _("Name either a region or a time zone"))
        return self


class Withdrawal(Strict):
    """The customer withdraws a ticket."""

    reason: Sentence | None = None
    actor: ActorRef | None = None


class TicketMerge(Strict):
    """The ticket that continues this one."""

    into: TicketId


class AlertRefusal(Strict):
    """An expert declines a ticket, and why."""

    reason: Sentence


class CallParticipation(Strict):
    """Who joined the call."""

    participant: Literal["customer", "engineer"]
    actor: ActorRef | None = None


class CallRefusal(Strict):
    """The customer will not join, and why."""

    reason: Sentence
    actor: ActorRef | None = None


class ActingPerson(Strict):
    """The person for whom an account's key acts, and nothing else."""

    actor: ActorRef | None = None


class Deadline(Document):
    """One cycle of one metric."""

    id: str
    metric: str
    cycle: int
    priority: str
    subject: str | None = None
    state: Literal["running", "paused", "missed", "met", "met_late", "cancelled"]
    started_at: Instant
    due_at: Instant | None = Field(description="Null while paused")
    missed_at: Instant | None
    noticed_at: Instant | None
    lag_ms: float | None = Field(description="How late the miss was noticed")
    ended_at: Instant | None
    stopped_by: str | None
    reason: str | None


class Call(Document):
    """A call of a ticket."""

    id: str
    state: Literal["requested", "ready", "joined", "declined", "no_show", "failed", "ended"]
    provider: str | None
    join_url: str | None
    remind_at: Instant | None = Field(
        description="When a customer who has neither joined nor declined is reminded; joining is possible at once"
    )
    join_by: Instant | None
    requested_at: Instant
    ready_at: Instant | None
    joined_at: Instant | None
    ended_at: Instant | None
    decline_reason: str | None
    failure: str | None = Field(description="Why there is no link, in the language of `Accept-Language`")
    failures: list[CallFailure] = Field(description="The same by codes, for each provider that was asked")


class TicketCalls(Document):
    """The active call, and the earlier ones."""

    call: Call | None
    earlier: list[Call]


class TicketRouting(Document):
    """How an expert is found for a ticket."""

    state: Literal["alerted", "engaged", "queued"] = Field(
        description="An expert was asked; an expert works on it; nobody can be asked now, and it waits"
    )
    since: Instant
    alert_id: str | None
    round: int = Field(
        description="The round of paging, from 1; they are counted from 1 again once somebody has accepted"
    )
    reason: Literal["round_exhausted", "unstaffed", "max_experts", "owner_held"] | None = Field(
        description="What it waits for: the next round, since everybody on shift was paged; somebody who comes on "
        "shift or is freed; an expert of the account's own, since it holds as many as its plan allows; its own "
        "engineer, who works on another ticket and nothing else"
    )
    queued_at: Instant | None
    next_at: Instant | None = Field(description="When it is handed over, the next round begins or somebody comes")


class Alert(Document):
    """An alert that asks an expert to take a ticket now."""

    id: str
    account_id: str
    ticket_id: str
    engineer_id: str
    state: Literal["alerted", "accepted", "declined", "expired", "cancelled"]
    alerted_at: Instant
    accept_by: Instant
    ended_at: Instant | None
    reason: str | None = Field(description="Why it was declined or cancelled")
    pages: list[PagerMessage] = Field(description="How the expert was notified, or will be until they answer")


class _Named(Document):
    """What tells a ticket from others."""

    id: str
    account_id: str


class Ticket(TicketFacts, _Named):
    """A ticket."""

    channel: Channel
    environment: Environment
    status: Status
    priority_source: Literal["requested", "matrix", "default", "override", "escalation", "automatic"]
    impact: Impact | None
    urgency: Urgency | None
    matrix_priority: str | None = Field(description="What the plan's matrix says of impact and urgency")
    requested_priority: str | None = Field(description="What a guest asked for, who gets the plan's default")
    unconfirmed: bool = Field(description="A guest opened it, and nobody else has acted on it: nobody is alerted")
    assessed_priority: str | None = Field(description="What support found the priority to be; for support")
    requester: Requester
    watchers: list[Watcher] = Field(description="Who follows it beside its requester")
    attachments: list[Attachment] = Field(description="The files that came with it when it was opened")
    closed_reason: Literal["closed", "unanswered", "withdrawn", "merged"] | None
    merged_into: str | None = Field(description="Of a merged ticket: the one that continues it")
    tier: int
    assignee: str | None
    region: str | None = Field(description="The region of its engineer")
    region_lock: str | None = Field(description="The key of the only region whose experts work on it")
    region_lock_time_zone: str | None = Field(
        description="The time zone that was asked for, where the region follows from one"
    )
    routing: TicketRouting | None = Field(description="How an expert is found for it; for support")
    plan: TicketPlan
    time_zone: str = Field(
        description="In which the plan's working hours are counted: the requester's, else the account's when it was "
        "opened"
    )
    tags: list[str]
    custom: dict[str, JsonValue]
    follow_up_of: str | None
    opened_at: Instant
    updated_at: Instant
    resolved_at: Instant | None
    closed_at: Instant | None
    deadlines: list[Deadline] = Field(description="The current cycle of each metric, and cycle 1")
    next_update_due_at: Instant | None
    call: Call | None
    problem: TicketProblem | None = Field(description="The known problem behind the ticket")
    escalated: bool
    review_requested: bool = Field(description="Whether its priority is under review")
    review_reason: str | None = Field(
        description="Why: `non_production` (urgent, outside production, and its impact is not large), `automation` "
        "(an alert set the top priority), `assessment` (impact or urgency have changed, and the priority did not "
        "follow), `engineer` (an engineer has requested it)"
    )
    sandbox: bool
    version: int


class Message(Document):
    """A message of a ticket."""

    id: str
    ticket_id: str
    author: dict[str, JsonValue] = Field(
        description="`kind`, and `id`, `name`, `email` where known; support also sees the `display_name` of an "
        "engineer who has chosen one, which customers see as the name. `unconfirmed: true`: it came by an e-mail that "
        "nobody vouches for, so that anybody may have written it in this name"
    )
    visibility: Literal["public", "internal"]
    channel: str | None
    body: str
    attachments: list[Attachment]
    created_at: Instant
