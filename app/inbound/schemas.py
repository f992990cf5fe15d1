"""What is sent and answered about hooks and what they received."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from app.accounts.schemas import AccountId
from app.calendars.durations import parse_duration
from app.core.schemas import ActorRef, Document, Email, Instant, Name, Strict, Word, no_nul
from app.inbound.signatures import SIGNED, Scheme
from app.tickets.schemas import Environment, Impact, Priority, Title, Urgency

Format = Literal["generic", "alertmanager", "grafana", "pagerduty", "cloudevents"]
LabelName = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(no_nul)]
LabelValue = Annotated[str, StringConstraints(max_length=500), AfterValidator(no_nul)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")]
Secret = Annotated[str, StringConstraints(pattern=r"^[!-~]{16,500}$")]
_STANDARD_SECRET: Final = "whsec_"  # noqa: S105 - how such secrets begin
_NEVER: Final = "PT0S"


def _window(value: str) -> str:
    if value != _NEVER:
        parse_duration(value)
    return value


Window = Annotated[str, StringConstraints(max_length=40), AfterValidator(_window)]


class Signature(Strict):
    """How a sender shows that it is the one."""

    scheme: Scheme = Field(
        "key",
        description="`key`: the hook's key as a bearer token, as the password of Basic, as `?key=` or as PagerDuty's "
        "`routing_key`; `bearer` and `basic` take it in that one way; the others are an HMAC-SHA256 in the sender's "
        "own header; `none` takes whatever comes to the hook's address",
    )
    secret: Secret | None = Field(
        None, description="Of an HMAC: the sender's own, where it does not take ours. Never answered"
    )
    header: HeaderName | None = Field(None, description="Of `hmac`: the header with the signature over the body")
    prefix: Annotated[str, StringConstraints(max_length=40, pattern=r"^[!-~]*$")] = Field(
        "", description="Of `hmac`: what stands before the signature, like `sha256=`"
    )
    encoding: Literal["hex", "base64"] = Field("hex", description="Of `hmac`")

    @model_validator(mode="after")
    def _fits_its_scheme(self) -> Self:
        if (self.scheme == "hmac") != (self.header is not None):
            raise PydanticCustomError("header", "The scheme hmac, and no other, names its header")
        if self.secret and self.scheme not in SIGNED:
            raise PydanticCustomError("secret", "Only an HMAC has a secret of the sender's; keys are made here")
        if self.secret and self.scheme == "standard_webhooks" and not self.secret.startswith(_STANDARD_SECRET):
            raise PydanticCustomError("secret", "A secret of Standard Webhooks is whsec_ and base64")
        return self


class Urgent(Strict):
    """A priority, or the impact and urgency of which the plan's matrix makes one."""

    priority: Priority | None = None
    impact: Impact | None = None
    urgency: Urgency | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.impact is None) != (self.urgency is None):
            raise PydanticCustomError("matrix", "Impact and urgency go together: the matrix needs both")
        if self.priority and self.impact:
            raise PydanticCustomError("matrix", "Name a priority, or impact and urgency")
        return self


class Rule(Urgent):
    """What follows from labels."""

    match: Annotated[dict[LabelName, LabelValue | list[LabelValue]], Field(min_length=1, max_length=10)] = Field(
        description="Each of these labels has this value, or one of these values"
    )
    environment: Environment | None = None


class HookRequester(Strict):
    """In whose name tickets are opened."""

    name: Name
    email: Email


class HookFields(Urgent):
    """What can be written about a hook, and changed later."""

    name: Name
    format: Format = Field("generic", description="What the address without a format's name takes")
    product: Word | None = None
    signature: Signature = Field(default_factory=Signature)
    environment: Environment = "production"
    mapping: list[Rule] = Field(
        default_factory=list,
        max_length=100,
        description="The first rule that fits says how urgent an alert is, the first with an environment says where; "
        "else the hook's own priority (or impact and urgency) and environment hold",
    )
    title: Title | None = Field(None, description="The tickets' title, with labels like `{instance}`; else the alert's")
    requester: HookRequester | None = Field(None, description="In whose name tickets are opened; else the hook's")
    tags: list[Word] = Field(default_factory=list, max_length=20)
    ticket_per: Literal["alert", "group"] = Field(
        "alert", description="A ticket for each alert, or one for all alerts of the sender's group"
    )
    grouping_window: Window = Field(
        "PT1H",
        description="An alert that fires again this soon after its ticket was resolved reopens it; later, or with "
        "`PT0S`, a new ticket follows up",
    )
    on_resolve: Literal["resolve", "message", "note"] = Field(
        "resolve", description="Once nothing fires any more: the ticket is resolved, or a message or an internal note"
    )
    enabled: bool = True


