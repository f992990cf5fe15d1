"""What is sent and answered about endpoints."""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from app.calendars.durations import format_duration
from app.core.jmespath.projection import MAX_LENGTH, compile_projection
from app.core.problems import invalid_value
from app.core.schemas.shared import ActorRef, Document, Instant, Strict, id_pattern
from app.core.text.language import Language
from app.core.text.messages import _
from app.events.types import EVENT_TYPES
from app.plans.document.words import Duration
from app.webhooks.formats.bodies import Format
from app.webhooks.rules.patterns import GLOB, MAX_GLOB, MAX_GLOBS
from app.webhooks.rules.signing import MAX_OVERLAP, OVERLAP

AccountId = Annotated[str, StringConstraints(pattern=id_pattern("acc"))]
Glob = Annotated[str, StringConstraints(pattern=GLOB, max_length=MAX_GLOB)]
TargetUrl = Annotated[
    str, StringConstraints(max_length=2000), Field(json_schema_extra={"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"})
]
"""Where webhooks are sent. What is wrong with one is told by ``check_url``, in words."""


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _compiles(text: str) -> str:
    compile_projection(text)
    return text


ProjectionText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH), AfterValidator(_compiles)]
CONCURRENCY: Final = 10
"""How many messages an endpoint gets at once from one replica, unless it says otherwise."""
CHAT_RATE: Final = 1.0
"""Messages a second to a chat: https://docs.slack.dev/apis/web-api/rate-limits, and a space of Google Chat the same."""
DeliveryState = Literal["pending", "delivered", "skipped", "failed"]
_STAMPS: Final[dict[str, Any]] = {"created_at": "2026-11-20T20:30:00Z", "updated_at": "2026-11-20T20:30:00Z"}
_FIELDS: Final[dict[str, Any]] = {"url": "https://example.com/heliodesk", "events": ["ticket.*", "deadline.missed"]}
ENDPOINT: Final = "wh_01k9z3v5q8e9rbn3wz4m6t7y2d"
ACCOUNT: Final = "acc_01k9z3v5q8e9rbn3wz4m6t7y2a"
_ENDPOINT: Final[dict[str, Any]] = {
    "id": ENDPOINT,
    "account_id": ACCOUNT,
    **_FIELDS,
    "format": "standard",
    "locale": "en",
    "projection": None,
    "enabled": True,
    "concurrency": None,
    "rate": None,
    "disabled_reason": None,
    "failing_since": None,
    "paused_at": None,
    "paused_reason": None,
    "secrets_until": [],
    "version": 1,
    **_STAMPS,
}
_SECRET: Final = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD5rHPQz1cCzM="  # noqa: S105 - the documentation's example


