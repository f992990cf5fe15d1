"""What the example of every event says: its ``data``, and the things that it is about. Pure."""

from typing import Any, Final

from app.events.stub import STUB

ACCOUNT: Final = "acc_01k9w3b5t8e2r9h6x4m7q1z0va"
TICKET: Final = "tkt_01k9w3b6bz6p1m7h4c0x3r2saa"
OTHER_TICKET: Final = "tkt_01k9w2x4bz6p1m7h4c0x3r2sbb"
ENGINEER: Final = "eng_01k9w2z8n1d6p0k4g9c5w8r7xe"
DEADLINE: Final = "ddl_01k9w3b6c0f7q2n8j5d1y4s3tb"
CALL: Final = "cal_01k9w3b6c1g8r3p9k6e2z5t4vc"
MESSAGE: Final = "msg_01k9w3e2v4h9s5t0m7f3a6v5wd"
FILE: Final = "fil_01k9z3v5q8e9rbn3wz4m6t7y2h"
ESCALATION: Final = "esc_01k9w4c7d8e2r9h6x4m7q1z0vf"
ALERT: Final = "alr_01k9w3b6e2g8r3p9k6e2z5t4vc"
ENDPOINT: Final = "wh_01k9z3v5q8e9rbn3wz4m6t7y2d"
PERSON: Final = "per_01k9z3v5q8e9rbn3wz4m6t7y2b"
JAN: Final = "Jan Nowak"
CALL_LINK: Final = "https://meet.google.com/abc-defg-hij"

OPENED: Final = "2026-11-20T20:30:00.000000Z"
DUE: Final = "2026-11-20T20:45:00.000000Z"
_JOIN_BY: Final = "2026-11-20T21:00:00.000000Z"
_PROMISED: Final = "2026-11-21T13:30:00.000000Z"
LATER: Final = "2026-11-21T14:30:00.000000Z"
"""What was promised, an hour later: for so long the clock was paused."""

_CALL: Final[dict[str, Any]] = {"call_id": CALL, "provider": "meet"}
_FIRST: Final[dict[str, Any]] = {
    "deadline_id": DEADLINE,
    "metric": "first_response",
    "cycle": 1,
    "priority": "P1",
    "subject": None,
    "due_at": DUE,
}
_RESOLUTION: Final[dict[str, Any]] = _FIRST | {
    "deadline_id": "ddl_01k9w3b6c0f7q2n8j5d1y4s3tc",
    "metric": "resolution",
    "due_at": _PROMISED,
}
_MANAGER: Final = {"role": "manager", "name": "Mia Chen", "email": "mia@example.com"}
_WINDOW: Final[dict[str, Any]] = {
    "window_id": "mnt_01k9z3v5q8e9rbn3wz4m6t7y2e",
    "hook_id": "hook_01k9z3v5q8e9rbn3wz4m6t7y2d",
    "product": None,
    "reason": "Database upgrade",
    "starts_at": OPENED,
    "ends_at": LATER,
}
_NOTE: Final[dict[str, Any]] = {
    "note_id": "cnt_01k9z3v5q8e9rbn3wz4m6t7y2g",
    "engineer_id": ENGINEER,
    "engineer_name": JAN,
}
_PROBLEM: Final[dict[str, Any]] = {
    "problem_id": "prb_01k9z3v5q8e9rbn3wz4m6t7y2f",
    "number": "PRB-4F7-2WX",
    "title": "Jobs end with 'catalogue locked'",
    "product": "backup",
    "truncated": False,
}
_ESCALATION: Final[dict[str, Any]] = {
    "escalation_id": ESCALATION,
    "reason": "no_update",
    "subject": ESCALATION,
    "truncated": False,
}
_CHOSEN: Final[dict[str, Any]] = {
    "candidates": [{"engineer_id": ENGINEER, "engineer_name": JAN, "taken": True, "reason": "only"}],
    "considered": 1,
}
_ALERT: Final[dict[str, Any]] = {"alert_id": ALERT, "engineer_id": ENGINEER, "engineer_name": JAN}
_PINS: Final[dict[str, Any]] = {
    "key": "google-premium",
    "version": 1,
    "addons": [],
    "time_zone": "America/New_York",
    "holiday_set": None,
}
_MESSAGE: Final[dict[str, Any]] = {
    "message_id": MESSAGE,
    "author": {"kind": "engineer", "id": ENGINEER, "name": JAN},
    "visibility": "public",
    "channel": None,
    "body": "We are on it: the lock is from a crashed agent.",
    "attachments": [],
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
    "matrix_priority": None,
    "impact": None,
    "urgency": None,
    "business_impact": "All 40 shops are without data protection.",
    "priority_reason": "No successful backup for 48 hours.",
    "environment": "production",
    "product": "backup",
    "channel": "web",
    "requester": {"name": "Ana Ruiz", "email": "ana@example.com", "locale": "es"},
    "plan": _PINS,
    "external_ref": "INC-4711",
    "call_link": CALL_LINK,
    "attachments": [
        {"id": FILE, "name": "catalogue.log", "type": "text/plain", "size": 18_204, "state": "kept", "reason": None}
    ],
    "notified": [],
}

