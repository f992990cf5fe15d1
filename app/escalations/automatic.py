"""The escalation that the service makes of a miss. Pure."""

from datetime import datetime
from typing import Any, Final

from app.core.auth import SERVICE
from app.core.ids import new_id
from app.escalations.rules import Breach
from app.sla.clock.clock import miss_subject
from app.sla.clock.deadline import Deadline

_REASONS: Final = {"first_response": "no_update", "next_response": "no_update", "update": "no_update"}


def by_service(account_id: str, ticket_id: str, cause: Deadline, at: datetime) -> dict[str, Any]:
    """The record of an escalation that a miss made: its breach is a fact (W4, C15)."""
    return {
        "account_id": account_id,
        "id": new_id("esc"),
        "ticket_id": ticket_id,
        "kind": "service",
        "subject": miss_subject(cause),
        "reason": _REASONS.get(cause.metric, "resolution_time"),
        "state": "requested",
        "breach_verified": True,
        "breaches": [Breach(cause.metric, cause.cycle, cause.missed_at or at, cause.ended_at).document()],
        "breach_count": 1,
        "requested_by": SERVICE.document(),
        "requested_at": at,
        "ended_at": None,
    }
