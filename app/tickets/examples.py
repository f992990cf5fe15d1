"""Examples for the OpenAPI document: a P1 of a backup customer, as it is sent and as it is shown."""

from typing import Any, Final

OPEN_P1: Final[dict[str, Any]] = {
    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
    "title": "No backup has succeeded since Thursday",
    "description": "Every job ends with 'catalogue locked'. Restores fail too.",
    "product": "backup",
    "requester": {"name": "Ana Ruiz", "email": "ana@example.com", "locale": "es"},
    "channel": "web",
    "priority": "P1",
    "business_impact": "All 40 shops are without data protection.",
    "priority_reason": "No successful backup for 48 hours.",
    "call_link": "https://meet.google.com/abc-defg-hij",
}
DEADLINE: Final[dict[str, Any]] = {
    "id": "ddl_01k9w3b6c0f7q2n8j5d1y4s3tb",
    "metric": "first_response",
    "cycle": 1,
    "priority": "P1",
    "subject": None,
    "state": "running",
    "started_at": "2026-11-20T20:30:00Z",
    "due_at": "2026-11-20T21:00:00Z",
    "missed_at": None,
    "noticed_at": None,
    "lag_ms": None,
    "ended_at": None,
    "stopped_by": None,
    "reason": None,
}
CALL: Final[dict[str, Any]] = {
    "id": "cal_01k9w3b6c1g8r3p9k6e2z5t4vc",
    "state": "ready",
    "provider": "meet",
    "join_url": "https://meet.google.com/abc-defg-hij",
    "join_from": "2026-11-20T20:45:00Z",
    "join_by": "2026-11-20T21:00:00Z",
    "requested_at": "2026-11-20T20:30:00Z",
    "ready_at": "2026-11-20T20:30:00Z",
    "joined_at": None,
    "ended_at": None,
    "decline_reason": None,
    "failure": None,
}
TICKET: Final[dict[str, Any]] = {
    "id": "tkt_01k9w3b6bz6p1m7h4c0x3r2saa",
    "number": "K7M-3QP",
    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
    "title": OPEN_P1["title"],
    "description": OPEN_P1["description"],
    "product": "backup",
    "requester": OPEN_P1["requester"],
    "channel": "web",
    "environment": "production",
    "status": "new",
    "closed_reason": None,
    "priority": "P1",
    "priority_source": "requested",
    "assessed_priority": None,
    "impact": None,
    "urgency": None,
    "business_impact": OPEN_P1["business_impact"],
    "priority_reason": OPEN_P1["priority_reason"],
    "tier": 1,
    "assignee": None,
    "region": None,
    "region_lock": None,
    "plan": {"key": "wati-business-plus", "version": 1},
    "tags": [],
    "custom": {},
    "external_ref": None,
    "follow_up_of": None,
    "call_link": OPEN_P1["call_link"],
    "opened_at": "2026-11-20T20:30:00Z",
    "updated_at": "2026-11-20T20:30:00Z",
    "resolved_at": None,
    "closed_at": None,
    "deadlines": [DEADLINE],
    "next_update_due_at": "2026-11-20T21:00:00Z",
    "call": CALL,
    "escalated": False,
    "review_requested": False,
    "sandbox": False,
    "version": 1,
}
MESSAGE: Final[dict[str, Any]] = {
    "id": "msg_01k9w3e2v4h9s5t0m7f3a6u5wd",
    "ticket_id": TICKET["id"],
    "author": {"kind": "engineer", "id": "eng_01k9w2z8n1d6p0k4g9c5w8r7xe", "name": "Jan Nowak"},
    "visibility": "public",
    "channel": None,
    "body": "We are on it: the lock is from a crashed agent.",
    "created_at": "2026-11-20T20:41:00Z",
}
ESCALATION: Final[dict[str, Any]] = {
    "id": "esc_01k9w4c7d8e2r9h6x4m7q1z0vf",
    "ticket_id": TICKET["id"],
    "kind": "service",
    "reason": "resolution_time",
    "state": "requested",
    "justification": None,
    "breach_verified": True,
    "requested_at": "2026-11-21T00:30:00Z",
    "acknowledged_at": None,
    "ended_at": None,
}
EVENT: Final[dict[str, Any]] = {
    "id": "evt_01k9w4c7d9f3s0j7y5n8r2a1wg",
    "type": "deadline.missed",
    "timestamp": "2026-11-20T21:00:00Z",
    "account_id": TICKET["account_id"],
    "ticket_id": TICKET["id"],
    "sequence": 7,
    "actor": {"kind": "service", "name": "Heliodesk"},
    "audience": "public",
    "sandbox": False,
    "data": {
        "deadline_id": DEADLINE["id"],
        "metric": "first_response",
        "cycle": 1,
        "priority": "P1",
        "subject": None,
        "due_at": "2026-11-20T21:00:00Z",
        "noticed_at": "2026-11-20T21:00:00.004Z",
        "lag_ms": 4.0,
    },
}


def shown(example: dict[str, Any], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """An example answer, for ``responses=`` of a route."""
    return {status: {"content": {"application/json": {"example": example}}}}


def page_of(example: dict[str, Any]) -> dict[str, Any]:
    """A list with one item."""
    return {"items": [example], "next_cursor": None}
