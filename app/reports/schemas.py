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
    "left_out": 0,
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


_SPREAD: Final[dict[str, Any]] = {"number": 6, "p50": 540.0, "p90": 2700.0, "p99": 5400.0, "max": 5400.0}
_LATENESS: Final[dict[str, Any]] = {
    **_HEAD,
    "cycles": "first",
    "margin": 0.0,
    "items": [
        {
            "group": {"metric": "first_response"},
            "late": _SPREAD,
            "noticed": {"number": 6, "p50": 0.004, "p90": 0.009, "p99": 0.031, "max": 0.031},
            "promises": f"/v1/reports/promises?since={_SINCE}&until={_UNTIL}&metric=first_response&outcome=met_late"
            "&outcome=missed&cycles=first",
        }
    ],
}
_VOLUME: Final[dict[str, Any]] = {
    **_HEAD,
    "items": [
        {
            "group": {"channel": "web"},
            "opened": 120,
            "resolved": 110,
            "reopened": 4,
            "first_contact": 33,
            "first_contact_share": 0.3,
            "handed_over": 7,
            "hand_overs": {"missed": 2, "shift_ended": 5},
            "escalated": 5,
            "escalations": {"no_update": {"accepted": 2, "declined": 1}, "resolution_time": {"automatic": 2}},
            "calls_joined": 6,
            "no_shows": 1,
            "moments": f"/v1/reports/moments?since={_SINCE}&until={_UNTIL}&channel=web",
        }
    ],
    "backlog": [
        {
            "group": {"channel": "web"},
            "open": 18,
            "by_age": {"day": 6, "three_days": 5, "week": 4, "month": 2, "older": 1},
        }
    ],
    "deflected": None,
}
_MOMENT: Final[dict[str, Any]] = {
    name: _PROMISE[name] for name in ("ticket_id", "number", "title", "account_id", "priority", "plan", "plan_version")
} | {
    "product": "backup",
    "tier": 1,
    "channel": "web",
    "kind": "escalation",
    "reason": "no_update",
    "outcome": "accepted",
    "at": "2026-11-20T22:05:00Z",
}
GROUP: Final = "The value of each dimension, and of `bucket` the first date; null: what has none"


class Report(Document):
    """What every report says of itself."""

    since: Instant
    until: Instant
    time_zone: str
    counted_until: Instant = Field(description="All that happened before this instant is counted: some seconds ago")
    left_out: int = Field(
        description="Tickets that cannot be counted: what has happened to them of late is missing. The service's log "
        "says why"
    )


class AttainmentFigures(Document):
    """What became of the promises of one group."""

    group: dict[str, JsonValue] = Field(description=GROUP)
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
    items: list[AttainmentFigures]


class Promise(Document):
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


class Spread(Document):
    """How long it took, in seconds: the median, the 90th and the 99th percentile, and the longest."""

    number: int
    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


class LatenessFigures(Document):
    """How late the promises of one group were."""

    group: dict[str, JsonValue] = Field(description=GROUP)
    late: Spread = Field(description="From the due instant until it was kept, or ended; what is still owed: until now")
    noticed: Spread = Field(description="From the due instant until the service noticed; not of sandboxes")
    promises: str = Field(description="Where these promises are listed, with their tickets")


class Lateness(Report):
    """How late was what was late."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LATENESS]})

    cycles: str
    margin: float = Field(
        description="By what share of itself a percentile may be too high; 0: all are exact, as they are where no "
        "more than 50,000 promises were late"
    )
    items: list[LatenessFigures]


class VolumeFigures(Document):
    """What happened to the tickets of one group in the period."""

    group: dict[str, JsonValue] = Field(description=GROUP)
    opened: int
    resolved: int
    reopened: int
    first_contact: int = Field(
        description="Those of `resolved` that took one public message of an engineer, and were not reopened"
    )
    first_contact_share: float | None
    handed_over: int
    hand_overs: dict[str, int] = Field(description="By reason")
    escalated: int
    escalations: dict[str, dict[str, int]] = Field(
        description="By reason, then by outcome: `open`, `accepted`, `declined`, `withdrawn`, `closed` (the ticket "
        "ended), or `automatic`"
    )
    calls_joined: int = Field(description="By customers")
    no_shows: int
    moments: str = Field(description="Where these moments are listed, with their tickets")


class Ages(Document):
    """How many open tickets there are of each age."""

    day: int = Field(description="Up to one day")
    three_days: int
    week: int
    month: int = Field(description="Up to 30 days")
    older: int


class Backlog(Document):
    """The tickets of one group that are open now."""

    group: dict[str, JsonValue] = Field(description="As above, without `bucket`")
    open: int
    by_age: Ages


class Volume(Report):
    """How much there was to do, and what waits."""

    model_config = ConfigDict(json_schema_extra={"examples": [_VOLUME]})

    items: list[VolumeFigures]
    backlog: list[Backlog] = Field(description="As it is now, whatever the period")
    deflected: int | None = Field(
        description="Tickets that articles have spared; null where the report is grouped or narrowed by what these do "
        "not have"
    )


class Moment(Document):
    """One event that volumes count."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MOMENT]})

    ticket_id: str
    number: str
    title: str
    account_id: str
    kind: str = Field(
        description="`opened`, `resolved`, `reopened`, `handed_over`, `escalation`, `call_joined` or `call_no_show`"
    )
    reason: str | None
    outcome: str | None
    priority: str
    plan: str
    plan_version: int
    product: str | None
    tier: int
    channel: str
    at: Instant


PROMISE: Final = _PROMISE
MOMENT: Final = _MOMENT
