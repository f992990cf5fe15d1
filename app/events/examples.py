"""An example of every event, for the OpenAPI document: moments in the life of one P1. Pure."""

from typing import Any, Final

from app.events.example_data import (
    ACCOUNT,
    DATA,
    DUE,
    ENGINEER,
    JAN,
    LATER,
    MONDAY,
    OPENED,
    PERSON,
    STUB_EXAMPLE,
    TICKET,
)
from app.events.types import INTERNAL_TYPES

_ANA: Final = {"kind": "customer", "id": PERSON, "name": "Ana Ruiz"}
_ENGINEER: Final = {"kind": "engineer", "id": ENGINEER, "name": JAN}
_SERVICE: Final = {"kind": "service", "name": "Heliodesk"}
_AUTOMATION: Final = {"kind": "automation", "name": "Heliodesk"}

_MOMENTS: Final[tuple[tuple[str, str, dict[str, str], str], ...]] = (
    ("ticket.opened", "20T20:30:00", _ANA, "new"),
    ("deadline.started", "20T20:30:00", _SERVICE, "new"),
    ("ticket.review_requested", "20T20:30:00", _AUTOMATION, "new"),
    ("call.requested", "20T20:30:00", _ANA, "new"),
    ("call.ready", "20T20:30:00", _SERVICE, "new"),
    ("ticket.assigned", "20T20:30:00", _SERVICE, "new"),
    ("expert.alerted", "20T20:30:00", _SERVICE, "new"),
    ("ticket.no_known_solution", "20T20:30:02", _SERVICE, "new"),
    ("expert.declined", "20T20:32:00", _ENGINEER, "new"),
    ("expert.cancelled", "20T20:35:00", _SERVICE, "new"),
    ("routing.round_exhausted", "20T20:35:00", _SERVICE, "new"),
    ("routing.unstaffed", "20T20:35:00", _SERVICE, "new"),
    ("expert.accepted", "20T20:36:00", _ENGINEER, "new"),
    ("call.joined", "20T20:38:00", _ANA, "new"),
    ("call.declined", "20T20:38:30", _ANA, "new"),
    ("ticket.problem_linked", "20T20:39:00", _ENGINEER, "new"),
    ("ticket.problem_unlinked", "20T20:39:30", _ENGINEER, "new"),
    ("message.posted", "20T20:40:00", _ENGINEER, "new"),
    ("file.quarantined", "20T20:40:00", _SERVICE, "open"),
    ("ticket.status_changed", "20T20:40:00", _ENGINEER, "open"),
    ("deadline.met", "20T20:40:00", _SERVICE, "open"),
    ("mail.bounced", "20T20:40:20", _SERVICE, "open"),
    ("message.unconfirmed", "20T20:40:25", _SERVICE, "open"),
    ("coaching.noted", "20T20:40:30", _ENGINEER, "open"),
    ("coaching.acknowledged", "20T20:41:00", _ENGINEER, "open"),
    ("deadline.warning", "20T20:41:15", _SERVICE, "new"),
    ("call.reminded", "20T20:45:00", _SERVICE, "new"),
    ("deadline.missed", "20T20:45:00", _SERVICE, "new"),
    ("ticket.priority_changed", "20T20:45:00", _SERVICE, "new"),
    ("deadline.moved", "20T20:45:00", _SERVICE, "new"),
    ("ticket.postponed", "20T20:45:00", _SERVICE, "new"),
    ("deadline.met_late", "20T20:50:00", _SERVICE, "open"),
    ("call.no_show", "20T21:00:00", _SERVICE, "open"),
    ("call.failed", "20T21:05:00", _SERVICE, "open"),
    ("call.ended", "20T21:30:00", _ENGINEER, "open"),
    ("deadline.paused", "20T21:40:00", _SERVICE, "waiting_on_customer"),
    ("ticket.customer_reminded", "20T22:00:00", _SERVICE, "waiting_on_customer"),
    ("deadline.resumed", "20T22:40:00", _SERVICE, "open"),
    ("escalation.suggested", "20T22:50:00", _SERVICE, "open"),
    ("escalation.requested", "20T23:40:00", _ANA, "open"),
    ("escalation.acknowledged", "20T23:45:00", _ENGINEER, "open"),
    ("escalation.declined", "20T23:50:00", _ENGINEER, "open"),
    ("escalation.accepted", "20T23:50:00", _ENGINEER, "open"),
    ("ticket.tier_changed", "20T23:50:00", _ENGINEER, "open"),
    ("escalation.withdrawn", "20T23:55:00", _ANA, "open"),
    ("ticket.handed_over", "21T00:00:00", _SERVICE, "open"),
    ("ticket.updated", "21T00:10:00", _ANA, "open"),
    ("plan.applied", "21T00:20:00", {"kind": "automation", "name": "heliodesk plan apply"}, "open"),
    ("escalation.automatic", "21T14:30:00", _SERVICE, "open"),
    ("ticket.link_created", "21T14:35:00", _ENGINEER, "open"),
    ("ticket.link_deleted", "21T14:36:00", _ENGINEER, "open"),
    ("deadline.cancelled", "21T14:40:00", _SERVICE, "resolved"),
    ("ticket.reopened", "21T15:00:00", _ANA, "open"),
    ("ticket.solution_linked", "21T15:20:00", _ANA, "open"),
    ("ticket.merged", "21T15:30:00", _ENGINEER, "closed"),
    ("ticket.withdrawn", "21T15:30:00", _ANA, "closed"),
)
"""What can happen to the ticket, in order: when, who did it, and its status after it. No ticket sees all of it."""
_OF_TICKET: Final = {moment[0]: (place, *moment[1:]) for place, moment in enumerate(_MOMENTS, start=1)}
_MONTH_OVER: Final = "2026-12-01T07:00:00.000000Z"
_OF_ACCOUNT: Final = {
    "account.digest": MONDAY,
    "account.report_ready": _MONTH_OVER,
    "maintenance.started": OPENED,
    "maintenance.ended": LATER,
}
"""When it happens; what happens to endpoints: when the first response was due."""
_OF_NONE: Final = {
    "article.published": _ENGINEER,
    "article.withdrawn": _ENGINEER,
    "event.postponed": _SERVICE,
    "job.postponed": _SERVICE,
    "count.postponed": _SERVICE,
}
"""What is about no account, and who did it."""


def event_example(event_type: str) -> dict[str, Any]:
    """The whole envelope of the example of this type."""
    envelope = {
        "id": "evt_01k9w4c7d9f3s0j7y5n8r2a1wg",
        "type": event_type,
        "timestamp": _OF_ACCOUNT.get(event_type, DUE),
        "account_id": None if event_type in _OF_NONE else ACCOUNT,
        "ticket_id": None,
        "ticket": None,
        "sequence": None,
        "actor": _OF_NONE.get(event_type, _SERVICE),
        "audience": "internal" if event_type in INTERNAL_TYPES else "public",
        "sandbox": False,
        "data": DATA[event_type],
    }
    if event_type not in _OF_TICKET:
        return envelope
    sequence, at, actor, status = _OF_TICKET[event_type]
    stub = {"ticket_id": TICKET, "ticket": STUB_EXAMPLE | {"status": status}, "sequence": sequence}
    return envelope | stub | {"timestamp": f"2026-11-{at}.000000Z", "actor": actor}
