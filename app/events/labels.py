"""What the facts of an event are called, and its closed vocabularies, as a person reads them. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import Message, pgettext
from app.plans.document.names import ESCALATION_REASONS, METRICS

LABELS: Final[Mapping[str, Message]] = {
    "ticket": pgettext("label", "Ticket"),
    "priority": pgettext("label", "Priority"),
    "at": pgettext("label", "At"),
    "author": pgettext("label", "From"),
    "accept_by": pgettext("label", "Accept by"),
    "alert_id": pgettext("label", "Alert"),
    "reason": pgettext("label", "Reason"),
    "justification": pgettext("label", "Justification"),
    "metric": pgettext("label", "Deadline"),
    "due_at": pgettext("label", "Due"),
    "business_impact": pgettext("label", "Business impact"),
    "priority_reason": pgettext("label", "Reason for the priority"),
    "join_url": pgettext("label", "Call"),
    "remind_at": pgettext("label", "Reminder"),
    "join_by": pgettext("label", "Join by"),
    "next_at": pgettext("label", "Next attempt"),
    "retry_at": pgettext("label", "Next attempt"),
    "error": pgettext("label", "Error"),
    "ends_at": pgettext("label", "Ends"),
    "product": pgettext("label", "Product"),
    "url": pgettext("label", "Address"),
    "programme": pgettext("label", "Programme"),
}
"""By the names that events give their facts."""

_WAITS: Final[Mapping[str, Message]] = {
    "unstaffed": pgettext("wait", "nobody is on shift and free"),
    "owner_held": pgettext("wait", "its engineer is needed for a more urgent ticket"),
    "max_experts": pgettext("wait", "the plan's limit of simultaneous experts"),
}
"""Why a ticket waits for an expert."""
_TAKEN: Final[Mapping[str, Message]] = {
    "shift_ended": pgettext("taken", "the shift has ended"),
    "region_lock": pgettext("taken", "the ticket is locked to another region"),
    "tier": pgettext("taken", "the ticket has moved to another support tier"),
    "missed": pgettext("taken", "a deadline was missed"),
    "exclusive": pgettext("taken", "the engineer is needed for a more urgent ticket"),
    "owner_free": pgettext("taken", "the engineer is free again"),
}
"""Why a ticket is handed over."""
_REASONS: Final = {**ESCALATION_REASONS, **_WAITS, **_TAKEN}
_STATED: Final = pgettext("fact", "{label}: {value}")
"""French has a no-break space before the colon."""

NOT_CONFIRMED: Final = pgettext("label", "{name} (sender not confirmed)")


def stated(label: str, value: object, language: Language) -> str:
    """A fact under its label, each of which is translated if it is a message."""
    return _STATED.to(language, label=label, value=value)


def not_confirmed(who: str, language: Language) -> str:
    """The name of an author whom an e-mail states, and for whom nobody vouches."""
    return NOT_CONFIRMED.to(language, name=who)


def named(name: str, value: str, language: Language) -> str:
    """The value of a fact as a person reads it: a word for a metric or a reason of ours; else as it is."""
    words = METRICS if name == "metric" else _REASONS if name == "reason" else {}
    return words[value].to(language) if value in words else value
