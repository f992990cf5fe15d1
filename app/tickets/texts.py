"""What the service itself writes to customers, in their language, and to support. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.messages import Message, _, pgettext

REVIEW_QUESTIONS: Final[Mapping[str, Message]] = {
    "non_production": _(
        "Your ticket has priority {priority}, but does not concern production. We are working on it. Please tell us "
        "how your business is affected at the moment: if the ticket can wait, we will lower its priority."
    ),
    "automation": _(
        "An automatic alert opened this ticket with priority {priority}, or raised it to that priority. We are working "
        "on it. Please tell us how your business is affected: if the ticket can wait, we will lower its priority."
    ),
}
"""What a customer is asked about an urgent ticket, by why it is reviewed: outside production (G9), by an alert."""

HANDOVER_NOTE: Final = (
    _("Hand-over from {left} to {came}"),
    pgettext("handover", "Summary: {number}, {priority}, {status}: {title}"),
    pgettext("handover", "Business impact: {impact}"),
    pgettext("handover", "Last update: {update}"),
    pgettext("handover", "Next due: {due}"),
    pgettext("handover", "Call: {link}"),
)
"""The lines of what one shift leaves for the next (G7), for support alone."""
