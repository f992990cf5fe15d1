"""What reports answer. Pure."""

from typing import Any, Final

from pydantic import ConfigDict, Field, JsonValue

from app.core.schemas.shared import Document, Instant

_SINCE: Final = "2026-11-01T00:00:00Z"
_UNTIL: Final = "2026-12-01T00:00:00Z"
_HEAD: Final[dict[str, Any]] = {
    "since": _SINCE,
    "until": _UNTIL,
    "time_zone": "Europe/Warsaw",
    "counted_until": "2026-11-26T09:00:00Z",
}
_ATTAINMENT: Final[dict[str, Any]] = {
    **_HEAD,
    "cycles": "first",
    "items": [
        {
            "group": {"metric": "first_response", "priority": "critical"},
            "promised": 41,
            "met": 38,
            "met_late": 1,
            "missed": 1,
            "still_owed": 1,
            "open": 1,
            "misses": 2,
            "cancelled": 3,
            "resolved_by_sender": 1,
            "excluded": 0,
            "attained": 0.95,
            "objective": 0.95,
            "promises": f"/v1/reports/promises?since={_SINCE}&until={_UNTIL}&cycles=first&metric=first_response"
            "&priority=critical",
        }
    ],
}
_PROMISE: Final[dict[str, Any]] = {
    "ticket_id": "tkt_01k9w3b6bz6p1m7h4c0x3r2saa",
    "number": "K7M-3QP",
    "title": "No backup has succeeded since Thursday",
    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
    "metric": "first_response",
    "cycle": 1,
    "priority": "critical",
    "plan": "itil-native",
    "plan_version": 1,
    "product": "backup",
    "tier": 1,
    "channel": "web",
    "outcome": "met_late",
    "misses": 1,
    "started_at": "2026-11-20T20:20:00Z",
    "due_at": "2026-11-20T20:50:00Z",
    "settled_at": "2026-11-20T20:56:00Z",
}


class Report(Document):
    """What every report says of itself."""

    since: Instant
    until: Instant
    time_zone: str
    counted_until: Instant = Field(description="All that happened before this instant is counted: some seconds ago")


class Attained(Document):
    """What became of the promises of one group."""

    group: dict[str, JsonValue] = Field(
        description="The value of each dimension, and of `bucket` the first date; null: what has none"
    )
    promised: int = Field(description="All but those that were cancelled or excluded")
    met: int
    met_late: int
    missed: int = Field(description="Not kept by now, or never")
    still_owed: int = Field(description="Those of `missed` that support still owes")
    open: int = Field(description="Their clock runs, or is paused")
    misses: int = Field(description="Missed cycles; an incident may have missed several updates")
    cancelled: int
    resolved_by_sender: int = Field(
        description="Those of `cancelled` that ended because whatever had opened the ticket resolved it"
    )
    excluded: int = Field(description="Missed on the ticket of a guest, with whom nobody had dealt")
    attained: float | None = Field(
        description="`met` as a share of `met`, `met_late` and `missed`; null: there are none"
    )
    objective: float | None = Field(description="What the plan aims for; null: nothing, or the plans differ")
    promises: str = Field(description="Where these promises are listed, with their tickets")


class Attainment(Report):
    """How much of what was promised was kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ATTAINMENT]})

    cycles: str
    items: list[Attained]


class Promised(Document):
    """One promise, and what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROMISE]})

    ticket_id: str
    number: str
    title: str
    account_id: str
    metric: str
    cycle: int = Field(description="0: all updates of an incident, as one")
    priority: str = Field(description="The one in force when the clock ran")
    plan: str
    plan_version: int
    product: str | None
    tier: int
    channel: str
    outcome: str = Field(description="`open`, `met`, `met_late`, `missed`, `cancelled` or `excluded`")
    misses: int
    started_at: Instant
    due_at: Instant | None
    settled_at: Instant | None = Field(description="When it was kept, or nothing was owed any more; null: it is owed")


PROMISE: Final = _PROMISE
