"""The words in which a programme is told. Pure.

What is inserted stands behind a colon, or where no language that we speak inflects it; figures stand by themselves.
"""

from collections.abc import Mapping
from typing import Final

from app.core.text.messages import Message, _, pgettext
from app.plans.document.names import METRICS
from app.plans.document.words import TargetMetric

TITLES: Final[Mapping[str, Message]] = {
    "deadlines": pgettext("programme", "What we promise"),
    "hours": pgettext("programme", "Working hours"),
    "objectives": pgettext("programme", "What we aim for"),
    "priorities": pgettext("programme", "Priorities"),
    "matrix": pgettext("programme", "Priority by urgency and impact"),
    "call": pgettext("programme", "The live call"),
    "experts": pgettext("programme", "Who works on a ticket"),
    "customer": pgettext("programme", "What you can do"),
    "waiting": pgettext("programme", "While we wait for you, and when a ticket ends"),
    "late": pgettext("programme", "When a deadline is missed"),
    "channels": pgettext("programme", "Channels"),
    "addons": pgettext("programme", "Add-ons"),
    "services": pgettext("programme", "Also included"),
}
"""What the sections are called, in their order."""

COLUMNS: Final[Mapping[str, Message]] = {
    "priority": pgettext("programme", "Priority"),
    "first_response": METRICS["first_response"],
    "next_response": METRICS["next_response"],
    "update": pgettext("programme", "Interval between updates"),
    "resolution": METRICS["resolution"],
    "tier_escalation": pgettext("programme", "Interval between escalations"),
    "matrix": pgettext("programme", "Urgency"),
    "large": pgettext("programme", "Large impact"),
    "medium": pgettext("programme", "Medium impact"),
    "small": pgettext("programme", "Small impact"),
}
"""The heads of tables: of deadlines by their metric, of the matrix by the impact."""

CLOCKS: Final[Mapping[TargetMetric, Message]] = {
    "first_response": pgettext("clock", "first response"),
    "next_response": pgettext("clock", "next response"),
    "update": pgettext("clock", "updates"),
    "resolution": pgettext("clock", "resolution"),
    "tier_escalation": pgettext("clock", "escalations"),
}
"""What a clock runs for, in a list of them."""

MISSES: Final[Mapping[str, Message]] = {
    "first_response": pgettext("miss", "The first response is late"),
    "next_response": pgettext("miss", "A response is late"),
    "update": pgettext("miss", "An update is late"),
    "resolution": pgettext("miss", "The resolution is late"),
    "tier_escalation": pgettext("miss", "An escalation is due"),
    "escalation_ack": pgettext("miss", "An escalation is not acknowledged in time"),
    "alert_ack": pgettext("miss", "An alerted expert does not answer"),
    "call_join": pgettext("miss", "You do not come to the call"),
}

OBJECTIVES: Final[Mapping[str, Message]] = {
    "first_response": pgettext("objective", "First responses in time"),
    "next_response": pgettext("objective", "Further responses in time"),
    "update": pgettext("objective", "Tickets updated in time"),
    "resolution": pgettext("objective", "Tickets resolved in time"),
    "tier_escalation": pgettext("objective", "Tickets escalated in time"),
    "escalation_ack": pgettext("objective", "Escalations acknowledged in time"),
    "alert_ack": pgettext("objective", "Alerts answered in time"),
    "call_join": pgettext("objective", "Calls joined in time"),
}

