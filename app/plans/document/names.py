"""What people call the things that a plan speaks of. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.messages import Message, pgettext

METRICS: Final[Mapping[str, Message]] = {
    "first_response": pgettext("metric", "First response"),
    "next_response": pgettext("metric", "Next response"),
    "update": pgettext("metric", "Update"),
    "resolution": pgettext("metric", "Resolution"),
    "tier_escalation": pgettext("metric", "Move to the next tier"),
    "escalation_ack": pgettext("metric", "Acknowledgement of the escalation"),
    "alert_ack": pgettext("metric", "Answer to the alert"),
    "call_join": pgettext("metric", "Joining the call"),
}
STATUSES: Final[Mapping[str, Message]] = {
    "new": pgettext("status", "new"),
    "open": pgettext("status", "open"),
    "waiting_on_customer": pgettext("status", "waiting for the customer"),
    "mitigated": pgettext("status", "mitigated"),
    "resolved": pgettext("status", "resolved"),
    "closed": pgettext("status", "closed"),
}
"""A ticket's statuses."""
ESCALATION_REASONS: Final[Mapping[str, Message]] = {
    "business_impact": pgettext("escalation", "business impact"),
    "resolution_time": pgettext("escalation", "time to resolution"),
    "no_update": pgettext("escalation", "no update"),
    "too_many_exchanges": pgettext("escalation", "too many exchanges"),
    "wrong_priority": pgettext("escalation", "wrong priority"),
    "technical_expertise": pgettext("escalation", "technical expertise"),
}
"""Why an escalation was requested."""
