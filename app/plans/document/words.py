"""The closed vocabularies of a plan, and the small value types that its fields are made of."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Final, Literal, TypeAlias, TypeVar, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from app.calendars.hours import format_duration, parse_duration, parse_time
from app.core.text.messages import _

Metric: TypeAlias = Literal[
    "first_response",
    "next_response",
    "update",
    "resolution",
    "tier_escalation",
    "escalation_ack",
    "alert_ack",
    "call_join",
]
"""What a deadline measures. The order is the one in which misses of one instant are recorded (C15)."""

TargetMetric: TypeAlias = Literal["first_response", "next_response", "update", "resolution", "tier_escalation"]
"""Metrics with a target by priority; the others get theirs from ``escalation``, ``alert`` and ``call``."""

Effect: TypeAlias = Literal[
    "raise_priority", "next_tier", "reassign", "notify_manager", "notify_tam", "open_escalation"
]
"""What a miss can do (C15)."""

Urgency: TypeAlias = Literal["high", "medium", "low"]
Impact: TypeAlias = Literal["large", "medium", "small"]
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Requirement: TypeAlias = Literal["business_impact", "priority_reason"]
Channel: TypeAlias = Literal["web", "email", "phone", "widget", "account_manager"]
Contact: TypeAlias = Literal["phone", "web", "email", "widget", "account_manager"]
Provider: TypeAlias = Literal["meet", "jitsi"]
MailKind: TypeAlias = Literal["first_answer", "answers", "status", "escalation", "call", "hand_over"]
"""Of what requesters, and those who follow a ticket, are told by e-mail."""
ProblemTargetState: TypeAlias = Literal["known_error", "resolved"]
PausableStatus: TypeAlias = Literal["new", "open", "waiting_on_customer", "mitigated"]
EscalationReason: TypeAlias = Literal[
    "business_impact", "resolution_time", "no_update", "too_many_exchanges", "wrong_priority", "technical_expertise"
]

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
MAIL_KINDS: Final[tuple[MailKind, ...]] = get_args(MailKind)
EFFECTS: Final[tuple[Effect, ...]] = get_args(Effect)
CHANNELS: Final[tuple[Channel, ...]] = ("web", "email", "phone", "widget")
"""Those of a plan that names none: all that every customer has."""
URGENCIES: Final[tuple[Urgency, ...]] = get_args(Urgency)
IMPACTS: Final[tuple[Impact, ...]] = get_args(Impact)
TARGET_METRICS: Final[tuple[TargetMetric, ...]] = get_args(TargetMetric)
PAUSABLE_STATUSES: Final[tuple[PausableStatus, ...]] = get_args(PausableStatus)
PROBLEM_TARGET_STATES: Final[tuple[ProblemTargetState, ...]] = get_args(ProblemTargetState)

_Text = TypeVar("_Text")
_Word = TypeVar("_Word", bound=str)
_Value = TypeVar("_Value")


def sorted_by(order: Iterable[str], entries: Mapping[_Word, _Value]) -> dict[_Word, _Value]:
    """The entries in the order of these keys; those of other keys come last, by their keys."""
    places = {key: place for place, key in enumerate(order)}
    return dict(sorted(entries.items(), key=lambda entry: (places.get(entry[0], len(places)), entry[0])))


def in_order(*order: str) -> AfterValidator:
    """Has a mapping's entries in this order, or in that of their keys, however they were written.

    Who reads a plan reads it in this order; a database that keeps the document as JSON keeps none.
    """
    return AfterValidator(partial(sorted_by, order))


NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A priority's, a calendar's or an add-on's key, chosen by the plan's author."""

PLAN_KEY_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"

PlanKey = Annotated[str, Field(pattern=PLAN_KEY_PATTERN, examples=["zmanda-standard"])]
"""The key of a plan: lower-case letters, digits and hyphens."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
"""A language as BCP 47 writes it, such as ``en`` or ``pt-BR``."""


def _needs_english(texts: dict[str, _Text]) -> dict[str, _Text]:
    if "en" not in texts:
        message = _("A text in English (`en`) is needed: it is what a reader of any other language gets.")
        raise ValueError(message)
    return texts


Label = Annotated[
    dict[Language, Annotated[str, Field(min_length=1, max_length=200)]], AfterValidator(_needs_english), in_order("en")
]
"""A short text by language."""

Prose = Annotated[
    dict[Language, Annotated[str, Field(min_length=1, max_length=20_000)]],
    AfterValidator(_needs_english),
    in_order("en"),
]
"""A long text by language, in Markdown."""

Examples = Annotated[
    dict[Language, Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=20)]],
    AfterValidator(_needs_english),
    in_order("en"),
]
"""A list of short texts by language."""


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        message = _("A duration is text in hours, minutes and seconds, such as PT4H")
        raise ValueError(message)  # noqa: TRY004 - pydantic makes a fault of ValueError alone
    return parse_duration(value)


DURATION_PATTERN: Final = r"^PT([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,6})?S)?$"

Duration = Annotated[
    timedelta,
    PlainValidator(_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["PT4H"]}),
]
"""A length of time as ISO 8601 text in hours, minutes and seconds; never in days (C01)."""


def _time_of_day(text: str) -> str:
    parse_time(text)
    return text


TimeOfDay = Annotated[
    str, AfterValidator(_time_of_day), Field(json_schema_extra={"pattern": r"^[0-2][0-9]:[0-5][0-9]$"})
]
"""A local wall time, ``00:00`` to ``24:00``."""


def _day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        message = _("A date is written YYYY-MM-DD")
        raise ValueError(message)
    return value


Day = Annotated[date, BeforeValidator(_day)]
"""A local date."""


def best_language(offered: Mapping[str, object], wanted: str) -> str:
    """The language in ``offered`` that serves ``wanted``: itself, else without its region, else ``en``."""
    return next((language for language in (wanted, wanted.partition("-")[0]) if language in offered), "en")