_MAPPING: Final[list[dict[str, Any]]] = [
    {"match": {"severity": "critical"}, "impact": "large", "urgency": "high"},
    {"match": {"severity": ["warning", "info"]}, "impact": "small", "urgency": "low"},
    {"match": {"env": ["staging", "test"]}, "environment": "non_production"},
]
_FIELDS: Final[dict[str, Any]] = {
    "name": "Prometheus",
    "format": "alertmanager",
    "mapping": [{"match": {"severity": "critical"}, "priority": "P2"}, _MAPPING[2]],
    "requester": {"name": "Operations", "email": "ops@example.com"},
    "on_resolve": "resolve",
}
HOOK: Final = "hook_01k9z3v5q8e9rbn3wz4m6t7y2d"
RECEIPT: Final = "rcp_01k9z3v5q8e9rbn3wz4m6t7y2d"
_ACCOUNT: Final = "acc_01k9z3v5q8e9rbn3wz4m6t7y2a"
_STAMPS: Final = {"created_at": "2026-11-20T20:30:00Z", "updated_at": "2026-11-20T20:30:00Z"}
_HOOK: Final[dict[str, Any]] = {
    "id": HOOK,
    "account_id": _ACCOUNT,
    **HookFields.model_validate(_FIELDS).model_dump(mode="json"),
    "url": f"/v1/ingest/{HOOK}/alertmanager",
    "version": 1,
    **_STAMPS,
}


class HookCreate(HookFields):
    """A new hook."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FIELDS | {"account_id": _ACCOUNT}]})

    account_id: AccountId | None = Field(None, description="Needed with an admin's key; else the key's own")
    actor: ActorRef | None = Field(None, description="The person for whom an account's key acts")


class HookDocument(Document):
    """A hook, without its secrets: its fields as they were written, and these."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HOOK]})

    id: str
    account_id: str
    name: str
    format: Format
    enabled: bool
    url: str = Field(description="Where its sender posts to, on this server")
    version: int
    created_at: Instant
    updated_at: Instant


class HookSecretDocument(HookDocument):
    """A hook, with its new key or secret where one was made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_HOOK | {"secret": "hd_hook_7Qx2rT0nLr4fK1w9mZbV3cXyA5sD6gHjPq8ueW"}]}
    )

    secret: str | SkipJsonSchema[None] = Field(
        None,
        description="Its key, or the secret of its HMAC: shown this once; a replay of the request does not have it",
    )


class ReceivedDocument(Document):
    """What a sender is told: it is kept, and looked at next."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"receipt_id": RECEIPT, "duplicate": False}]})

    receipt_id: str
    duplicate: bool = Field(description="Whether this very event was received before; then it is not kept again")


class SignalDocument(Document):
    """What one alert of a payload did."""

    key: str
    status: Literal["firing", "acknowledged", "resolved"]
    title: str
    outcome: str = Field(
        description="`started`, `restarted`, `changed`, `resolved`, `acknowledged`; without effect: `repeated`, "
        "`unknown` (nothing fires that it could end), `outdated` (something newer was heard of it)"
    )
    ticket_id: str | None = None


_RECEIPT: Final[dict[str, Any]] = {
    "id": RECEIPT,
    "account_id": _ACCOUNT,
    "hook_id": HOOK,
    "format": "alertmanager",
    "state": "processed",
    "error": None,
    "received_at": "2026-11-20T20:30:00Z",
    "processed_at": "2026-11-20T20:30:00.040000Z",
    "size": 1059,
    "left_out": 0,
    "tickets": [{"ticket_id": "tkt_01k9z3v5q8e9rbn3wz4m6t7y2a", "action": "opened"}],
    "signals": [
        {
            "key": "06fde51a4bdb38c5",
            "status": "firing",
            "title": "DiskFull on h1",
            "outcome": "started",
            "ticket_id": "tkt_01k9z3v5q8e9rbn3wz4m6t7y2a",
        }
    ],
}


class TouchedTicket(Document):
    """What was done to one ticket."""

    ticket_id: str
    action: Literal["opened", "reopened", "told", "resolved"]


class ReceiptDocument(Document):
    """One payload that a hook received, and what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RECEIPT]})

    id: str
    account_id: str
    hook_id: str
    format: Format
    state: Literal["pending", "processed", "ignored", "failed"] = Field(
        description="`ignored`: nothing new; `failed`: see `error`, and process it again once that is mended"
    )
    error: str | None
    received_at: Instant
    processed_at: Instant | None
    size: int = Field(description="Bytes of the payload")
    left_out: int = Field(
        description="Alerts of which the payload tells only that they are there, or beyond the 1,000th"
    )
    tickets: list[TouchedTicket]
    signals: list[SignalDocument]


class PayloadDocument(ReceiptDocument):
    """A receipt with its payload."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _RECEIPT
                | {
                    "headers": {"content-type": "application/json"},
                    "payload": '{"version": "4", "alerts": []}',
                    "encoding": "utf-8",
                }
            ]
        }
    )

    headers: dict[str, str] = Field(description="Those that say what the payload is; never a key or a signature")
    payload: str = Field(description="As it was received")
    encoding: Literal["utf-8", "base64"] = Field(description="How `payload` is written: base64 where it is no text")


class EventAccepted(Document):
    """What PagerDuty answers to an event that it takes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "success", "message": "Event processed", "dedup_key": "disk/h1"}]}
    )

    status: Literal["success"]
    message: str
    dedup_key: str = Field(description="The event's own, or one to resolve it by")


class EventRefused(Document):
    """What PagerDuty answers to an event that it does not take."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "invalid event",
                    "message": "Event object is invalid",
                    "errors": ["'payload' is missing, and trigger needs it"],
                }
            ]
        }
    )

    status: Literal["invalid event"]
    message: str
    errors: list[str]
