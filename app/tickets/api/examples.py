"""Examples for the OpenAPI document: a P1 of a backup customer, as it is sent and as it is shown."""

from typing import Any, Final

from app.events import examples as events
from app.events.examples import event_example
from app.paging.schemas import PAGE

OPEN_P1: Final[dict[str, Any]] = {
    "account_id": events.ACCOUNT,
    "title": "No backup has succeeded since Thursday",
    "description": "Every job ends with 'catalogue locked'. Restores fail too.",
    "product": "backup",
    "requester": {"name": "Ana Ruiz", "email": "ana@example.com", "locale": "es"},
    "channel": "web",
    "priority": "P1",
    "business_impact": "All 40 shops are without data protection.",
    "priority_reason": "No successful backup for 48 hours.",
    "call_link": events.CALL_LINK,
}
DEADLINE: Final[dict[str, Any]] = {
    "id": events.DEADLINE,
    "metric": "first_response",
    "cycle": 1,
    "priority": "P1",
    "subject": None,
    "state": "running",
    "started_at": "2026-11-20T20:30:00Z",
    "due_at": "2026-11-20T20:45:00Z",
    "missed_at": None,
    "noticed_at": None,
    "lag_ms": None,
    "ended_at": None,
    "stopped_by": None,
    "reason": None,
}
CALL: Final[dict[str, Any]] = {
    "id": events.CALL,
    "state": "ready",
    "provider": "meet",
    "join_url": events.CALL_LINK,
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
    "id": events.TICKET,
    "number": "K7M-3QP",
    "account_id": events.ACCOUNT,
    "title": OPEN_P1["title"],
    "description": OPEN_P1["description"],
    "product": "backup",
    "requester": OPEN_P1["requester"],
    "channel": "web",
    "environment": "production",
    "status": "new",
    "closed_reason": None,
    "merged_into": None,
    "priority": "P1",
    "priority_source": "requested",
    "assessed_priority": None,
    "impact": None,
    "urgency": None,
    "business_impact": OPEN_P1["business_impact"],
    "priority_reason": OPEN_P1["priority_reason"],
    "tier": 1,
    "assignee": events.ENGINEER,
    "region": "emea",
    "region_lock": None,
    "routing": {
        "state": "alerted",
        "since": "2026-11-20T20:30:00Z",
        "alert_id": events.ALERT,
        "round": 1,
        "reason": None,
        "queued_at": None,
        "next_at": "2026-11-21T00:00:00Z",
    },
    "plan": {"key": "google-premium", "version": 1},
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
    "next_update_due_at": "2026-11-20T20:45:00Z",
    "call": CALL,
    "escalated": False,
    "review_requested": False,
    "sandbox": False,
    "version": 1,
}
MESSAGE: Final[dict[str, Any]] = {
    "id": events.MESSAGE,
    "ticket_id": TICKET["id"],
    "author": {"kind": "engineer", "id": events.ENGINEER, "name": "Jan Nowak"},
    "visibility": "public",
    "channel": None,
    "body": "We are on it: the lock is from a crashed agent.",
    "created_at": "2026-11-20T20:41:00Z",
}
ESCALATION: Final[dict[str, Any]] = {
    "id": events.ESCALATION,
    "ticket_id": TICKET["id"],
    "kind": "service",
    "reason": "resolution_time",
    "state": "requested",
    "requested_by": {"kind": "service", "name": "Heliodesk"},
    "justification": None,
    "requested_priority": None,
    "business_impact": None,
    "breach_verified": True,
    "requested_at": "2026-11-21T00:30:00Z",
    "acknowledged_at": None,
    "ended_at": None,
    "decision": None,
}
ALERT: Final[dict[str, Any]] = {
    "id": events.ALERT,
    "account_id": events.ACCOUNT,
    "ticket_id": TICKET["id"],
    "engineer_id": events.ENGINEER,
    "state": "alerted",
    "alerted_at": "2026-11-20T20:30:00Z",
    "accept_by": "2026-11-20T20:35:00Z",
    "ended_at": None,
    "reason": None,
    "pages": [PAGE],
}
EVENT: Final = event_example("deadline.missed")


def shown(example: dict[str, Any], status: int = 200, *headers: str) -> dict[int | str, dict[str, Any]]:
    """An example answer, for ``responses=`` of a route; ``headers`` that come with it beside the usual ones."""
    answer: dict[str, Any] = {"content": {"application/json": {"example": example}}}
    if headers:
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return {status: answer}


def page_of(example: dict[str, Any]) -> dict[str, Any]:
    """A list with one item."""
    return {"items": [example], "next_cursor": None}
