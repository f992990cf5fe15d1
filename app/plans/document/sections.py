"""The sections of a plan that stand for themselves, such as those of calls, alerts, escalations and routing."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from app.plans.document.words import (
    PROBLEM_TARGET_STATES,
    Duration,
    EscalationReason,
    Label,
    Name,
    ProblemTargetState,
    Provider,
    in_order,
)

MINUTE: Final = timedelta(minutes=1)


class Part(BaseModel):
    """A part of a plan: immutable, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CallRules(Part):
    """The live call of a new P1."""

    priorities: list[Name] = Field(max_length=20)
    providers: list[Provider] = Field(min_length=1, max_length=10, description="The first that is configured is used")
    remind: Duration = Field(
        timedelta(minutes=15),
        description="Counted from when the link is ready: a customer who has neither joined nor declined is reminded",
    )
    join_by: Duration = Field(
        timedelta(minutes=30), description="Counted from when the link is ready; the target of `call_join`"
    )


class AlertRules(Part):
    """How experts are paged for a ticket."""

    accept: Duration = Field(description="How long an expert who is alerted has to answer: the target of `alert_ack`")
    repeat: Duration | None = Field(
        None,
        description="When everybody on shift was paged and nobody accepted, the next round begins after this time. "
        "Default: `accept`, at least a minute",
    )


class WaitingRules(Part):
    """What happens to a ticket that waits for its customer, counted in plain time from the start of the wait.

    A message of an engineer restarts the wait.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    remind: list[Duration] = Field(default_factory=list, max_length=10, description="The customer is reminded")
    resolve: Duration | None = Field(
        None, description="The ticket is resolved, and an answer opens it again. Default: it waits for ever"
    )


class EscalationRules(Part):
    """What a customer can escalate for."""

    reasons: list[EscalationReason] = Field(max_length=10)
    acknowledge: Duration | None = Field(None, description="The target of `escalation_ack`, always 24x7")
    exchanges: StrictInt = Field(
        6,
        ge=1,
        le=1_000,
        description="Exchanges, in which one side replies to the other, after which `too_many_exchanges` is true",
    )


class ProblemRules(Part):
    """What is done about incidents that are alike. Of the plans of a problem's tickets, the strictest counts."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    threshold: StrictInt | None = Field(
        None,
        ge=3,
        le=10_000,
        description="Incidents that are alike at which a problem opens by itself. Default: an engineer opens it",
    )
    targets: Annotated[dict[ProblemTargetState, Duration], in_order(*PROBLEM_TARGET_STATES)] = Field(
        default_factory=dict,
        description="By state, the time in which a problem reaches it, counted from its opening in plain time",
    )


class Routing(Part):
    """Who works on a ticket."""

    tiers: StrictInt = Field(1, ge=1, le=9)
    exclusive: list[Name] = Field(default_factory=list, max_length=20, description="Its expert does nothing else")
    follow_the_sun: list[Name] = Field(default_factory=list, max_length=20, description="Region hands to region")
    max_experts: StrictInt | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Experts whom one account holds at once by its `exclusive` tickets; further ones wait until one of "
        "these is freed. Default: as many as there are",
    )


class Addon(Part):
    """What an account can buy on top of the plan."""

    label: Label | None = Field(None, description="What people call it. Default: the key")
    tiers: StrictInt | None = Field(None, ge=1, le=9, description="The tiers that the plan then has")
    notify_tam: StrictBool = Field(False, description="The technical account manager is notified")
