"""The re-assessment of an urgent ticket that neither touches production nor has a large impact (G9), or of an alert.

The clocks run on meanwhile: it is a question to the customer, and a decision of support's.
"""

from typing import Final

from app.core.auth import Actor
from app.core.problems import Conflict
from app.core.text.language import choose_language
from app.core.text.messages import _
from app.events import types
from app.tickets.editing.messages import add_message
from app.tickets.editing.work import Work
from app.tickets.schemas import PostMessage
from app.tickets.texts import REVIEW_QUESTIONS

_ASKING: Final = Actor("automation", name="Heliodesk")


def reason(work: Work) -> str | None:
    """Why the priority needs a review: the plan asks for one, or an alert set the top priority and nobody said why."""
    ticket, document = work.ticket, work.document
    urgent = ticket.priority in document.review_non_production
    if urgent and ticket.environment == "non_production" and ticket.impact != "large":
        return "non_production"
    alarmed = ticket.channel == "hook" and ticket.priority == document.top and not ticket.business_impact
    return "automation" if alarmed else None


def request_if_due(work: Work) -> None:
    """Flag the ticket and ask its customer, once; a flag that has lost its reason is taken back."""
    due = reason(work)
    if (due is not None) == work.ticket.review_requested:
        return
    work.ticket.review_requested = due is not None
    if due is None:
        work.tell(types.TicketUpdated(fields={"review_requested": False}), _ASKING)
        return
    work.tell(types.TicketReviewRequested(priority=work.ticket.priority, reason=due), _ASKING)
    language = choose_language(work.ticket.requester.get("locale"), work.locale)
    question = REVIEW_QUESTIONS[due].to(language, priority=work.ticket.priority)
    add_message(work, _ASKING, _ASKING.document(), PostMessage(body=question))


def confirm(work: Work, actor: Actor) -> None:
    """Support has looked: the priority stays as it is. 409 when nothing was asked."""
    if not work.ticket.review_requested:
        raise Conflict(_("No review of this ticket's priority was requested"))
    work.ticket.review_requested = False
    work.tell(types.TicketUpdated(fields={"review_requested": False}), actor)
