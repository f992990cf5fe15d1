"""An example of every event, for the OpenAPI document. Pure."""

from typing import Any, Final

from app.events.types import INTERNAL_TYPES

ACCOUNT: Final = "acc_01k9w3b5t8e2r9h6x4m7q1z0va"
TICKET: Final = "tkt_01k9w3b6bz6p1m7h4c0x3r2saa"
OTHER_TICKET: Final = "tkt_01k9w2x4bz6p1m7h4c0x3r2sbb"
ENGINEER: Final = "eng_01k9w2z8n1d6p0k4g9c5w8r7xe"
DEADLINE: Final = "ddl_01k9w3b6c0f7q2n8j5d1y4s3tb"
CALL: Final = "cal_01k9w3b6c1g8r3p9k6e2z5t4vc"
MESSAGE: Final = "msg_01k9w3e2v4h9s5t0m7f3a6v5wd"
ESCALATION: Final = "esc_01k9w4c7d8e2r9h6x4m7q1z0vf"
ALERT: Final = "alr_01k9w3b6e2g8r3p9k6e2z5t4vc"
ENDPOINT: Final = "wh_01k9z3v5q8e9rbn3wz4m6t7y2d"
CALL_LINK: Final = "https://meet.google.com/abc-defg-hij"

_OPENED: Final = "2026-11-20T20:30:00.000000Z"
_DUE: Final = "2026-11-20T20:45:00.000000Z"
_JOIN_BY: Final = "2026-11-20T21:00:00.000000Z"
_LATER: Final = "2026-11-21T14:30:00.000000Z"

_CALL: Final[dict[str, Any]] = {"call_id": CALL, "provider": "meet"}
_FIRST: Final[dict[str, Any]] = {
    "deadline_id": DEADLINE,
    "metric": "first_response",
    "cycle": 1,
    "priority": "P1",
    "subject": None,
    "due_at": _DUE,
}
_RESOLUTION: Final[dict[str, Any]] = _FIRST | {"metric": "resolution", "priority": "P2"}
_MANAGER: Final = {"role": "manager", "name": "Mia Chen", "email": "mia@example.com"}
_WINDOW: Final[dict[str, Any]] = {
    "window_id": "mnt_01k9z3v5q8e9rbn3wz4m6t7y2e",
    "hook_id": "hook_01k9z3v5q8e9rbn3wz4m6t7y2d",
    "product": None,
    "reason": "Database upgrade",
    "starts_at": _OPENED,
    "ends_at": _LATER,
}
_ESCALATION: Final[dict[str, Any]] = {
    "escalation_id": ESCALATION,
    "reason": "no_update",
    "subject": ESCALATION,
    "truncated": False,
}
_CHOSEN: Final[dict[str, Any]] = {
    "candidates": [{"engineer_id": ENGINEER, "taken": True, "reason": "only"}],
    "considered": 1,
}
_ALERT: Final[dict[str, Any]] = {"alert_id": ALERT, "engineer_id": ENGINEER}
_PINS: Final[dict[str, Any]] = {
    "key": "google-premium",
    "version": 1,
    "addons": [],
    "time_zone": "America/New_York",
    "holiday_set": None,
}
_MESSAGE: Final[dict[str, Any]] = {
    "message_id": MESSAGE,
    "author": {"kind": "engineer", "id": ENGINEER, "name": "Jan Nowak"},
    "visibility": "public",
    "channel": None,
    "body": "We are on it: the lock is from a crashed agent.",
    "truncated": False,
}
_TICKET: Final[dict[str, Any]] = {
    "number": "K7M-3QP",
    "title": "No backup has succeeded since Thursday",
    "description": "Every job ends with 'catalogue locked'. Restores fail too.",
    "truncated": False,
    "status": "new",
    "priority": "P1",
    "priority_source": "requested",
    "assessed_priority": None,
    "impact": None,
    "urgency": None,
    "business_impact": "All 40 shops are without data protection.",
    "priority_reason": "No successful backup for 48 hours.",
    "environment": "production",
    "product": "backup",
    "channel": "web",
    "requester": {"name": "Ana Ruiz", "email": "ana@example.com", "locale": "es"},
    "plan": _PINS,
    "external_ref": None,
    "call_link": CALL_LINK,
    "notified": [],
}