SENTENCES: Final[Mapping[str, Message]] = {
    "best_effort": _("There are no deadlines: we answer on a best-effort basis."),
    "always": _("These times are counted around the clock: nights, weekends and public holidays count."),
    "working": _("These times are counted in the working hours below."),
    "business_days": _("Business days are counted in the working hours below."),
    "updates_from_opening": _("The first update is counted from the opening of the ticket."),
    "updates_from_response": _("Updates are counted from the first response on."),
    "counts_for": _("They count for: {targets}"),
    "account_zone": _("The times are those of your time zone."),
    "zone": _("Time zone: {zone}"),
    "holidays_count": _("Public holidays count like other days."),
    "own_holidays": _("The public holidays of your country do not count."),
    "holidays_of": _("Public holidays that do not count: {country}"),
    "days_off": _("Days that do not count: {days}"),
    "default_priority": _("A ticket for which nothing else is said gets this priority: {priority}"),
    "contact": _("Best reached by: {channels}"),
    "requires": _("A ticket needs: {texts}"),
    "reviewed": _(
        "If production is not affected and the impact is not large, we look at this priority again together with you, "
        "and may lower it."
    ),
    "call": _(
        "A ticket that is opened with one of these priorities, or raised to it, gets a live video call at once, and "
        "you can join from the first second. If you cannot use our call, give us a link to your own conference. If you "
        "will not join, tell us why; you can still change your mind. After the call, updates come through the ticket."
    ),
    "exclusive": _(
        "An expert is alerted at once and works on nothing else until the problem is solved or mitigated, or the "
        "priority is lowered."
    ),
    "sun": _(
        "The work follows the sun: as one region ends its day, experts of the next one take over. On request we stay "
        "in one region or one time zone."
    ),
    "top_tier": _(
        "At the highest tier, and where there are no further tiers, the manager of your account is notified at the "
        "same intervals."
    ),
    "may_any": _("You can set another priority yourself, at any time."),
    "may_raise": _("You can raise the priority yourself, at any time."),
    "may_none": _("Support sets the priority."),
    "may_escalate": _("If circumstances change, or progress stalls, you can ask for an escalation."),
    "tam": _(
        "A technical account manager is told of every ticket of the highest priority, and of every escalation and its "
        "outcome."
    ),
    "addon_tiers": _("Support tiers: {tiers}"),
}

FACTS: Final[Mapping[str, Message]] = {
    "call_for": pgettext("fact", "Priorities with a call"),
    "call_by": pgettext("fact", "Where we meet"),
    "call_own": pgettext("fact", "your own conference"),
    "remind": pgettext("fact", "Time until we remind you"),
    "join_by": pgettext("fact", "Time until you count as absent"),
    "exclusive": pgettext("fact", "Priorities with an expert of their own"),
    "sun": pgettext("fact", "Priorities that follow the sun"),
    "accept": pgettext("fact", "Time for an alerted expert to answer"),
    "repeat": pgettext("fact", "Time until all are alerted again, if nobody answers"),
    "max_experts": pgettext("fact", "Experts for you at the same time, at most"),
    "tiers": pgettext("fact", "Support tiers"),
    "reasons": pgettext("fact", "Reasons for an escalation"),
    "exchanges": pgettext("fact", "Number of exchanges that counts as too many"),
    "acknowledge": pgettext("fact", "Time to acknowledge an escalation"),
    "paused": pgettext("fact", "What stands still while we wait for your answer"),
    "paused_in": pgettext("fact", "What stands still in the status “{status}”"),
    "wait_remind": pgettext("fact", "Time until we remind you of our question"),
    "wait_resolve": pgettext("fact", "Time until the ticket is resolved without an answer"),
    "close_after": pgettext("fact", "Time to reopen a resolved ticket"),
    "channels": pgettext("fact", "Ways to open a ticket"),
    "trial": pgettext("fact", "While you are on trial, you have this programme"),
}

PAGE: Final[Mapping[str, Message]] = {
    "other_language": _("This programme is not available in your language yet: its own texts are in another one."),
    "languages": _("Languages"),
    "version": _("Version {version} of the programme"),
}
TIMES: Final[Mapping[str, Message]] = {
    "always": pgettext("hours", "Around the clock"),
    "on_days": pgettext("hours", "{days}: {hours}"),
    "days": pgettext("hours", "{first} to {last}"),
}
