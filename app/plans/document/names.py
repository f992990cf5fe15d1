"""What people call the things that a plan speaks of. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.messages import Message, pgettext, verbatim
from app.plans.document.words import Effect, Impact, Requirement, Urgency

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
CHANNELS: Final[Mapping[str, Message]] = {
    "web": pgettext("channel", "web"),
    "email": pgettext("channel", "e-mail"),
    "phone": pgettext("channel", "phone"),
    "widget": pgettext("channel", "help widget"),
    "account_manager": pgettext("channel", "account manager"),
}
"""How tickets are opened, and how best to get in touch."""
PROVIDERS: Final[Mapping[str, Message]] = {"meet": verbatim("Google Meet"), "jitsi": verbatim("Jitsi Meet")}
"""Who provides calls."""
URGENCIES: Final[Mapping[Urgency, Message]] = {
    "high": pgettext("urgency", "high"),
    "medium": pgettext("urgency", "medium"),
    "low": pgettext("urgency", "low"),
}
IMPACTS: Final[Mapping[Impact, Message]] = {
    "large": pgettext("impact", "large"),
    "medium": pgettext("impact", "medium"),
    "small": pgettext("impact", "small"),
}
REQUIREMENTS: Final[Mapping[Requirement, Message]] = {
    "business_impact": pgettext("requirement", "a detailed business impact"),
    "priority_reason": pgettext("requirement", "the reason for this priority"),
}
"""Texts that a ticket of a priority has to carry."""
EFFECTS: Final[Mapping[Effect, Message]] = {
    "raise_priority": pgettext("effect", "the priority is raised"),
    "next_tier": pgettext("effect", "the next tier takes over"),
    "reassign": pgettext("effect", "another engineer takes over"),
    "notify_manager": pgettext("effect", "your account's manager is notified"),
    "notify_tam": pgettext("effect", "your technical account manager is notified, if you have one"),
    "open_escalation": pgettext("effect", "an escalation is opened"),
}
"""What a miss does, as a customer reads it."""
