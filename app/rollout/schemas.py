"""What applying a plan version takes and answers."""

from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import ConfigDict, Field, StrictBool

from app.accounts.schemas import AccountId
from app.core.schemas.shared import Document, Instant, Strict, at_most
from app.events.example_data import DEADLINE, TICKET
from app.plans.document.words import Name, PlanKey
from app.plans.schemas import PlanRef

_MOVE: Final[dict[str, Any]] = {
    "ticket_id": TICKET,
    "number": "K7M-3QP",
    "deadline_id": DEADLINE,
    "metric": "first_response",
    "cycle": 1,
    "kind": "moved",
    "from": "2026-11-20T20:45:00Z",
    "to": "2026-11-20T20:40:00Z",
    "reason": "plan",
    "differences": ["target"],
}
APPLIED: Final[dict[str, Any]] = {
    "dry_run": True,
    "plan": {"key": "google-premium", "version": 2},
    "from_key": "google-premium",
    "tickets": 1,
    "changed": 1,
    "calls_requested": 0,
    "calls_ended": 0,
    "moves": [_MOVE],
    "failed": [],
}
_LINES: Final[tuple[dict[str, Any], ...]] = (
    {"progress": {"done": 0, "total": 1}},
    {"move": _MOVE},
    {"progress": {"done": 1, "total": 1}},
    {"result": {name: value for name, value in APPLIED.items() if name != "moves"}},
)
NDJSON_EXAMPLE: Final = "".join(f"{orjson.dumps(line).decode()}\n" for line in _LINES)


class PlanApplication(Strict):
    """To which open tickets a version is applied, and whether only to see what it would do."""

    model_config = Strict.model_config | {"json_schema_extra": {"examples": [{"dry_run": True}]}}

    dry_run: StrictBool = Field(description="true: write nothing, only report what would move")
    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=1_000)] | None = Field(
        None, description="Only tickets of these accounts; default: of all"
    )
    from_key: PlanKey | None = Field(
        None, description="Only tickets that are on a version of this plan; default: the plan whose version is applied"
    )
    priorities: Annotated[dict[Name, Name], Field(max_length=20), at_most(20)] = Field(
        default_factory=dict, description="What becomes of each priority that the version does not know: old -> new"
    )


class DeadlineMove(Document):
    """What happens to one open deadline."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MOVE]})

    ticket_id: str
    number: str
    deadline_id: str | None = Field(description="null: a cycle that starts with this")
    metric: str
    cycle: int
    kind: Literal["moved", "started", "cancelled", "paused", "resumed"]
    before: Instant | None = Field(alias="from", description="When it was due; null: it had not started, or was paused")
    after: Instant | None = Field(alias="to", description="When it is due; null: it is cancelled or paused")
    reason: str = Field(description="As in the deadline's event")
    differences: list[
        Literal["target", "time_zone", "hours", "holidays", "pauses", "tiers", "calls", "time_zone_database"]
    ] = Field(description="What is different for this metric; `time_zone_database`: only the rules of a zone are")


class FaultyTicket(Document):
    """A ticket that stays as it was, because it cannot be computed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ticket_id": TICKET, "error": "BeyondCalendar: not open before 2201"}]}
    )

    ticket_id: str
    error: str


class AppliedPlan(Document):
    """What was applied, or would be."""

    model_config = ConfigDict(json_schema_extra={"examples": [APPLIED]})

    dry_run: bool
    plan: PlanRef
    from_key: str
    tickets: int = Field(description="How many were in scope")
    changed: int = Field(description="How many of these get other pins, or deadlines that move")
    calls_requested: int = Field(
        description="How many tickets get a call, because the version gives their priority one and the plan before did "
        "not. The customer is expected, by a `call_join` deadline, once the call has its link"
    )
    calls_ended: int = Field(
        description="How many calls end that nobody has joined, because the version gives their tickets' priority none"
    )
    moves: list[DeadlineMove] = Field(description="Exactly the open deadlines that move, by ticket")
    failed: list[FaultyTicket]
