"""The plan document as types: what a plan can say, and the questions that the clock and the tickets ask it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from app.calendars.hours import ACCOUNT_ZONE, WEEKDAYS, CalendarSpec, format_duration, parse_time
from app.calendars.specs import MAX_WINDOWS
from app.core.text.messages import _
from app.plans.document.sections import (
    MINUTE,
    Addon,
    AlertRules,
    CallRules,
    EscalationRules,
    Part,
    ProblemRules,
    Routing,
    WaitingRules,
)
from app.plans.document.short import OrShort, filled, key_in, priority_key, reviewed, text_of, without_default
from app.plans.document.words import (
    CHANNELS,
    DURATION_PATTERN,
    IMPACTS,
    MAIL_KINDS,
    METRICS,
    NAME_PATTERN,
    PAUSABLE_STATUSES,
    PLAN_KEY_PATTERN,
    TARGET_METRICS,
    URGENCIES,
    Channel,
    Contact,
    Day,
    Duration,
    Effect,
    Examples,
    Impact,
    Label,
    MailKind,
    Metric,
    Name,
    PausableStatus,
    PlanKey,
    Prose,
    Requirement,
    TargetMetric,
    TimeOfDay,
    Urgency,
    Weekday,
    in_order,
    sorted_by,
)

_Value = TypeVar("_Value")

ALWAYS = "24x7"
"""The calendar that is built in."""

ACCOUNT = "account"
"""In place of a country: that of the ticket's account."""


LATER: Final = ("waiting", "update_from", "top_tier", "public", "services", "problems", "mails")
"""Members of a document that came after the first release."""

MAX_HOLIDAYS = 1_000
"""Dates of one calendar, those of its country included."""


class Holidays(Part):
    """Days without working time, as local dates of the calendar."""

    country: str | None = Field(
        None,
        max_length=20,
        description="`account` for the country of the ticket's account, or an ISO 3166-1 code. A named country is "
        "expanded into `dates` when the version is stored, so that no library upgrade moves a deadline.",
    )
    subdivision: str | None = Field(None, max_length=20, description="Its part, as ISO 3166-2 without the country")
    dates: list[Day] = Field(default_factory=list, max_length=MAX_HOLIDAYS)


class PlanCalendar(Part):
    """When work is done."""

    label: Label | None = Field(None, description="What people call it. Default: its hours in words")
    time_zone: str = Field(max_length=60, description="An IANA time zone, or `account` for that of the account")
    weekly: Annotated[
        dict[Weekday, Annotated[list[tuple[TimeOfDay, TimeOfDay]], Field(max_length=MAX_WINDOWS)]], in_order(*WEEKDAYS)
    ] = Field(description="For each weekday its windows `[open, close)` in local time, `24:00` allowed")
    holidays: Holidays = Holidays()

    def spec(self, zone: str = ACCOUNT_ZONE, closed: Iterable[date] = ()) -> CalendarSpec:
        """What ``hours`` compiles: ``zone`` and the ``closed`` dates stand for what is left to the account."""
        left_open = self.holidays.country == ACCOUNT
        return CalendarSpec(
            zone=zone if self.time_zone == ACCOUNT_ZONE else self.time_zone,
            weekly={
                WEEKDAYS.index(day): tuple((parse_time(opens), parse_time(closes)) for opens, closes in windows)
                for day, windows in self.weekly.items()
            },
            holidays=frozenset(self.holidays.dates).union(closed if left_open else ()),
        )


class Target(Part):
    """How long a metric may take: a duration, or whole business days, on a calendar.

    Written ``PT4H``, ``{duration: PT8H, calendar: working}`` or ``{business_days: 1, calendar: business}``.
    """

    duration: Duration | None = None
    business_days: StrictInt | None = Field(None, ge=1, le=1_000)
    calendar: Name | None = Field(None, description="Default: the plan's `hours`")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.duration is None) == (self.business_days is None):
            message = _("A target has either a `duration` or a number of `business_days`.")
            raise ValueError(message)
        return self

    def written(self) -> str | dict[str, Any]:
        """The shortest way to write it, as in the document."""
        if self.duration and not self.calendar:
            return format_duration(self.duration)
        length = (
            {"duration": format_duration(self.duration)} if self.duration else {"business_days": self.business_days}
        )
        return length | ({"calendar": self.calendar} if self.calendar else {})


TargetEntry = Annotated[
    Target,
    BeforeValidator(lambda value: {"duration": value} if isinstance(value, str) else value),
    PlainSerializer(Target.written),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, Target.model_json_schema()]}),
]
"""A target as a document writes it: a bare duration stands for one without a calendar of its own."""


class Priority(Part):
    """One severity: what it means, with examples, and how best to get in touch about it."""

    key: Name
    label: Label = Field(default_factory=dict, description="Default: the key")
    definition: Prose = Field(default_factory=dict, description="Default: the key")
    examples: Examples = Field(default_factory=dict, description="Default: none")
    contact: list[Contact] = Field(default_factory=list, max_length=10, description="Recommended, the best first")

    @model_validator(mode="before")
    @classmethod
    def _begin(cls, data: Any) -> Any:
        text = text_of(key_in(data.get("key"), NAME_PATTERN)) if isinstance(data, dict) else None
        return filled(data, {"label": text, "definition": text, "examples": {"en": []}}) if text else data