DATA: Final[dict[str, dict[str, Any]]] = {
    "ticket.opened": _TICKET,
    "ticket.updated": {"fields": {"tags": ["backup"], "impact": "large"}, "truncated": False},
    "ticket.status_changed": {"from": "new", "to": "open", "reason": None},
    "ticket.reopened": {"from": "resolved", "to": "open", "reason": None},
    "ticket.merged": {"merged": TICKET, "into": OTHER_TICKET},
    "ticket.withdrawn": {"reason": "It works again", "truncated": False},
    "ticket.review_requested": {"priority": "P1", "reason": "non_production"},
    "ticket.priority_changed": {"from": "P2", "to": "P1", "reason": "missed", "source": "automatic", "notified": []},
    "ticket.tier_changed": {"from": 1, "to": 2, "reason": None},
    "ticket.assigned": {"from": None, "to": ENGINEER, "reason": None},
    "ticket.handed_over": {
        "from": {"engineer_id": ENGINEER, "region": "apac"},
        "to": {"engineer_id": "eng_01k9w2z8n1d6p0k4g9c5w8r7xf", "region": "emea"},
        "reason": "shift_ended",
    },
    "ticket.postponed": {
        "reason": "failed",
        "error": "DataError",
        "failures": 2,
        "retry_at": "2026-11-20T20:46:00.000000Z",
    },
    "message.posted": _MESSAGE,
    "deadline.started": _FIRST | {"state": "running", "started_at": _OPENED},
    "deadline.moved": _RESOLUTION | {"due_at": _LATER, "from": _DUE, "to": _LATER, "reason": "priority"},
    "deadline.paused": _RESOLUTION | {"due_at": None, "from": _LATER, "to": None, "reason": "waiting_on_customer"},
    "deadline.resumed": _RESOLUTION | {"due_at": _LATER, "from": None, "to": _LATER, "reason": "waiting_on_customer"},
    "deadline.warning": _FIRST | {"share": 75},
    "deadline.missed": _FIRST | {"noticed_at": "2026-11-20T20:45:00.004000Z", "lag_ms": 4.0},
    "deadline.met": _FIRST | {"stopped_by": "engineer"},
    "deadline.met_late": _FIRST | {"stopped_by": "engineer"},
    "deadline.cancelled": _RESOLUTION | {"reason": "resolved"},
    "plan.applied": {"from": _PINS, "to": _PINS | {"version": 2}, "priorities": {}},
    "escalation.automatic": {
        "escalation_id": ESCALATION,
        "reason": "resolution_time",
        "metric": "resolution",
        "cycle": 1,
        "priority": "P1",
        "notified": [_MANAGER],
    },
    "escalation.requested": _ESCALATION
    | {
        "kind": "customer",
        "justification": "No update for three hours",
        "requested_priority": None,
        "business_impact": None,
        "breach_verified": True,
        "notified": [_MANAGER],
    },
    "escalation.acknowledged": _ESCALATION,
    "escalation.accepted": _ESCALATION | {"priority": "P1", "tier": 2, "assignee": ENGINEER},
    "escalation.declined": _ESCALATION | {"detail": "The fix is being rolled out now"},
    "escalation.withdrawn": _ESCALATION,
    "escalation.suggested": {"reason": "too_many_exchanges", "turns": 6},
    "call.requested": _CALL | {"provider": None},
    "call.ready": _CALL | {"join_url": CALL_LINK, "join_from": "2026-11-20T20:45:00.000000Z", "join_by": _JOIN_BY},
    "call.joined": _CALL | {"participant": "customer"},
    "call.declined": _CALL | {"reason": "Our network is down, call our desk instead", "assignee_id": ENGINEER},
    "call.no_show": _CALL | {"join_by": _JOIN_BY},
    "call.failed": _CALL
    | {
        "provider": None,
        "reason": "No link could be created: meet: it did not answer in time; jitsi is not configured",
        "failures": [
            {"provider": "meet", "code": "timed_out", "status": None},
            {"provider": "jitsi", "code": "not_configured", "status": None},
        ],
    },
    "call.ended": _CALL,
    "expert.alerted": _ALERT
    | {"region": "emea", "accept_by": "2026-11-20T20:35:00.000000Z", "urgency": "high"}
    | _CHOSEN,
    "expert.accepted": _ALERT,
    "expert.declined": _ALERT | {"reason": "I am on a train"},
    "expert.cancelled": _ALERT | {"reason": "expired"},
    "routing.unstaffed": {
        "region_lock": "emea",
        "reason": "unstaffed",
        "next_at": "2026-11-21T07:00:00.000000Z",
        "notified": [_MANAGER],
        "candidates": [{"engineer_id": ENGINEER, "taken": False, "reason": "off_shift"}],
        "considered": 1,
    },
    "routing.round_exhausted": {
        "round": 1,
        "next_at": "2026-11-20T20:45:00.000000Z",
        "notified": [_MANAGER],
        "candidates": [{"engineer_id": ENGINEER, "taken": False, "reason": "tried"}],
        "considered": 1,
    },
    "maintenance.started": _WINDOW,
    "maintenance.ended": _WINDOW | {"still_firing": 2},
    "webhook.disabled": {
        "endpoint_id": ENDPOINT,
        "url": "https://example.com/",
        "reason": "The receiver answered 410 Gone",
    },
    "webhook.paused": {
        "endpoint_id": ENDPOINT,
        "url": "https://example.com/",
        "pending": 50_120,
        "quota": 50_000,
    },
    "webhook.resumed": {"endpoint_id": ENDPOINT, "url": "https://example.com/"},
    "webhook.test": {"endpoint_id": ENDPOINT, "event_type": None},
}
"""The ``data`` of an event, by its type."""


def event_example(event_type: str) -> dict[str, Any]:
    """The whole envelope of the example of this type."""
    of_ticket = not event_type.startswith(("webhook.", "maintenance."))
    return {
        "id": "evt_01k9w4c7d9f3s0j7y5n8r2a1wg",
        "type": event_type,
        "timestamp": _DUE,
        "account_id": ACCOUNT,
        "ticket_id": TICKET if of_ticket else None,
        "sequence": 7 if of_ticket else None,
        "actor": {"kind": "service", "name": "Heliodesk"},
        "audience": "internal" if event_type in INTERNAL_TYPES else "public",
        "sandbox": False,
        "data": DATA[event_type],
    }
