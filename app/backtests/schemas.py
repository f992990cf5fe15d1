"""What a backtest takes and answers."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator

from app.accounts.schemas import AccountId
from app.backtests.outcomes import Cycles, State
from app.backtests.plans import Reason
from app.backtests.sentences import Cause
from app.core.problems import invalid_value
from app.core.schemas.shared import Document, Instant, Strict, at_most
from app.core.text.messages import _
from app.events.example_data import ACCOUNT, TICKET
from app.plans.document.words import Name, PlanKey

MAX_LINES: Final = 1_000
"""Tickets that an answer in one document tells; an answer in lines tells all."""

REQUEST: Final[dict[str, Any]] = {
    "plan": "zmanda-premium",
    "change": {"targets": {"P2": {"first_response": "PT30M"}}},
    "since": "2026-09-01T00:00:00Z",
}
_TICKET: Final[dict[str, Any]] = {
    "kind": "missed",
    "ticket_id": TICKET,
    "number": "K7M-3QP",
    "account_id": ACCOUNT,
    "metric": "first_response",
    "cycle": 1,
    "priority": "P2",
    "recorded": {
        "state": "met",
        "priority": "P2",
        "started_at": "2026-10-05T14:00:00Z",
        "due_at": "2026-10-05T15:00:00Z",
        "missed_at": None,
        "stopped_at": "2026-10-05T14:42:00Z",
    },
    "backtest": {
        "state": "met_late",
        "priority": "P2",
        "started_at": "2026-10-05T14:00:00Z",
        "due_at": "2026-10-05T14:30:00Z",
        "missed_at": "2026-10-05T14:30:00Z",
        "stopped_at": "2026-10-05T14:42:00Z",
    },
    "cause": "target",
    "detail": "Target: 30 minutes instead of 1 hour; due on Monday, October 5, 2026 at 10:30\u202fAM instead of "
    "Monday, October 5, 2026 at 11:00\u202fAM; done on Monday, October 5, 2026 at 10:42\u202fAM.",
}
_FIGURES: Final[dict[str, Any]] = {"promised": 40, "met": 38, "met_late": 1, "missed": 1, "open": 2, "cancelled": 0}
BACKTEST: Final[dict[str, Any]] = {
    "plan": {"key": "zmanda-premium", "version": 1},
    "since": "2026-09-01T00:00:00Z",
    "until": "2026-11-20T00:00:00Z",
    "account_id": None,
    "from_key": None,
    "tickets": 42,
    "looked_at": 42,
    "sampled": False,
    "missed": 1,
    "saved": 0,
    "attainment": [
        {
            "metric": "first_response",
            "priority": "P2",
            "cycles": "first",
            "objective": 0.95,
            "recorded": _FIGURES | {"attained": 0.95, "margin": None},
            "backtest": _FIGURES | {"met": 37, "met_late": 2, "attained": 0.925, "margin": None},
        }
    ],
    "left_out": [],
    "changes": [_TICKET],
}
_LINES: Final[tuple[dict[str, Any], ...]] = (
    {"progress": {"done": 0, "total": 42}},
    {"change": _TICKET},
    {"progress": {"done": 42, "total": 42}},
    {"result": {name: value for name, value in BACKTEST.items() if name != "changes"}},
)
NDJSON_EXAMPLE: Final = "".join(f"{orjson.dumps(line).decode()}\n" for line in _LINES)

_PlanInput = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"},
                {"type": "object", "description": "A whole plan document, as `POST /v1/plans` takes it"},
                {"type": "null"},
            ]
        }
    ),
]


class NewBacktest(Strict):
    """Which plan is tried on which tickets."""

    model_config = Strict.model_config | {"json_schema_extra": {"examples": [REQUEST]}}

    plan: _PlanInput = Field(
        None, description="A plan's key, or a whole plan document; null: the versions that each ticket really had"
    )
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(
        None, description="Of the plan that the key names; default: the current one"
    )
    change: dict[str, Any] | None = Field(
        None, description="A JSON Merge Patch of the plan; where `plan` is null, of each version that a ticket had"
    )
    since: Instant = Field(description="Only tickets opened at this instant or later")
    until: Instant | None = Field(None, description="Only tickets opened before this instant; default: now")
    account_id: AccountId | None = Field(
        None, description="Only tickets of this account, which may be a sandbox; default: of all live accounts"
    )
    from_key: PlanKey | None = Field(None, description="Only tickets on a version of this plan; default: on any")
    priorities: Annotated[dict[Name, Name], Field(max_length=20), at_most(20)] = Field(
        default_factory=dict, description="What becomes of each recorded priority that the plan does not know"
    )

    @field_validator("plan")
    @classmethod
    def _names_or_is_a_plan(cls, plan: Any) -> Any:
        if plan is not None and not isinstance(plan, str | dict):
            raise invalid_value("plan", _("A plan is named by its key, or given as a whole document"))
        return plan

    @field_validator("version")
    @classmethod
    def _is_of_a_key(cls, version: int | None, known: ValidationInfo) -> int | None:
        if version is not None and not isinstance(known.data.get("plan", ""), str):
            raise invalid_value("version", _("Only a plan that is named by its key has a version"))
        return version

    @field_validator("until")
    @classmethod
    def _is_later(cls, until: datetime | None, known: ValidationInfo) -> datetime | None:
        if until is not None and "since" in known.data and until <= known.data["since"]:
            raise invalid_value("period", _("`until` is after `since`"))
        return until


class PlanTried(Document):
    """The plan that was tried."""

    key: str
    version: int | None = Field(description="null: a document that came with the request")


class BacktestPromise(Document):
    """How one promise stands on one side."""

    state: State
    priority: str = Field(description="The ticket's when the clock ran")
    started_at: Instant
    due_at: Instant | None = Field(description="null: paused, or ended while it was")
    missed_at: Instant | None
    stopped_at: Instant | None


class ChangedPromise(Document):
    """A promise that was missed on one side only."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TICKET]})

    kind: Literal["missed", "saved"] = Field(description="`missed`: by the plan that is tried alone")
    ticket_id: str
    number: str
    account_id: str
    metric: str
    cycle: int = Field(description="Of `update`: the cycle that decides")
    priority: str
    recorded: BacktestPromise | None = Field(description="null: the plan in force made no such promise")
    backtest: BacktestPromise | None = Field(description="null: the plan that is tried makes no such promise")
    cause: Cause = Field(
        description="What makes the difference. `start`: an earlier deadline ended differently; `course`: what the "
        "service does by itself took the ticket elsewhere"
    )
    detail: str = Field(description="The same as a sentence, with times local to the ticket")


