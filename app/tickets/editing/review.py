"""The re-assessment of an urgent ticket that neither touches production nor has a large impact (G9), or of an alert.

The clocks run on meanwhile: it is a question to the customer, and a decision of support's.
"""

from typing import Final

from app.core.auth import Actor
from app.core.problems import Conflict
from app.core.text.language import choose_language
from app.core.text.messages import _
from app.events import types
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.schemas import NewMessage
from app.tickets.texts import REVIEW_QUESTIONS

_ASKING: Final = Actor("automation", name="Heliodesk")


def reason(edit: TicketEdit) -> str | None:
    """Why the priority needs a review: the plan asks for one, or an alert set the top priority and nobody said why."""
    ticket, document = edit.ticket, edit.document
    urgent = ticket.priority in document.review_non_production
    if urgent and ticket.environment == "non_production" and ticket.impact != "large":
        return "non_production"
    automatic = ticket.channel == "hook" and ticket.priority == document.top and not ticket.business_impact
    return "automation" if automatic else None


def request_if_due(edit: TicketEdit) -> None:
    """Flag the ticket and ask its customer, once; a flag that has lost its reason is taken back."""
    due = reason(edit)
    if (due is not None) == edit.ticket.review_requested:
        return
    edit.ticket.review_requested = due is not None
    if due is None:
        edit.tell(types.TicketUpdated(fields={"review_requested": False}), _ASKING)
        return
    edit.tell(types.TicketReviewRequested(priority=edit.ticket.priority, reason=due), _ASKING)
    language = choose_language(edit.ticket.requester.get("locale"), edit.locale)
    question = REVIEW_QUESTIONS[due].to(language, priority=edit.ticket.priority)
    add_message(edit, _ASKING, _ASKING.document(), NewMessage(body=question))


def confirm(edit: TicketEdit, actor: Actor) -> None:
    """Support has looked: the priority stays as it is. 409 when nothing was asked."""
    if not edit.ticket.review_requested:
        raise Conflict(_("No review of this ticket's priority was requested"))
    edit.ticket.review_requested = False
    edit.tell(types.TicketUpdated(fields={"review_requested": False}), actor)
