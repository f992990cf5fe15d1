"""What a preview takes and shows, and what an explanation looks like."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator

from app.core.schemas.shared import Country, Document, Instant, Strict, TimeZone
from app.core.text.language import Language
from app.plans.document.words import Name
from app.sla.explain.segments import Kind
from app.tickets.schemas import Deadline, Priority, Status

MAX_CHANGES: Final = 1_000


class PreviewMessageChange(Strict):
    """Somebody writes; only a public message counts."""

    at: Instant
    type: Literal["message"]
    author: Literal["engineer", "customer"]
    visibility: Literal["public", "internal"] = "public"


class PreviewStatusChange(Strict):
    """An engineer sets the status."""

    at: Instant
    type: Literal["status"]
    status: Status


class PreviewPriorityChange(Strict):
    """The priority is set."""

    at: Instant
    type: Literal["priority"]
    priority: Priority


class PreviewTierChange(Strict):
    """The ticket moves to another support tier."""

    at: Instant
    type: Literal["tier"]
    tier: int = Field(ge=1, le=9)


class PreviewReopening(Strict):
    """A resolved ticket is reopened."""

    at: Instant
    type: Literal["reopen"]


class PreviewWithdrawal(Strict):
    """The customer withdraws the ticket."""

    at: Instant
    type: Literal["withdraw"]


PreviewChange: TypeAlias = (
    PreviewMessageChange
    | PreviewStatusChange
    | PreviewPriorityChange
    | PreviewTierChange
    | PreviewReopening
    | PreviewWithdrawal
)
_KINDS: Final[dict[str, type[PreviewChange]]] = {
    "message": PreviewMessageChange,
    "status": PreviewStatusChange,
    "priority": PreviewPriorityChange,
    "tier": PreviewTierChange,
    "reopen": PreviewReopening,
    "withdraw": PreviewWithdrawal,
}


def _by_type(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Read a change by its type, so that a fault's pointer names the member and not the type as well."""
    kind = value.get("type") if isinstance(value, dict) else None
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    return model.model_validate(value) if model else handler(value)


ChangeInput = Annotated[PreviewChange, Field(discriminator="type"), WrapValidator(_by_type)]


PlanInput = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"},
                {"type": "object", "description": "A whole plan document, as `POST /v1/plans` takes it"},
            ]
        }
    ),
]


class PreviewRequest(Strict):
    """A ticket that might be, and what might happen to it."""

    plan: PlanInput = Field(description="A plan's key, or a whole plan document")
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(
        None, description="Of the plan that the key names; default: the current one"
    )
    addons: list[Name] = Field(default_factory=list, max_length=20, description="Those that the account has bought")
    priority: Priority
    time_zone: TimeZone = Field(description="The account's")
    country: Country | None = Field(None, description="The account's, for calendars with its holidays; default: none")
    opened_at: Instant
    changes: list[ChangeInput] = Field(default_factory=list, max_length=MAX_CHANGES, description="In order of time")
    until: Instant | None = Field(None, description="The instant of the answer; default: that of the last change")


class PlanUsed(Document):
    """A version of a plan; null for a document that is not stored."""

    key: str
    version: int | None


class CalendarUsed(Document):
    """A calendar and the zone that it is in."""

    name: str
    time_zone: str


class Countdown(Document):
    """The countdown of one priority."""

    priority: str
    target: str | dict[str, int] = Field(description="As in the plan: a duration or `{business_days: n}`")
    working_time: str = Field(description="The target in working time", examples=["PT9H"])
    calendar: CalendarUsed
    consumed: str = Field(description="Working time that it has used", examples=["PT2H"])
    remaining: str = Field(description="Working time that it has left", examples=["PT7H"])
    due_at: Instant | None = Field(description="When it ends by itself; null while paused")


class Segment(Document):
    """A stretch of time. The `working_time` of the running ones adds up to what was consumed."""

    kind: Kind
    from_: Instant = Field(alias="from")
    to: Instant
    working_time: str
    priority: str = Field(description="The ticket's in this stretch")


class Move(Document):
    """What set or moved the due instant."""

    kind: Literal["started", "moved", "paused", "resumed"]
    at: Instant
    from_: Instant | None = Field(alias="from")
    to: Instant | None
    reason: str | None
    actor: dict[str, str] = Field(description="Who caused it")


class Explanation(Document):
    """Why a deadline is due when it is."""

    plan: PlanUsed
    time_zone: str = Field(description="The ticket's")
    countdown: Countdown = Field(description="The one that decides")
    other_countdowns: list[Countdown] = Field(description="Those that could decide, and end later")
    segments: list[Segment] = Field(
        description="Of the countdown that decides: from the start to its end, its due instant or now"
    )
    ahead: list[Segment] = Field(description="Of a running one: from now to its due instant")
    moves: list[Move]
    language: Language
    text: str = Field(description="The same in sentences")


class DeadlineExplanation(Document):
    """A deadline and its explanation, as of an instant."""

    as_of: Instant
    deadline: Deadline
    explanation: Explanation


class PreviewedDeadline(Document):
    """A deadline that the ticket would have."""

    metric: str
    cycle: int
    priority: str
    state: Literal["running", "paused", "missed", "met", "met_late", "cancelled"]
    subject: str | None
    started_at: Instant
    due_at: Instant | None
    missed_at: Instant | None
    stopped_at: Instant | None
    stopped_by: str | None
    reason: str | None
    remaining: str | None = Field(description="Working time left; null when it has ended")
    explanation: Explanation


class Preview(Document):
    """All deadlines that the ticket would have, in metric order."""

    as_of: Instant
    plan: PlanUsed
    status: Status
    priority: str
    tier: int
    deadlines: list[PreviewedDeadline]