class Figures(Document):
    """How many promises stand how."""

    promised: int = Field(description="`met`, `met_late` and `missed`: those that are decided")
    met: int
    met_late: int
    missed: int
    open: int
    cancelled: int
    attained: float | None = Field(description="`met` / `promised`; null where nothing is decided")
    margin: float | None = Field(
        description="Of a sample: with 95 % confidence, `attained` over all tickets is not further away than this"
    )


class BacktestAttainment(Document):
    """The promises of one metric at one priority. An update is counted once for each ticket."""

    metric: str
    priority: str
    cycles: Cycles = Field(description="`first`: the promise; `later`: what was owed again after it")
    objective: float | None = Field(description="The tried plan's; null: none, or not one for all tickets")
    recorded: Figures
    backtest: Figures


class LeftOutTickets(Document):
    """Tickets that the plan could not be tried on."""

    reason: Reason
    detail: str = Field(description="Of one of them")
    ticket_id: str = Field(description="That one")
    tickets: int


class Backtest(Document):
    """What the attainment would have been."""

    model_config = ConfigDict(json_schema_extra={"examples": [BACKTEST]})

    plan: PlanTried | None = Field(description="null: the versions that each ticket had")
    since: Instant
    until: Instant
    account_id: str | None
    from_key: str | None
    tickets: int = Field(description="How many are in scope")
    looked_at: int = Field(description="How many were tried; fewer than `tickets` of a sample")
    sampled: bool = Field(description="Whether only a sample was tried, the same one each time")
    missed: int = Field(description="Promises that only the tried plan misses")
    saved: int = Field(description="Promises that only the plan in force missed")
    attainment: list[BacktestAttainment]
    left_out: list[LeftOutTickets]
    changes: list[ChangedPromise] = Field(
        description=f"The first {MAX_LINES:,} promises that are missed on one side only; in lines: all of them"
    )
