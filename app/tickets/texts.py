"""What the service itself writes to customers, in their language, and to support. Pure.

A text says only what is true whoever is on shift, or there is one for each case: nobody may be there.
"""

from collections.abc import Mapping
from typing import Final

from app.core.text.messages import Message, _, pgettext

REVIEW_QUESTIONS: Final[Mapping[str, Message]] = {
    "non_production": _(
        "Your ticket has priority {priority}, but does not concern production. It keeps this priority for now. Please "
        "tell us how your business is affected at the moment: if the ticket can wait, we may lower its priority."
    ),
    "automation": _(
        "An automatic alert opened this ticket with priority {priority}, or raised it to that priority. It keeps this "
        "priority for now. Please tell us how your business is affected: if the ticket can wait, we may lower its "
        "priority."
    ),
    "assessment": _(
        "The impact or the urgency of your ticket has changed. By your plan's matrix its priority would be {matrix}; "
        "for now it stays {priority}, and is up for review. Please tell us how your business is affected at the moment."
    ),
    "engineer": _(
        "We would like to review the priority of your ticket, which is {priority}. Please tell us how your business is "
        "affected at the moment: if the ticket can wait, we may lower its priority."
    ),
}
"""What a customer is asked about a priority, by why it is reviewed (G9): outside production, an alert, on request."""

CALL_REMINDER: Final = _(
    "This ticket's call is open, and you have not joined it yet. You can join at any time by the link in the ticket. "
    "If you will not join, please decline the call and tell us why."
)
"""What a customer is told who has neither joined the call nor declined it (G6)."""

LINK_WANTED: Final = _(
    "We could not set up a call for this ticket. Please enter a link to a conference of your own as the ticket's call "
    "link: the call then takes place there."
)
"""What a customer is asked when no provider could make a link for the call (G3)."""

WAITING: Final = _("We need your answer to continue with this ticket.")
WAITING_UNTIL: Final = _(
    "We need your answer to continue with this ticket. If we do not hear from you, we will mark it as resolved: {on}."
)
WAITED_ENOUGH: Final = _(
    "We have not heard from you, so we have marked this ticket as resolved. If the problem is still there, just "
    "answer: the ticket will then be open again."
)
"""What a customer is told for whom a ticket waits: the reminders, and its resolution (N8)."""

NEXT_TIER: Final = _("We have escalated your ticket to support tier {tier}.")
TIER_WAITS: Final = _(
    "Nobody of support tier {tier} is available at the moment. Your ticket waits there until somebody is."
)
ESCALATED: Final[Mapping[str, Message]] = {
    "manager": _("We have escalated your ticket to the manager of your account."),
    "support": _("We have escalated your ticket within our support."),
    "nobody": _(
        "Your ticket has not been solved in the time after which we escalate it. At present there is nobody to whom we "
        "can escalate it, so it stays where it is."
    ),
}
"""What a customer is told about an escalation that the service makes (N6): at the highest tier, by whom it reaches."""

HANDOVER_NOTE: Final = (
    _("Hand-over from {left} to {came}"),
    pgettext("handover", "Summary: {number}, {priority}, {status}: {title}"),
    pgettext("handover", "Business impact: {impact}"),
    pgettext("handover", "Last update: {update}"),
    pgettext("handover", "Next due: {due}"),
    pgettext("handover", "Call: {link}"),
)
"""The lines of what one shift leaves for the next (G7), for support only."""
