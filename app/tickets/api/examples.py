"""Examples for the OpenAPI document: a P1 of a backup customer, as it is sent and as it is shown."""

from typing import Any, Final

from app.events import example_data as events
from app.events.examples import event_example
from app.events.types.tickets import TicketFacts
from app.files.rules import link_of
from app.paging.schemas import PAGE
from app.tickets.schemas import NewTicket

_OPENED: Final = event_example("ticket.opened")["data"]
OPEN_P1: Final[dict[str, Any]] = {
    "account_id": events.ACCOUNT,
    **{
        name: value
        for name, value in _OPENED.items()
        if name in NewTicket.model_fields and name not in ("environment", "attachments") and value is not None
    },
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
    "remind_at": "2026-11-20T20:45:00Z",
    "join_by": "2026-11-20T21:00:00Z",
    "requested_at": "2026-11-20T20:30:00Z",
    "ready_at": "2026-11-20T20:30:00Z",
    "joined_at": None,
    "ended_at": None,
    "decline_reason": None,
    "failure": None,
    "failures": [],
}
TICKET: Final[dict[str, Any]] = {
    "id": events.TICKET,
    "account_id": events.ACCOUNT,
    **{name: _OPENED[name] for name in TicketFacts.model_fields},
    "requested_priority": None,
    "unconfirmed": False,
    "watchers": [{"email": "tom@example.com", "name": "Tom Berg"}],
    "attachments": [each | {"link": link_of(events.TICKET, events.FILE)} for each in _OPENED["attachments"]],
    "assessed_priority": None,
    "requester": _OPENED["requester"],
    "closed_reason": None,
    "merged_into": None,
    "tier": 1,
    "assignee": events.ENGINEER,
    "region": "emea",
    "region_lock": None,
    "region_lock_time_zone": None,
    "routing": {
        "state": "alerted",
        "since": "2026-11-20T20:30:00Z",
        "alert_id": events.ALERT,
        "round": 1,
        "reason": None,
        "queued_at": None,
        "next_at": "2026-11-21T00:00:00Z",
    },
    "plan": {"key": "google-premium", "version": 1, "programme_url": "/programmes/google-premium?version=1"},
    "time_zone": "America/New_York",
    "tags": [],
    "custom": {},
    "follow_up_of": None,
    "opened_at": "2026-11-20T20:30:00Z",
    "updated_at": "2026-11-20T20:30:00Z",
    "resolved_at": None,
    "closed_at": None,
    "deadlines": [DEADLINE],
    "next_update_due_at": "2026-11-20T20:45:00Z",
    "call": CALL,
    "problem": None,
    "escalated": False,
    "review_requested": False,
    "review_reason": None,
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
    "attachments": [],
    "created_at": "2026-11-20T20:40:00Z",
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
    "breaches": [{"metric": "resolution", "cycle": 1, "due_at": "2026-11-21T14:30:00Z", "ended_at": None}],
    "breach_count": 1,
    "requested_at": "2026-11-21T14:30:00Z",
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