PriorityEntry = Annotated[
    Priority,
    BeforeValidator(lambda value: {"key": value} if isinstance(value, str | int) else value),
    OrShort({"type": "string", "pattern": NAME_PATTERN}),
]
"""A priority as a document writes it: a bare key stands for one that says nothing else."""


class CustomerMay(Part):
    """What a customer may do about the priority of its own ticket."""

    priority: str = Field("none", pattern="^(any|raise|none)$")
    escalate: StrictBool = Field(
        True,
        description="Default: whether the plan has an `escalation` section, which it needs",
        json_schema_extra=without_default,
    )


def _waiting() -> dict[PausableStatus, list[TargetMetric]]:
    return {"waiting_on_customer": ["resolution", "update", "tier_escalation"]}


Matrix: TypeAlias = Annotated[
    dict[Urgency, Annotated[dict[Impact, Name], in_order(*IMPACTS)]],
    in_order(*URGENCIES),
]


class PlanDocument(Part):
    """A support plan: everything that is promised, as data."""  # validated by ``documents.parse``, never directly

    key: PlanKey
    name: Label = Field(default_factory=dict, description="Default: the key")
    programme: Prose = Field(default_factory=dict, description="Default: the key")
    calendars: Annotated[dict[Name, PlanCalendar], in_order()] = Field(default_factory=dict, max_length=20)
    hours: Name = Field(ALWAYS, description="The calendar of every target that names none")
    priorities: list[PriorityEntry] = Field(min_length=1, max_length=20, description="The most urgent first")
    default_priority: Name = Field("", description="Default: the least urgent", json_schema_extra=without_default)
    matrix: Matrix | None = Field(None, description="urgency -> impact -> priority")
    targets: dict[Name, Annotated[dict[TargetMetric, TargetEntry], in_order(*TARGET_METRICS)]] = Field(
        default_factory=dict
    )
    requires: dict[Name, list[Requirement]] = Field(default_factory=dict, description="Texts that a ticket must carry")
    review_non_production: Annotated[list[Name], Field(max_length=20), OrShort({"type": "boolean"})] = Field(
        default_factory=list,
        description="Priorities that are re-assessed outside production, unless the impact is large. `true` stands for "
        "the most urgent one, `false` for none",
    )
    customer_may: CustomerMay = Field(
        CustomerMay(),
        description="Default: priorities are support's to change, and escalating depends on the `escalation` section",
        json_schema_extra=without_default,
    )
    call: CallRules | None = None
    alert: AlertRules | None = None
    pause: Annotated[dict[PausableStatus, list[TargetMetric]], in_order(*PAUSABLE_STATUSES)] = Field(
        default_factory=_waiting
    )
    warn_at: list[StrictInt] = Field(default_factory=lambda: [50, 75, 90], max_length=20, description="Percent")
    on_miss: Annotated[dict[Metric, list[Effect]], in_order(*METRICS)] = Field(default_factory=dict)
    escalation: EscalationRules | None = None
    objectives: Annotated[dict[Metric, float], in_order(*METRICS)] = Field(
        default_factory=dict, description="The share that should be on time"
    )
    routing: Routing = Routing()
    addons: Annotated[dict[Name, Addon], in_order()] = Field(default_factory=dict, max_length=20)
    channels: list[Channel] = Field(
        default_factory=lambda: list(CHANNELS),
        min_length=1,
        max_length=10,
        description="How tickets are opened. Default: all but `account_manager`, who opens them for the customer",
    )
    close_after: Duration = Field(
        timedelta(hours=168),
        description="A resolved ticket is closed after this time",
        json_schema_extra={"default": "PT168H"},
    )
    waiting: WaitingRules | None = Field(
        None, description="When a ticket that waits for its customer is resolved. Default: it waits for ever"
    )
    problems: ProblemRules | None = Field(
        None,
        description="What is done about recurring incidents. Default: an engineer decides on what the service suggests",
    )
    mails: list[MailKind] = Field(
        list(MAIL_KINDS),
        max_length=10,
        description="Of what requesters, and those who follow a ticket, are told by e-mail, where the operator has a "
        "mail server. Default: of all",
    )
    update_from: Literal["first_response", "opened"] = Field(
        "first_response", description="From when on the first update is owed"
    )
    top_tier: Literal["none", "manager"] = Field(
        "none",
        description="`manager`: at the top tier, and without further tiers, the account's manager is notified whenever "
        "`tier_escalation` is due",
    )
    services: Examples | None = Field(None, description="What the programme includes besides answers to tickets")
    public: StrictBool = Field(
        False,
        description="Whether everybody may read the programme's page, `/programmes/{plan}`; else it needs a key",
    )
    trial: PlanKey | None = Field(None, description="The plan that holds while the account is on trial")
    best_effort: StrictBool = Field(False, description="No deadlines at all")

    @model_validator(mode="before")
    @classmethod
    def _begin(cls, data: Any) -> Any:
        """What a document leaves out that follows from what it says."""
        if not isinstance(data, dict):
            return data
        priorities = data.get("priorities")
        text, least = text_of(key_in(data.get("key"), PLAN_KEY_PATTERN)), priority_key(priorities, -1)
        data = filled(data, {"name": text, "programme": text} if text else {})
        data = filled(data, {"default_priority": least} if least else {})
        may = {"escalate": data.get("escalation") is not None}
        return data | {
            "customer_may": filled(data.get("customer_may", {}), may),
            "review_non_production": reviewed(data.get("review_non_production", []), priorities),
        }

    @field_validator("targets", "requires")
    @classmethod
    def _by_urgency(cls, entries: dict[str, _Value], info: ValidationInfo) -> dict[str, _Value]:
        """The most urgent priority first."""
        return sorted_by((priority.key for priority in info.data.get("priorities", ())), entries)

    @cached_property
    def priority_keys(self) -> tuple[str, ...]:
        """The priorities' keys, the most urgent first."""
        return tuple(priority.key for priority in self.priorities)

    @property
    def top(self) -> str:
        """The most urgent priority."""
        return self.priority_keys[0]

    def rank(self, priority: str) -> int:
        """0 for the most urgent priority. Raises ValueError for an unknown one."""
        return self.priority_keys.index(priority)

    def raised(self, priority: str) -> str:
        """The priority one step more urgent; the top one stays."""
        return self.priority_keys[max(self.rank(priority) - 1, 0)]

    def matrix_priority(self, impact: Impact | None, urgency: Urgency | None) -> str | None:
        """What the matrix says (Z1); None without a matrix, an impact or an urgency."""
        if self.matrix is None or impact is None or urgency is None:
            return None
        return self.matrix[urgency][impact]

    def target(self, priority: str, metric: Metric) -> Target | None:
        """The target of a metric at a priority (C08), those of acknowledgements and calls included."""
        return self._all_targets.get((priority, metric))

    def calendar_name(self, target: Target) -> str:
        """The calendar on which a target is counted: its own, else that of the plan's ``hours``."""
        return target.calendar or self.hours

    @cached_property
    def _all_targets(self) -> Mapping[tuple[str, str], Target]:
        own = {(priority, metric): target for priority, row in self.targets.items() for metric, target in row.items()}
        same = {metric: Target(duration=length, calendar=ALWAYS) for metric, length in self._acknowledgements()}
        return own | {(priority, metric): same[metric] for priority in self.priority_keys for metric in same}

    def _acknowledgements(self) -> Iterator[tuple[str, timedelta]]:
        if self.escalation and self.escalation.acknowledge:
            yield "escalation_ack", self.escalation.acknowledge
        if self.alert:
            yield "alert_ack", self.alert.accept
        if self.call:
            yield "call_join", self.call.join_by

    def effective_tiers(self, addons: Iterable[str]) -> int:
        """The number of tiers with these add-ons; unknown add-ons count for nothing (N2)."""
        bought = (self.addons[addon].tiers or 0 for addon in addons if addon in self.addons)
        return max([self.routing.tiers, *bought])

    def tells_tam(self, addons: Iterable[str]) -> bool:
        """Whether one of these add-ons has the technical account manager told (W1)."""
        return any(self.addons[addon].notify_tam for addon in addons if addon in self.addons)

    @property
    def tells_manager(self) -> bool:
        """Whether the account's manager is notified of anything: a miss, an escalation, a ticket that nobody takes."""
        missed = any("notify_manager" in effects for effects in self.on_miss.values())
        return missed or self.top_tier == "manager" or self.escalation is not None or bool(self.routing.exclusive)

    @property
    def page_again_after(self) -> timedelta:
        """How long after an exhausted round of paging the next one begins (C20)."""
        if self.alert is None:
            return MINUTE
        return self.alert.repeat or max(self.alert.accept, MINUTE)

    def canonical(self) -> dict[str, Any]:
        """The document as JSON, with its defaults, such that ``parse(document.canonical()) == document``.

        Members that came after the first release are left out while they are not set: the hash of a document that
        says nothing about them stays the same, so that no upgrade makes a new version of it.
        """
        unset: dict[str, Any] = {name: True for name in LATER if self._is_default(name)}
        if self.routing.max_experts is None:
            unset["routing"] = {"max_experts"}
        if self.alert and self.alert.repeat is None:
            unset["alert"] = {"repeat"}
        for name in ("addons", "calendars"):
            if unnamed := {key: {"label"} for key, part in getattr(self, name).items() if not part.label}:
                unset[name] = unnamed
        return self.model_dump(mode="json", exclude=unset)

    def _is_default(self, name: str) -> bool:
        return bool(getattr(self, name) == type(self).model_fields[name].default)
