"""What is sent and answered about contact methods, notification rules and pages."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    field_validator,
)

from app.calendars.durations import format_duration
from app.core.problems import invalid_value
from app.core.schemas.shared import Document, Email, Instant, Name, Strict, id_pattern, no_nul
from app.core.text.messages import Message, _
from app.plans.document.words import Duration

Kind: TypeAlias = Literal["email", "apprise", "pagerduty", "opsgenie"]
Urgency: TypeAlias = Literal["high", "low"]
MethodId = Annotated[str, StringConstraints(pattern=id_pattern("cmt"))]
RuleId = Annotated[str, StringConstraints(pattern=id_pattern("nru"))]
Target = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), AfterValidator(no_nul)
]

_EMAIL: Final[TypeAdapter[str]] = TypeAdapter(Email)
_KEYS: Final[dict[str, tuple[re.Pattern[str], Message]]] = {
    "pagerduty": (re.compile(r"[A-Za-z0-9]{32}"), _("An integration key of PagerDuty has 32 letters and digits")),
    "opsgenie": (re.compile(r"[A-Za-z0-9_-]{16,128}"), _("A key of Opsgenie has 16 to 128 letters, digits, - and _")),
}
_ZERO: Final = ("PT0S", "PT0M", "PT0H")
_LONGEST: Final = timedelta(hours=24)
_ENGINEER: Final = "eng_01k9z3v5q8e9rbn3wz4m6t7y2d"
METHOD: Final = "cmt_01k9z3v5q8e9rbn3wz4m6t7y2d"
"""The method of the examples."""
_AT: Final = "2026-11-20T20:30:00Z"
_NEW_METHOD: Final[dict[str, Any]] = {"kind": "email", "name": "Private mail", "target": "noor@example.com"}
_METHOD: Final[dict[str, Any]] = {
    "id": METHOD,
    "engineer_id": _ENGINEER,
    "kind": "email",
    "name": "Private mail",
    "target": "noor@example.com",
    "service_region": "us",
    "created_at": _AT,
}
_NEW_RULE: Final[dict[str, Any]] = {"method_id": METHOD, "urgency": "high", "after": "PT2M"}
_RULE: Final[dict[str, Any]] = {
    "id": "nru_01k9z3v5q8e9rbn3wz4m6t7y2d",
    "engineer_id": _ENGINEER,
    **_NEW_RULE,
    "created_at": _AT,
}
_SENT: Final[dict[str, Any]] = {"state": "sent", "error": None}
PAGE: Final[dict[str, Any]] = {
    "method_id": METHOD,
    "kind": "pagerduty",
    "state": "sent",
    "due_at": _AT,
    "sent_at": "2026-11-20T20:30:01Z",
    "attempts": 1,
    "error": None,
}
"""The page of the examples."""


def _at_once(value: Any) -> Any:
    return timedelta(0) if value in _ZERO else value


def _within_a_day(value: timedelta) -> timedelta:
    if not timedelta(0) <= value <= _LONGEST:
        raise invalid_value("after", _("A rule notifies at the alert, or at most PT24H after it"))
    return value


class NewContactMethod(Strict):
    """A new way to reach an engineer."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NEW_METHOD]})

    kind: Kind = Field(
        description="`apprise`: an Apprise address of a kind that the operator allows; `pagerduty`: Events API v2; "
        "`opsgenie`: Alert API"
    )
    name: Name
    target: Target = Field(
        description="The e-mail address, the Apprise address, or the integration key. Only an e-mail address is shown "
        "again"
    )
    service_region: Literal["us", "eu"] = Field("us", description="Where PagerDuty or Opsgenie keeps your account")

    @field_validator("target")
    @classmethod
    def _fits(cls, target: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        if kind == "email":
            return _EMAIL.validate_python(target)
        if kind == "apprise" and "://" not in target:
            raise invalid_value("apprise", _("An Apprise address looks like ntfys://ntfy.example/topic"))
        if kind in _KEYS:
            pattern, what = _KEYS[kind]
            if not pattern.fullmatch(target):
                raise invalid_value("key", what)
        return target


class ContactMethod(Document):
    """A way to reach an engineer."""

    model_config = ConfigDict(json_schema_extra={"examples": [_METHOD]})

    id: MethodId
    engineer_id: str
    kind: Kind
    name: str
    target: str = Field(description="An e-mail address; of others only what tells their kind: `ntfys://***`, `***`")
    service_region: Literal["us", "eu"]
    created_at: Instant


class TestPageResult(Document):
    """What became of a test page."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SENT]})

    state: Literal["sent", "failed"]
    error: str | None = Field(description="Why it failed")


class NewNotificationRule(Strict):
    """By which method an engineer is paged, and how long after the alert."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NEW_RULE]})

    method_id: MethodId
    urgency: Urgency = Field(
        description="Which alerts: `high`, of tickets with the most urgent priority of their plan; `low`, of others"
    )
    after: Annotated[Duration, BeforeValidator(_at_once), AfterValidator(_within_a_day)] = Field(
        timedelta(0),
        json_schema_extra={"default": format_duration(timedelta(0))},
        description="How long after the alert, if it is not answered by then: `PT0S` (at once) to `PT24H`",
    )


class NotificationRule(Document):
    """By which method an engineer is paged, and how long after the alert."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RULE]})

    id: RuleId
    engineer_id: str
    method_id: MethodId
    urgency: Urgency
    after: Duration
    created_at: Instant


class PagerMessage(Document):
    """One way in which an engineer was notified of an alert, or will be until it is answered."""

    model_config = ConfigDict(json_schema_extra={"examples": [PAGE]})

    method_id: MethodId | None = Field(description="Null: the engineer has no rules, and got e-mail at once")
    kind: Kind
    state: Literal["pending", "sent", "failed", "skipped"] = Field(
        description="`skipped`: the alert was answered, withdrawn or over before"
    )
    due_at: Instant
    sent_at: Instant | None
    attempts: int
    error: str | None = Field(description="What went wrong last")
