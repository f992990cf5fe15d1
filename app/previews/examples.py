"""Examples of previews and explanations for the OpenAPI document."""

from typing import Any, Final

from app.tickets.api import examples

PREVIEW: Final[dict[str, Any]] = {
    "plan": "wati-business-plus",
    "priority": "P3",
    "time_zone": "America/New_York",
    "opened_at": "2026-11-20T20:00:00Z",
    "changes": [
        {"at": "2026-11-20T20:30:00Z", "type": "message", "author": "engineer"},
        {"at": "2026-11-20T20:30:00Z", "type": "status", "status": "waiting_on_customer"},
        {"at": "2026-11-20T21:00:00Z", "type": "message", "author": "customer"},
    ],
    "until": "2026-11-23T15:00:00Z",
}
_EXPLANATION: Final[dict[str, Any]] = {
    "plan": {"key": "wati-business-plus", "version": 1},
    "time_zone": "America/New_York",
    "countdown": {
        "priority": "P3",
        "target": {"business_days": 1},
        "working_time": "PT9H",
        "calendar": {"name": "business", "time_zone": "America/New_York"},
        "consumed": "PT3H30M",
        "remaining": "PT5H30M",
        "due_at": "2026-11-23T20:30:00Z",
    },
    "other_countdowns": [
        {
            "priority": "P4",
            "target": {"business_days": 2},
            "working_time": "PT18H",
            "calendar": {"name": "business", "time_zone": "America/New_York"},
            "consumed": "PT3H30M",
            "remaining": "PT14H30M",
            "due_at": "2026-11-24T20:30:00Z",
        }
    ],
    "segments": [
        {
            "kind": "running",
            "from": "2026-11-20T20:00:00Z",
            "to": "2026-11-20T20:30:00Z",
            "working_time": "PT30M",
            "priority": "P3",
        },
        {
            "kind": "paused",
            "from": "2026-11-20T20:30:00Z",
            "to": "2026-11-20T21:00:00Z",
            "working_time": "PT0S",
            "priority": "P3",
        },
        {
            "kind": "running",
            "from": "2026-11-20T21:00:00Z",
            "to": "2026-11-20T23:00:00Z",
            "working_time": "PT2H",
            "priority": "P3",
        },
        {
            "kind": "outside_hours",
            "from": "2026-11-20T23:00:00Z",
            "to": "2026-11-23T14:00:00Z",
            "working_time": "PT0S",
            "priority": "P3",
        },
        {
            "kind": "running",
            "from": "2026-11-23T14:00:00Z",
            "to": "2026-11-23T15:00:00Z",
            "working_time": "PT1H",
            "priority": "P3",
        },
    ],
    "ahead": [
        {
            "kind": "running",
            "from": "2026-11-23T15:00:00Z",
            "to": "2026-11-23T20:30:00Z",
            "working_time": "PT5H30M",
            "priority": "P3",
        }
    ],
    "moves": [
        {
            "kind": "started",
            "at": "2026-11-20T20:00:00Z",
            "from": None,
            "to": "2026-11-23T20:00:00Z",
            "reason": None,
            "actor": {"kind": "service"},
        },
        {
            "kind": "paused",
            "at": "2026-11-20T20:30:00Z",
            "from": "2026-11-23T20:00:00Z",
            "to": None,
            "reason": "waiting_on_customer",
            "actor": {"kind": "engineer"},
        },
        {
            "kind": "resumed",
            "at": "2026-11-20T21:00:00Z",
            "from": None,
            "to": "2026-11-23T20:30:00Z",
            "reason": "open",
            "actor": {"kind": "customer"},
        },
    ],
    "language": "en",
    "text": "Resolution (priority P3): 1 business day of the calendar “business” (America/New_York), which makes 9 "
    "hours of working time. The plan is wati-business-plus, version 1. The clock started on Friday, November "
    "20, 2026 at 3:00\u202fPM. Time used: 3 hours and 30 minutes. Time left: 5 hours and 30 minutes. Paused, "
    "and so not counted: 30 minutes. Outside working hours, and so not counted: 63 hours. It is due on Monday, "
    "November 23, 2026 at 3:30\u202fPM. All times are local to America/New_York.",
}
PREVIEWED: Final[dict[str, Any]] = {
    "as_of": "2026-11-23T15:00:00Z",
    "plan": {"key": "wati-business-plus", "version": 1},
    "status": "open",
    "priority": "P3",
    "tier": 1,
    "deadlines": [
        {
            "metric": "resolution",
            "cycle": 1,
            "priority": "P3",
            "state": "running",
            "subject": None,
            "started_at": "2026-11-20T20:00:00Z",
            "due_at": "2026-11-23T20:30:00Z",
            "missed_at": None,
            "stopped_at": None,
            "stopped_by": None,
            "reason": None,
            "remaining": "PT5H30M",
            "explanation": _EXPLANATION,
        }
    ],
}
EXPLAINED: Final[dict[str, Any]] = {
    "as_of": PREVIEWED["as_of"],
    "deadline": examples.DEADLINE
    | {
        "metric": "resolution",
        "priority": "P3",
        "started_at": "2026-11-20T20:00:00Z",
        "due_at": PREVIEWED["deadlines"][0]["due_at"],
    },
    "explanation": _EXPLANATION,
}
"""A resolution that was paused for half an hour, and for a weekend."""