class WebhookEndpointFields(Strict):
    """What can be written about an endpoint, and changed later."""

    url: TargetUrl = Field(
        description="`https://`; `http://` only to an address in a network that the operator allows. "
        "Redirects are not followed"
    )
    events: Annotated[list[Glob], AfterValidator(_distinct)] = Field(
        default=["*"],
        min_length=1,
        max_length=MAX_GLOBS,
        description="Globs over event types: `*` stands for any part. Each matches at least one type; types that a "
        "later version adds are matched from then on",
        examples=[["ticket.*"]],
    )
    format: Format = Field(
        "standard",
        description="`standard`: the event itself. `slack`, `google_chat`, `teams`: a message for the incoming webhook "
        "of a chat (for Teams, of a workflow), with what people wrote escaped and cut to the chat's limits. All are "
        "signed",
    )
    locale: Language = Field("en", description="The language of messages to a chat; their instants are in UTC")
    projection: ProjectionText | None = Field(
        None,
        description="With the format `standard`: a JMESPath expression over the event (https://jmespath.org). What it "
        "gives is sent as JSON "
        "instead of the event, signed in the same way. Where it gives `null` or `false`, the event is not wanted: its "
        "delivery ends as `skipped`. Where it cannot be applied, or takes too many steps, the delivery fails at once, "
        "and says why",
        examples=["data.{kind: 'ticket', title: title, priority: priority}"],
    )
    enabled: StrictBool = Field(
        True,
        description="`false`: it is sent nothing. What waits for it fails when its turn comes, and what happens "
        "meanwhile is not kept for it; once it is enabled again, both can be sent by `replay`. The service disables an "
        "endpoint too, and says why in `disabled_reason`. It is not the same as being paused (`paused_at`): then the "
        "service lets events wait, and sends all of them later",
    )
    concurrency: int | None = Field(
        None,
        ge=1,
        le=50,
        strict=True,
        description=f"How many messages it gets at once, from each replica; null: {CONCURRENCY}",
    )
    rate: float | None = Field(
        None,
        ge=0.01,
        le=1000,
        strict=True,
        description="The most messages that it gets in a second, from all replicas together, evenly: `0.5` is one "
        "every two seconds, retries included; null: as fast as it takes them; to a chat one a second, as Slack "
        "and Google Chat require",
    )

    @field_validator("projection")
    @classmethod
    def _of_the_event_itself(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("format", "standard") != "standard":
            raise invalid_value("projection", _("Only the format `standard` can have a projection"))
        return value

    @model_validator(mode="after")
    def _at_the_pace_of_a_chat(self) -> "WebhookEndpointFields":
        if self.rate is None and self.format != "standard":
            self.rate = CHAT_RATE
        return self


class NewWebhookEndpoint(WebhookEndpointFields):
    """A new endpoint."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _FIELDS | {"account_id": ACCOUNT},
                {"url": "https://hooks.slack.com/services/T0/B0/X", "format": "slack", "locale": "es"},
                {"url": "https://example.com/pager", "projection": "data.priority == 'P1' && {text: data.title}"},
            ]
        }
    )

    account_id: AccountId | None = Field(
        None,
        description="Whose public events are sent. Implied for an account's key; "
        "an admin's endpoint without it gets the events of all accounts, internal ones too",
    )
    actor: ActorRef | None = Field(None, description="The person for whom the account's key acts")


def _known(event_type: str) -> str:
    if event_type not in EVENT_TYPES:
        raise invalid_value("event_type", _("There is no event of this type"))
    return event_type


class WebhookEndpointTest(Strict):
    """What is sent as a test."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"event_type": "ticket.opened"}]})

    event_type: Annotated[str, AfterValidator(_known)] | None = Field(
        None, description="Send the example of this type", json_schema_extra={"enum": [*EVENT_TYPES, None]}
    )


class WebhookEndpoint(Document):
    """Where events are sent."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, json_schema_extra={"examples": [_ENDPOINT]})

    id: str
    account_id: str | None = Field(description="null: an operator's endpoint, which gets the events of all accounts")
    url: str = Field(description="Without path and query for viewers: a chat's URL is its password")
    events: list[str]
    format: str
    locale: str
    projection: str | None
    concurrency: int | None
    rate: float | None
    enabled: bool
    disabled_reason: str | None = Field(
        description="Why it gets nothing: it answered 410, it failed for five days, or it was disabled through the API"
    )
    failing_since: Instant | None = Field(description="The first failure since the last success")
    paused_at: Instant | None = Field(
        description="Since when new events wait, because too many deliveries are pending. It resumes by itself, and is "
        "sent all of them"
    )
    paused_reason: Literal["pending_deliveries"] | None = Field(description="The quota that its account exceeded")
    secrets_until: list[Instant] = Field(description="When each secret before the newest one ends, the latest first")
    version: int
    created_at: Instant
    updated_at: Instant


def _or_none(value: Any) -> Any:
    return timedelta(0) if value == "PT0S" else value


def _not_too_long(value: timedelta) -> timedelta:
    if value > MAX_OVERLAP:
        raise invalid_value("overlap", _("An old secret goes on signing for at most seven days (PT168H)"))
    return value


class SecretRotation(Strict):
    """How a secret is replaced."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap": "PT24H"}]})

    overlap: Annotated[Duration, BeforeValidator(_or_none), AfterValidator(_not_too_long)] = Field(
        OVERLAP,
        json_schema_extra={"default": format_duration(OVERLAP)},
        description="How long messages are signed with the old secret too: `PT0S` (not at all) to `PT168H`",
    )


class WebhookEndpointWithSecret(WebhookEndpoint):
    """An endpoint with its new signing secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENDPOINT | {"secret": _SECRET}]})

    secret: str | SkipJsonSchema[None] = Field(
        None, description="Shown this once; a replay of the request does not have it"
    )