_LINK: Final = "key_01k9z3v5q8e9rbn3wz4m6t7y2c"
_ARTICLE: Final[dict[str, Any]] = {
    "article_id": "art_01k9z3v5q8e9rbn3wz4m6t7y2a",
    "slug": "la-exportacion-falla",
    "language": "es",
    "title": "La exportación falla al generar el PDF",
    "product": "reports",
    "readers": "public",
    "version": 3,
    "truncated": False,
}
_LINKED: Final = ("article_id", "slug", "language", "title", "readers")
MONDAY: Final = "2026-11-23T13:00:00.000000Z"
_DIGEST_TICKET: Final[dict[str, Any]] = {
    "ticket_id": TICKET,
    "number": _TICKET["number"],
    "title": _TICKET["title"],
    "priority": "P1",
    "metric": "first_response",
    "due_at": DUE,
}

STUB_EXAMPLE: Final[dict[str, Any]] = {name: _TICKET[name] for name in STUB}

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
    "ticket.assigned": {"from": None, "to": ENGINEER, "reason": None, "from_name": None, "to_name": JAN},
    "ticket.handed_over": {
        "from": {"engineer_id": ENGINEER, "region": "apac", "engineer_name": JAN},
        "to": {"engineer_id": "eng_01k9w2z8n1d6p0k4g9c5w8r7xf", "region": "emea", "engineer_name": "Noor Haddad"},
        "reason": "shift_ended",
    },
    "ticket.link_created": {"link_id": _LINK, "email": "ana@example.com", "expires_at": "2026-11-27T20:30:00Z"},
    "ticket.link_deleted": {"link_id": _LINK, "email": "ana@example.com"},
    "ticket.postponed": {
        "reason": "failed",
        "error": "DataError",
        "failures": 2,
        "retry_at": "2026-11-20T20:46:00.000000Z",
    },
    "ticket.customer_reminded": {"number": 1, "resolve_at": "2026-11-27T21:40:00.000000Z"},
    "ticket.solution_linked": {name: _ARTICLE[name] for name in _LINKED} | {"truncated": False},
    "ticket.no_known_solution": {"tier": 2, "engineer_id": ENGINEER, "engineer_name": JAN},
    "ticket.problem_linked": {name: _PROBLEM[name] for name in ("problem_id", "number", "title", "truncated")}
    | {"state": "known_error", "workaround": "Restart the agent once."},
    "ticket.problem_unlinked": {name: _PROBLEM[name] for name in ("problem_id", "number")},
    "message.posted": _MESSAGE,
    "file.quarantined": {
        "file_id": FILE,
        "name": "invoice.pdf.exe",
        "message_id": MESSAGE,
        "visibility": "public",
        "finding": "Win.Test.EICAR_HDB-1",
    },
    "deadline.started": _FIRST | {"state": "running", "started_at": OPENED},
    "deadline.moved": _RESOLUTION | {"from": "2026-11-22T20:30:00.000000Z", "to": _PROMISED, "reason": "priority"},
    "deadline.paused": _RESOLUTION | {"due_at": None, "from": _PROMISED, "to": None, "reason": "waiting_on_customer"},
    "deadline.resumed": _RESOLUTION | {"due_at": LATER, "from": None, "to": LATER, "reason": "waiting_on_customer"},
    "deadline.warning": _FIRST | {"share": 75},
    "deadline.missed": _FIRST | {"noticed_at": "2026-11-20T20:45:00.004000Z", "lag_ms": 4.0, "unconfirmed": False},
    "deadline.met": _FIRST | {"stopped_by": "engineer"},
    "deadline.met_late": _FIRST | {"stopped_by": "engineer"},
    "deadline.cancelled": _RESOLUTION | {"due_at": LATER, "reason": "resolved"},
    "plan.applied": {"from": _PINS, "to": _PINS | {"version": 2}, "priorities": {}},
    "escalation.automatic": {
        "escalation_id": ESCALATION,
        "reason": "resolution_time",
        "metric": "resolution",
        "cycle": 1,
        "priority": "P1",
        "notified": [_MANAGER],
        "unreachable": [],
    },
    "escalation.requested": _ESCALATION
    | {
        "kind": "customer",
        "justification": "No update for three hours",
        "requested_priority": None,
        "business_impact": None,
        "breach_verified": True,
        "breaches": [{"metric": "update", "cycle": 3, "due_at": DUE, "ended_at": None}],
        "breach_count": 3,
        "notified": [_MANAGER],
    },
    "escalation.acknowledged": _ESCALATION,
    "escalation.accepted": _ESCALATION | {"priority": "P1", "tier": 2, "assignee": ENGINEER, "assignee_name": JAN},
    "escalation.declined": _ESCALATION | {"detail": "The fix is being rolled out now"},
    "escalation.withdrawn": _ESCALATION,
    "escalation.suggested": {"reason": "too_many_exchanges", "turns": 6},
    "call.requested": _CALL | {"provider": None},
    "call.ready": _CALL | {"join_url": CALL_LINK, "remind_at": "2026-11-20T20:45:00.000000Z", "join_by": _JOIN_BY},
    "call.reminded": _CALL | {"provider": None, "join_by": _JOIN_BY},
    "call.joined": _CALL | {"participant": "customer"},
    "call.declined": _CALL
    | {"reason": "Our network is down, call our desk instead", "assignee_id": ENGINEER, "assignee_name": JAN},
    "call.no_show": _CALL | {"join_by": _JOIN_BY},
    "call.failed": _CALL
    | {
        "provider": None,
        "reason": "No link could be created: meet: it did not answer in time; jitsi is not configured",
        "failures": [
            {"provider": "meet", "code": "timed_out", "status": None},
            {"provider": "jitsi", "code": "not_configured", "status": None},
        ],
        "assignee_id": ENGINEER,
        "assignee_name": JAN,
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
        "candidates": [{"engineer_id": ENGINEER, "engineer_name": JAN, "taken": False, "reason": "off_shift"}],
        "considered": 1,
    },
    "routing.round_exhausted": {
        "round": 1,
        "next_at": "2026-11-20T20:40:00.000000Z",
        "notified": [_MANAGER],
        "candidates": [{"engineer_id": ENGINEER, "engineer_name": JAN, "taken": False, "reason": "tried"}],
        "considered": 1,
    },
    "account.digest": {
        "since": "2026-11-16T13:00:00.000000Z",
        "until": MONDAY,
        "open": 4,
        "open_by_priority": {"P1": 1, "P3": 3},
        "at_risk": 1,
        "missed": 1,
        "unconfirmed": 2,
        "tickets_at_risk": [_DIGEST_TICKET | {"metric": "update", "due_at": "2026-11-23T13:30:00.000000Z"}],
        "tickets_missed": [_DIGEST_TICKET],
        "notified": [{"role": "tam", "name": "Tom Berg", "email": "tom@example.com"}],
        "unreachable": [],
        "truncated": False,
    },
    "account.report_ready": {
        "month": "2026-11",
        "since": "2026-10-31T23:00:00.000000Z",
        "until": "2026-11-30T23:00:00.000000Z",
        "promised": 41,
        "met": 38,
        "met_late": 1,
        "missed": 1,
        "open": 1,
        "attained": 0.95,
        "opened": 23,
        "resolved": 20,
    },
    "mail.bounced": {
        "email": "ana@example.com",
        "status": "5.1.1",
        "reason": "550 5.1.1 User unknown",
        "notice_id": "ntc_01k9z3v5q8e9rbn3wz4m6t7y2g",
    },
    "message.unconfirmed": {
        "message_id": "msg_01k9z3v5q8e9rbn3wz4m6t7y2b",
        "engineer_id": ENGINEER,
        "engineer_name": JAN,
        "notified": [],
        "unreachable": [],
    },
    "maintenance.started": _WINDOW,
    "maintenance.ended": _WINDOW | {"still_firing": 2},
    "article.published": _ARTICLE,
    "article.withdrawn": _ARTICLE,
    "coaching.noted": _NOTE | {"body": "Next time say when you will write again.", "truncated": False},
    "coaching.acknowledged": _NOTE,
    "problem.suggested": _PROBLEM
    | {
        "words": ["catalogue", "locked"],
        "count": 3,
        "tickets": [
            {"ticket_id": TICKET, "account_id": ACCOUNT, "number": _TICKET["number"], "title": _TICKET["title"]}
        ],
    },
    "problem.opened": _PROBLEM | {"source": "suggestion", "owner_id": ENGINEER, "count": 3},
    "problem.updated": _PROBLEM | {"fields": {"state": "known_error", "workaround": "Restart the agent once."}},
    "problem.target_missed": _PROBLEM | {"state": "known_error", "due_at": DUE},
    "problem.resolved": _PROBLEM
    | {"resolution": "Agents of version 4.2 release the lock.", "resolve_tickets": True, "count": 20},
    "event.postponed": {
        "job": "reports",
        "event_id": "evt_01k9w4c7d9f3s0j7y5n8r2a1wg",
        "event_type": "ticket.opened",
        "reason": "failed",
        "error": "DataError",
        "failures": 2,
        "retry_at": "2026-11-20T20:46:00.000000Z",
    },
    "job.postponed": {
        "job": "reports",
        "reason": "failed",
        "error": "DataError",
        "retry_at": "2026-11-20T20:46:00.000000Z",
    },
    "count.postponed": {
        "account_id": ACCOUNT,
        "ticket_id": TICKET,
        "reason": "slow",
        "error": "TooSlow",
        "retry_at": "2026-11-20T20:46:00.000000Z",
    },
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
